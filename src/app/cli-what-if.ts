/** How what-ifs are asked on the command line, and how their answers look there. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { formatDurationMs, formatMicroUsd } from "../base/units.ts";
import type { ProblemDefinition, ProblemDocument } from "../contract/problem.ts";
import type { Static } from "../contract/schema.ts";
import { InvalidPolicies } from "../domains/policy/contract.ts";
import {
  Adopt,
  BadEdit,
  type ChangedStep,
  namelessPolicy,
  Policy,
  type PolicyEffect,
  policyCharsMax,
  type Proposal,
  Proposals,
  Run,
  type Said,
  type Spent,
  Withdraw,
} from "../domains/what-if/contract.ts";
import { diffText, type Pen, type Style } from "../surfaces/cli/pen.ts";
import { CallFailed, type Input, type Terminal } from "../surfaces/cli/port.ts";
import { withCapsulePaths } from "./capsule-names.ts";
import { unreadWords } from "./system-faults.ts";

type Paths = Pick<Terminal, "resolvePath">;

/** The hub is given the text. A file of the name of one in force is tried in its place. */
async function withPolicy(input: Input, terminal: Paths): Promise<Input> {
  const typed = input["policy"];
  if (typeof typed !== "string") return input;
  const path = terminal.resolvePath(typed);
  const policy = await readText(path);
  return { ...namedPolicy(path), ...input, policy };
}

function namedPolicy(path: string): { readonly policyName?: string } {
  const name = basename(path);
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,92}\.cedar$/.test(name) ? { policyName: name } : {};
}

/** The hub knows the policy by the place that it would have there; its author knows it by their own path. */
function placeIn({ policy, policyName }: Input): { readonly theirs: string; readonly own: string } | null {
  if (typeof policy !== "string") return null;
  const name = policyName ?? namedPolicy(policy).policyName;
  return { theirs: typeof name === "string" ? `policies/${name}` : namelessPolicy, own: policy };
}

function inOwnFile(document: ProblemDocument, typed: Input): ProblemDocument {
  const place = placeIn(typed);
  const { faults } = document;
  if (document.code !== InvalidPolicies.code || place === null || !Array.isArray(faults)) return document;
  return {
    ...document,
    detail: document.detail.replaceAll(`${place.theirs}:`, `${place.own}:`),
    faults: faults.map((fault: unknown) => {
      const { at } = Object(fault) as { readonly at?: unknown };
      return { ...Object(fault), at: typeof at === "string" ? placed(at, typed) : at };
    }),
  };
}

function placed(at: string, typed: Input): string {
  const place = placeIn(typed);
  return place !== null && at.startsWith(`${place.theirs}:`) ? `${place.own}${at.slice(place.theirs.length)}` : at;
}

/** `3=@answer.json` takes the answer from a file, and so may the run be one: a capsule. */
async function withEdits(given: Input, terminal: Paths): Promise<Input> {
  const input = await withPolicy(await withCapsulePaths("run")(given, terminal), terminal);
  const edits = input["edit"];
  if (!Array.isArray(edits)) return input;
  const edit = await Promise.all(
    edits.map(String).map(async (each) => {
      const [, step, path] = /^(\d+)=@(.+)$/s.exec(each) ?? [];
      return path === undefined ? each : `${step}=${await readText(terminal.resolvePath(path), BadEdit)}`;
    }),
  );
  return { ...input, edit };
}

type Unreadable = Pick<ProblemDefinition, "code" | "status">;

async function readText(path: string, problem: Unreadable = InvalidPolicies): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw unreadable(problem, `${path}: ${unreadWords(error)}`);
  });
  if (text.length > policyCharsMax) throw unreadable(problem, `${path}: it has more than ${policyCharsMax} characters`);
  return text;
}

const unreadable = ({ code, status }: Unreadable, detail: string): CallFailed =>
  new CallFailed({ type: `/problems/${code}`, title: "The file cannot be used", status, code, detail, instance: "" });

export const whatIfPrepare = { [Policy.id]: withPolicy, [Run.id]: withEdits };
export const whatIfFailed = { [Policy.id]: inOwnFile, [Run.id]: inOwnFile };
export const whatIfFlags = { [Policy.id]: { isAlone: "alone" }, [Run.id]: { isAlone: "alone" } };

