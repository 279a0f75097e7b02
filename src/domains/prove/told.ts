/** Answers in words: the call that was found, what stands outside the proof, and what would bring an answer. */
import { type Found, notModelled, tooManyCases } from "./ask.ts";
import type { EncodedPolicy } from "./cedar-policy.ts";
import type { QuestionName, Witness } from "./contract.ts";
import type { Point } from "./decide.ts";
import { holds } from "./decide.ts";
import { all, choice, type Formula } from "./formula.ts";
import { type Facts, type InForce, verdictsOf } from "./in-force.ts";
import type { SolverSeat } from "./port.ts";
import type { Whose } from "./questions.ts";
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
  run,
  startedBy,
  atMs,
}: Witness): string {
  const facts = [
    ...factsOf({ path, isGranted, labels }),
    isOpen ? "where the host is open to it" : null,
    isUnconfined === true ? "with nothing that confines programs" : null,
    run === undefined ? null : `in the run ${run}`,
    atMs === undefined ? null : `at ${momentText(atMs)}`,
  ].filter((each) => each !== null);
  const call =
    startedBy === undefined
      ? `${caller} calls ${operation}${on(reached)}`
      : `a program that ${[`${caller} starts by ${startedBy.operation}${on(startedBy.reached)}`, ...factsOf(startedBy)].join(", ")}, reaches the ${reached.type} ${reached.id}`;
  return [call, ...facts].join(", ");
}

const on = ({ type, id }: Witness["reached"]): string => (type === "Hub" ? "" : ` on the ${type} ${id}`);

const factsOf = ({ path, isGranted, labels }: Pick<Witness, "path" | "isGranted" | "labels">) =>
  [
    path === "" ? null : `at the path ${path}`,
    isGranted ? "granted with its run" : null,
    labels.length === 0 ? null : `built from words of ${labels.join(", ")}`,
  ].filter((each) => each !== null);

/** The last moments that a date can name are of no use to a reader. */
const momentText = (timeMs: number): string => (timeMs < 8.64e15 ? new Date(timeMs).toISOString() : String(timeMs));

export function textOf(name: QuestionName, { answer, examples, doubt }: Found, subject?: string): string {
  const [first] = examples;
  const said = first?.said ?? [];
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
      return `It is not: ${shown}; the first says ${said[0]?.effect}, and the second ${said[1]?.effect}.`;
    case "changed":
      return examples.length === 1
        ? `One kind of calls is answered otherwise: ${shown}.`
        : `${examples.length} kinds of calls are answered otherwise; the first: ${shown}.`;
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

/** What a question was narrowed or widened to. */
export interface Narrowed {
  readonly agent?: string | undefined;
  readonly folder?: string | undefined;
}

/** The same words about one agent, and with a folder that nothing is to leave. */
export function narrowedWords(words: string, { agent, folder }: Narrowed): string {
  const granted = "outside what a person granted";
  const inFolder = folder === undefined ? words : words.replace(granted, `${granted}, nor outside ${folder},`);
  if (agent === undefined) return inFolder;
  return inFolder
    .replace("no agent, plugin or node", `${agent}, by the tools that it declares, never`)
    .replace(/^Proved: nothing/, `Proved: by the tools of ${agent} nothing`);
}

export const notModelledIn = (policies: readonly EncodedPolicy[]): readonly string[] => {
  const named = policies.flatMap(({ id, notModelled: what }) =>
    what === null ? [] : [`the policy ${id}: ${what} is not understood`],
  );
  return [...new Set(named)];
};

/** Names the policies that an answer may hang on. */
export const doubtOf = (doubt: string | null, policies: readonly string[]): string | null =>
  doubt === notModelled && policies.length > 0 ? `it hangs on ${policies.join("; ")}` : doubt;

/** What a proof cannot see, and what might refute it nevertheless. */
const always = ["links in the file system, and names that differ in letter case alone", "folders more than 256 deep"];
const inForce = ["rules, grants and leases that come after the question", "what MCP servers do by themselves"];
const ofPrograms = "what programs do that nothing confines, beyond the call that starts them";
const ofPlace = "another folder that its project is given after the question";
const ofOneAgent = "calls that its tools make inside the hub, beyond those that it declares";

/** What was left out, as it can only take away: what is proved without it holds with it. */
const onlyNarrows = [
  "the emergency stop",
  "how far a token reaches",
  "quotas that are used up for now",
  "what a call costs beyond the least that it can",
];
const sets = ["deny contracts, leases, allowances and the posture, which stand beside both sets"];

export interface Asked {
  readonly name: QuestionName;
  /** Only the tools of one agent were looked at. */
  readonly isOfOne: boolean;
  /** And they work in one folder only. */
  readonly isInPlace?: boolean | undefined;
}

export function outsideOf({ name, isOfOne, isInPlace = false }: Asked): readonly string[] {
  if (name === "stricter" || name === "changed") return always;
  const ofOne = [...(isOfOne ? [ofOneAgent] : []), ...(isInPlace ? [ofPlace] : [])];
  return [...inForce, ...(name === "child" ? [] : [ofPrograms]), ...ofOne, ...always];
}

/** A proof needs none of these, and each call that is shown was asked of the stages that know of them. */
export const leftOut = (name: QuestionName): readonly string[] =>
  name === "stricter" || name === "changed" ? sets : onlyNarrows;

export function nextOf({ answer, checkedBy, doubt }: Found, solver: SolverSeat): string | undefined {
  if (answer !== "unknown") return undefined;
  if (doubt === tooManyCases) return checkedBy.includes(solver.name) ? fewer : `${solver.next}; then ask again`;
  return "say it in the policies with what the guide of proofs lists, and ask again";
}

const fewer = "ask about one agent with --agent, or part the policies into fewer";

/** `1 policy`, `2 policies`, `no policies`. */
export const counted = (count: number, many: string, one: string): string =>
  count === 1 ? `1 ${one}` : `${count === 0 ? "no" : count} ${many}`;

/** Those that are not understood count as ones that may match whatever their heads let through. */
export function policiesText(policies: readonly EncodedPolicy[]): string {
  const unclear = policies.filter((each) => each.notModelled !== null).map(({ id }) => id);
  const all = counted(policies.length, "policies", "policy");
  return unclear.length === 0 ? all : `${all} (whatever ${unclear.join(", ")} may say)`;
}

export const lookedAt = (
  { policies }: Pick<InForce, "policies">,
  { contracts, leases, allowances, posture, self }: Facts,
  whose: Whose | null,
): readonly string[] => [
  policiesText(policies),
  counted(contracts.length, "contracts", "contract"),
  counted(leases.length, "leases", "lease"),
  counted(allowances.length, "allowances", "allowance"),
  `the posture ${posture.posture}`,
  `the role ${self.role}`,
  ...(whose === null ? [] : [`${counted(whose.tools.length, "tools", "tool")} of ${whose.agent}`]),
  ...(whose?.place === undefined ? [] : [`the folder ${whose.place.folder} that ${whose.agent} works in`]),
];

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
