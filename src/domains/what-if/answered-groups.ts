/** Questions of the past that are alike: one agent, tool and place, and for each of its files what was answered. */
import { createLru } from "../../base/lru.ts";
import type { Label } from "../../contract/caller.ts";
import type { Decision, HistoryItem } from "./decision.ts";
import type { NamedRule, Trial } from "./port.ts";
import { type Place, placeOf } from "./rule-text.ts";

/** Hands over all decisions of the record, each time it is called. */
export type EachDecision = (add: (item: HistoryItem) => void | Promise<void>) => Promise<void>;

/** Different questions that are looked at; a hub with more has been asked in many places, and these are the newest. */
const groupsMax = 5_000;
/** A rule that names more files is no rule that somebody reads. */
const pathsMax = 16;
/** Files of one place that are told apart: enough for as many as a rule names on either side, and as many that are mixed. */
const filesMax = pathsMax * 4;

/** What was answered about one file; about everything where a call names none. */
interface Tally {
  readonly labels: Set<Label>;
  yes: number;
  no: number;
  edited: number;
  refused: number;
  sinceMs: number;
  lastMs: number;
}

interface Group {
  readonly decision: Decision;
  readonly place: Place | null;
  readonly asking: NamedRule | null;
  readonly files: Map<string, Tally>;
  /** Answers about files that there was no room for. */
  beyond: number;
}

/** The files of a place that were always allowed, or never. */
export interface Side {
  readonly kind: "permit" | "forbid";
  readonly decision: Decision;
  readonly place: Place;
  readonly asking: NamedRule;
  readonly paths: readonly string[];
  readonly labels: ReadonlySet<Label>;
  readonly times: number;
  readonly sinceMs: number;
  readonly lastMs: number;
}

/** Questions that suggest no rule. */
export interface Passed {
  readonly why: string;
  readonly questions: number;
}

export async function groupsOf(each: EachDecision, { policies }: Trial): Promise<readonly Group[]> {
  const groups = createLru<string, Group>(groupsMax);
  const asking = new Map(policies.filter(({ effect }) => effect === "ask").map((policy) => [policy.id, policy]));
  const found = new Set<Group>();
  await each((item) => {
    if (item.kind === "lost") return;
    const { decision } = item;
    const { facts, was } = decision;
    if (facts.caller.kind !== "agent" || was === "allow") return;
    const place = placeOf(facts);
    const key = JSON.stringify([facts.caller.id, facts.operation.id, place ?? facts.scope]);
    const known = groups.get(key);
    const group = known ?? {
      decision,
      place,
      asking: asking.get(decision.rule ?? "") ?? null,
      files: new Map<string, Tally>(),
      beyond: 0,
    };
    if (known === undefined) {
      groups.set(key, group);
      found.add(group);
    }
    count(group, decision);
  });
  return [...found];
}

function count(group: Group, { was, answer, atMs, facts }: Decision): void {
  const tally = tallyOf(group, facts.scope.path ?? "", atMs);
  const isAnswer = answer === "yes" || answer === "no" || answer === "edited";
  if (tally === null) {
    if (was === "ask" && isAnswer) group.beyond += 1;
    return;
  }
  if (was === "deny") tally.refused += 1;
  else if (isAnswer) {
    tally[answer] += 1;
    tally.lastMs = Math.max(tally.lastMs, atMs);
    for (const label of facts.labels) tally.labels.add(label);
  }
}

/** Null where there is no room. */
function tallyOf({ files }: Group, path: string, atMs: number): Tally | null {
  const known = files.get(path);
  if (known !== undefined || files.size >= filesMax) return known ?? null;
  const made = { labels: new Set<Label>(), yes: 0, no: 0, edited: 0, refused: 0, sinceMs: atMs, lastMs: atMs };
  files.set(path, made);
  return made;
}

/** What of a group may become a rule, and why the rest may not. */
export function sidesOf(
  group: Group,
  timesMin: number,
): { readonly sides: readonly Side[]; readonly passed: readonly Passed[] } {
  const passed: Passed[] = group.beyond > 0 ? [{ why: tooManyFiles, questions: group.beyond }] : [];
  const sides: Side[] = [];
  const uniform: Readonly<Record<Side["kind"], (readonly [string, Tally])[]>> = { permit: [], forbid: [] };
  for (const [path, tally] of group.files) {
    const why = whyMixed(tally);
    if (why === null) uniform[tally.yes > 0 ? "permit" : "forbid"].push([path, tally]);
    else passed.push({ why, questions: tally.yes + tally.no + tally.edited });
  }
  for (const kind of ["permit", "forbid"] as const) {
    const files = uniform[kind].filter(([, { yes, no }]) => yes + no > 0);
    const questions = files.reduce((sum, [, { yes, no }]) => sum + yes + no, 0);
    if (questions === 0) continue;
    const why = whyNot(group, { kind, files: files.length, questions, timesMin });
    const { place, asking, decision } = group;
    if (why !== null || place === null || asking === null) passed.push({ why: why ?? manyThings, questions });
    else sides.push({ kind, decision, place, asking, times: questions, ...spanOf(files) });
  }
  return { sides, passed: passed.filter(({ questions }) => questions > 0) };
}

const manyThings = "the call reaches more than one thing";
const tooManyFiles = `more than ${pathsMax} different files were asked about`;

/** Null where all answers about the file were the same. */
function whyMixed({ yes, no, edited, refused }: Tally): string | null {
  if (no > 0 && yes + edited > 0) return "you said no at least once, and not every time";
  if (refused > 0) return "a rule refused the same at least once";
  return edited > 0 ? "you changed what would be done at least once" : null;
}

interface Weighed {
  readonly kind: Side["kind"];
  readonly files: number;
  readonly questions: number;
  readonly timesMin: number;
}

/** Null when a rule may be proposed. */
function whyNot({ place, asking }: Group, { kind, files, questions, timesMin }: Weighed): string | null {
  const said = kind === "permit" ? "you allowed the same" : "you said no to the same";
  if (questions < timesMin) return `${said} fewer than ${timesMin} times`;
  if (asking === null) return "it was not one of today's policies that asked";
  if (asksForContent(asking)) return "the question is about what the call was built from, which differs each time";
  if (place === null) return manyThings;
  return files > pathsMax ? tooManyFiles : null;
}

/** Whose words a call is built from, or whether anything confines it, a person sees each time. */
const asksForContent = ({ text }: NamedRule): boolean => /\bcontext\s*\.\s*labels\b|\bunconfined\b/.test(text);

function spanOf(files: readonly (readonly [string, Tally])[]): Pick<Side, "paths" | "labels" | "sinceMs" | "lastMs"> {
  const tallies = files.map(([, tally]) => tally);
  return {
    paths: files.map(([path]) => path).toSorted(),
    labels: new Set(tallies.flatMap(({ labels }) => [...labels])),
    sinceMs: Math.min(...tallies.map(({ sinceMs }) => sinceMs)),
    lastMs: Math.max(...tallies.map(({ lastMs }) => lastMs)),
  };
}