export const whatIfItems = {
  [Policy.id]: (item: unknown, pen: Pen, typed: Input) => {
    const { atSeq, headSeq, decisions, effect } = item as Static<typeof Policy.output>;
    return effect === undefined
      ? pen.paint("dim", `${atSeq} of ${headSeq} events, ${decisions} decisions`)
      : effectText(effect, pen, typed);
  },
};

export const whatIfAnswers = {
  [Run.id]: (output: unknown, pen: Pen, typed: Input) => runText(output as Static<typeof Run.output>, pen, typed),
  [Proposals.id]: (output: unknown, pen: Pen) => proposalsText(output as Static<typeof Proposals.output>, pen),
  [Adopt.id]: (output: unknown, pen: Pen) => {
    const { rule, place, text, effect } = output as Static<typeof Adopt.output>;
    const undo = pen.paint("dim", `To take it out again: arw policy withdraw ${rule}`);
    return [
      `${pen.paint("green", "✓")} ${rule} is in force, at ${pen.safe(place)}`,
      "",
      pen.safe(text),
      "",
      effect,
      undo,
    ].join("\n");
  },
  [Withdraw.id]: (output: unknown, pen: Pen) => {
    const { rule, place } = output as Static<typeof Withdraw.output>;
    return `${pen.paint("green", "✓")} ${rule} is out again; it stood at ${pen.safe(place)}`;
  },
};

function effectText({ words, rules, unknowns, differentToday }: PolicyEffect, pen: Pen, typed: Input): string {
  const lines = rules.flatMap(({ rule, source, answered, declined, blocked, asked, opened, examples }) => {
    const counts = [
      ...(answered > declined ? [`${answered - declined} answered`] : []),
      ...(declined > 0 ? [`${declined} answered with no`] : []),
      ...(blocked > 0 ? [`${blocked} blocked`] : []),
      ...(asked > 0 ? [`${asked} asked`] : []),
      ...(opened > 0 ? [`${opened} opened`] : []),
    ];
    return [
      "",
      `${pen.paint("bold", pen.safe(rule))}  ${pen.paint("dim", pen.safe(placed(source, typed)))}  ${counts.join(", ")}`,
      ...examples.map(
        ({ seq, caller, tool, target, was, now }) =>
          `  ${pen.paint("dim", String(seq).padStart(6))}  ${pen.safe(`${caller} ${tool} ${placeText(target)}`)}: ${was}, now ${paintedEffect(now, pen)}`,
      ),
    ];
  });
  const today =
    differentToday === 0
      ? []
      : [
          "",
          pen.paint(
            "dim",
            `${differentToday} ${differentToday === 1 ? "call is" : "calls are"} answered differently today already, whatever this policy says.`,
          ),
        ];
  const unknown = unknowns.map(({ why, decisions }) => pen.paint("dim", `unknown  ${decisions}: ${pen.safe(why)}`));
  return [words, ...lines, ...today, ...(unknown.length === 0 ? [] : ["", ...unknown])].join("\n");
}

type Target = ChangedStep["target"];
const placeText = (target: Target): string =>
  target === undefined ? "" : (target.host ?? [target.folder, target.path].filter((each) => each).join("/"));

const effectStyles: Readonly<Record<Said["effect"], Style>> = {
  allow: "green",
  ask: "yellow",
  deny: "red",
  unknown: "dim",
};
const paintedEffect = (effect: Said["effect"], pen: Pen): string => pen.paint(effectStyles[effect], effect);

function proposalsText({ proposals, skipped }: Static<typeof Proposals.output>, pen: Pen): string {
  const none = "No proposals. They come from questions of agents that you answered alike several times.";
  const lines = proposals.flatMap((each) => proposalLines(each, pen));
  const notes = skipped.map(({ why, questions }) => pen.paint("dim", `no rule for ${questions}: ${pen.safe(why)}`));
  return [...(lines.length === 0 ? [none] : lines), ...notes].join("\n");
}

