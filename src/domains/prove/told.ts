/** Answers in words: the call that was found, what stands outside the proof, and what would bring an answer. */
import type { Found } from "./ask.ts";
import type { EncodedPolicy } from "./cedar-policy.ts";
import type { QuestionName, Witness } from "./contract.ts";
import type { Point } from "./decide.ts";
import { holds } from "./decide.ts";
import { all, choice, type Formula } from "./formula.ts";
import { verdictsOf } from "./in-force.ts";
import type { SolverSeat } from "./port.ts";
import type { Space } from "./space.ts";

/** `agent:x calls web.fetch on the Host example.org:443, which is open to it, from what it read in files`. */
export function callText({
  caller,
  operation,
  reached,
  path,
  isGranted,
  isOpen,
  labels,
  isUnconfined,
  atMs,
}: Witness): string {
  const what = reached.type === "Hub" ? "" : ` on the ${reached.type} ${reached.id}`;
  const facts = [
    path === "" ? null : `at the path ${path}`,
    isGranted ? "granted with its run" : null,
    isOpen ? "where the host is open to it" : null,
    labels.length === 0 ? null : `built from words of ${labels.join(", ")}`,
    isUnconfined === true ? "with nothing that confines programs" : null,
    atMs === undefined ? null : `at ${momentText(atMs)}`,
  ].filter((each) => each !== null);
  return [`${caller} calls ${operation}${what}`, ...facts].join(", ");
}

/** The last moments that a date can name are of no use to a reader. */
const momentText = (timeMs: number): string => (timeMs < 8.64e15 ? new Date(timeMs).toISOString() : String(timeMs));

export function textOf(name: QuestionName, { answer, examples, doubt }: Found, subject?: string): string {
  const [first] = examples;
  const rule = subject ?? "the rule";
  if (answer === "unknown") return `Unknown: ${doubt ?? "nobody could decide"}.`;
  if (answer === "proved") return `Proved: ${provedWords[name].replace("RULE", rule)}.`;
  const shown = first?.text ?? "";
  switch (name) {
    case "network":
      return `It can: ${shown}, and nobody is asked.`;
    case "writes-outside":
      return `It can: ${shown}, and nobody is asked.`;
    case "child":
      return `It can: ${shown}, which its parent may not.`;
    case "reachable":
      return `${rule} decides: ${shown}.`;
    case "stricter":
      return `It is not: ${shown}.`;
    case "changed":
      return `${examples.length} kinds of calls are answered otherwise; the first: ${shown}.`;
    default:
      return name satisfies never;
  }
}

const provedWords: Readonly<Record<QuestionName, string>> = {
  network: "nothing reaches another machine unless a person says yes to that call",
  "writes-outside": "nothing changes files outside what a person granted unless a person says yes to that call",
  child: "no agent does by a run that it starts what it may not do itself",
  reachable: "RULE never decides about any call",
  stricter: "the second permits nothing that the first does not",
  changed: "both say the same of every call",
};

export const notModelledIn = (policies: readonly EncodedPolicy[]): readonly string[] => {
  const named = policies.flatMap(({ id, notModelled }) =>
    notModelled === null ? [] : [`the policy ${id}: ${notModelled}`],
  );
  return [...new Set(named)];
};

/** What no question about rules can see. */
const always = [
  "links in the file system: a folder is what its path says",
  "folders more than 256 deep",
  "that a rule is changed, or a lease is given, after the question",
];
const inForce = [
  "quotas, allowances, tokens and the emergency stop, which only take away",
  "what servers of MCP tools do by themselves, which a person started or named",
  "where programs stand that the hub starts but nothing confines, beyond the call that starts them",
];
const sets = ["deny contracts, leases and the posture, which stand beside both sets"];

export const assumptions = (name: QuestionName): readonly string[] =>
  name === "stricter" || name === "changed" ? [...sets, ...always] : [...inForce, ...always];

export function nextOf({ answer, checkedBy, doubt }: Found, solver: SolverSeat): string | undefined {
  if (answer !== "unknown") return undefined;
  const isOwnLimit = !checkedBy.includes(solver.name) && doubt?.startsWith("there are more") === true;
  return isOwnLimit ? solver.next : "say it in the policies with what the guide of proofs lists, and ask again";
}

interface Sets {
  readonly first: readonly EncodedPolicy[];
  readonly second: readonly EncodedPolicy[];
  readonly space: Space;
}

/** Calls of the same kind of caller, of operations that policies cannot tell apart, to the same kind of thing, judged the same. */
export function alikeChange({ first, second, space }: Sets): (point: Point) => Formula {
  const [one, two] = [verdictsOf(first), verdictsOf(second)];
  return (point) => {
    const { kind, action, reached } = point.choices;
    const groups = JSON.stringify(space.groups.get(action));
    const sisters = [...space.groups].filter(([, each]) => JSON.stringify(each) === groups).map(([id]) => id);
    const judged = [one.allows, one.asks, two.allows, two.asks].filter((each) => holds(each, point));
    return all([choice("kind", [kind]), choice("reached", [reached]), choice("action", sisters), ...judged]);
  };
}