const proposalLines = ({ proposal, about, effect, opens, text }: Proposal, pen: Pen): readonly string[] => [
  `${pen.paint("bold", proposal)}  ${pen.safe(about)}`,
  `  ${effect.words}`,
  ...opens.map((each) => `  ${pen.paint("yellow", "opens")}  ${pen.safe(each)}`),
  ...text.split("\n").map((line) => `    ${pen.paint("dim", pen.safe(line))}`),
  `  ${pen.paint("dim", `arw policy adopt ${proposal}`)}`,
  "",
];

const resultStyles: Readonly<Record<ChangedStep["result"], Style>> = {
  saved: "green",
  added: "yellow",
  blocked: "red",
  opened: "yellow",
  "cut-off": "red",
  unknown: "dim",
};
const resultWidth = 8;

function runText(told: Static<typeof Run.output>, pen: Pen, typed: Input): string {
  const { title, agent, horizon, differences, blocked, spentThen, spentNow, diffs } = told;
  const steps = differences.flatMap(({ step, tool, target, summary, was, now, result }) => [
    `${String(step).padStart(4)}  ${pen.paint(resultStyles[result], result.padEnd(resultWidth))}  ${pen.line(`${tool} ${placeText(target) || summary}`)}`,
    `      ${saidText(was, pen)} → ${saidText(inOwnPlace(now, typed), pen)}`,
    ...(result === "cut-off" && now.reason !== undefined ? [`      ${pen.paint("dim", pen.line(now.reason))}`] : []),
  ]);
  const texts = diffs.flatMap(({ step, tool, what, diff }) => [
    "",
    pen.paint("bold", `Step ${step}, ${what} of ${pen.line(tool)}`),
    diffText(diff.replace(/\n$/, ""), pen),
  ]);
  const outcome =
    told.outcomeNow === told.outcomeThen
      ? []
      : [`Outcome: ${pen.line(told.outcomeThen ?? "none")} → ${pen.line(told.outcomeNow ?? "unknown")}`];
  return [
    `${pen.paint("bold", pen.line(title))}  ${pen.line(agent)}`,
    pen.line(horizon),
    ...(steps.length === 0 ? [] : ["", ...steps]),
    "",
    `Questions: ${questionsText(told)}. Blocked: ${blocked}.`,
    `Took: ${spentText(spentThen)} → ${spentText(spentNow)}`,
    ...outcome,
    ...texts,
    pen.paint("dim", "Nothing was done."),
  ].join("\n");
}

/** `1 then, 0 now (1 call is blocked instead)`. Behind the horizon nobody knows what would be asked. */
function questionsText({ approvals, differences, unknownAfterStep }: Static<typeof Run.output>): string {
  const { asked, saved, added } = approvals;
  const count = (...results: readonly ChangedStep["result"][]): number =>
    differences.filter(({ was, result }) => was.effect === "ask" && results.includes(result)).length;
  const blocked = Math.min(count("blocked"), saved);
  const answered = Math.min(count("saved", "opened"), saved - blocked);
  const idle = saved - blocked - answered;
  const parts = [
    ...(answered > 0 ? [`${answered} saved`] : []),
    ...(blocked > 0 ? [`${blocked} ${blocked === 1 ? "call is" : "calls are"} blocked instead`] : []),
    ...(idle > 0 ? [`${idle} not come to`] : []),
    ...(added > 0 ? [`${added} added`] : []),
  ];
  const now = unknownAfterStep === null ? String(asked - saved + added) : "unknown";
  return `${asked} then, ${now} now${parts.length === 0 ? "" : ` (${parts.join(", ")})`}`;
}

/** What was said then was said by the file that was in force, whose name it may have. */
const inOwnPlace = (said: Said, typed: Input): Said =>
  said.source === undefined ? said : { ...said, source: placed(said.source, typed) };

const saidText = ({ effect, rule, source }: Said, pen: Pen): string =>
  `${paintedEffect(effect, pen)}${rule === undefined ? "" : ` (${pen.line(rule)}${source === undefined ? "" : `, ${pen.line(source)}`})`}`;

const spentText = ({ tokens, microUsd, workedMs }: Spent): string =>
  [
    tokens === "unknown" ? "unknown tokens" : `${tokens} tokens`,
    microUsd === "unknown" ? "unknown cost" : formatMicroUsd(microUsd),
    workedMs === "unknown" ? "unknown time" : formatDurationMs(workedMs),
  ].join(", ");
