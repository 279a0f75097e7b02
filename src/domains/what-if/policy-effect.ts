/** Adds up what other rules would have changed of everything that is recorded. */
import { createLru } from "../../base/lru.ts";
import { callerName } from "../../contract/caller.ts";
import { targetOf } from "../episodes/contract.ts";
import { examplesEach, type Example, type PolicyEffect, type RuleEffect, rulesMax } from "./contract.ts";
import { type Bench, type Compared, compared, type Decision, type HistoryItem } from "./decision.ts";

export interface EffectSum {
  add(item: HistoryItem): void | Promise<void>;
  /** Counts a decision that the candidate cannot touch, without asking. */
  pass(item: HistoryItem): void;
  readonly decisions: number;
  effect(): PolicyEffect;
}

type Change = "answered" | "declined" | "blocked" | "asked" | "opened";

/** Alike decisions are ruled once. More different ones than this are ruled again. */
const groupsMax = 50_000;
/** Reasons that are told apart; a record has a few. */
const reasonsMax = 32;

type Counts = Record<Change | "answeredNo", number>;
const noCounts = (): Counts => ({ answered: 0, answeredNo: 0, declined: 0, blocked: 0, asked: 0, opened: 0 });

interface RuleSum {
  readonly source: string;
  readonly counts: Counts;
  readonly examples: Map<Change, Example[]>;
}

export function createEffectSum(bench: Bench): EffectSum {
  const groups = createLru<string, Compared>(groupsMax);
  const rules = new Map<string, RuleSum>();
  const unknowns = new Map<string, number>();
  const sums = { decisions: 0, prompts: 0, unchanged: 0, unknown: 0, differentToday: 0 };
  const changes = noCounts();
  const noteUnknown = (why: string): void => {
    sums.unknown += 1;
    const key = unknowns.has(why) || unknowns.size < reasonsMax ? why : "other reasons";
    unknowns.set(key, (unknowns.get(key) ?? 0) + 1);
  };
  const count = (decision: Decision, said: Compared): void => {
    if (said.isDifferentToday) sums.differentToday += 1;
    if (said.unknown !== null) return noteUnknown(said.unknown);
    const change = changeOf(decision, said);
    if (change === null) {
      sums.unchanged += 1;
      return;
    }
    noteChange(changes, change, decision);
    const rule = ruleOf(rules, said);
    if (rule === null) return;
    noteChange(rule.counts, change, decision);
    const examples = rule.examples.get(change) ?? [];
    rule.examples.set(change, examples);
    if (examples.length < examplesEach) examples.push(exampleOf(decision, said));
  };
  const ruleAnew = async (key: string, decision: Decision): Promise<void> => {
    const said = await compared(decision, bench);
    groups.set(key, said);
    count(decision, said);
  };
  return {
    get decisions() {
      return sums.decisions;
    },
    add(item) {
      sums.decisions += 1;
      if (item.kind === "lost") {
        if (item.wasAsked) sums.prompts += 1;
        return noteUnknown(item.why);
      }
      const { decision } = item;
      if (decision.was === "ask") sums.prompts += 1;
      const key = groupKey(decision);
      const known = groups.get(key);
      if (known !== undefined) return count(decision, known);
      return ruleAnew(key, decision);
    },
    pass(item) {
      sums.decisions += 1;
      if (item.kind === "lost") return noteUnknown(item.why);
      if (item.decision.was === "ask") sums.prompts += 1;
      sums.unchanged += 1;
    },
    effect() {
      const told = { ...sums, ...changes };
      return {
        words: effectWords(told),
        ...told,
        rules: [...rules].map(([rule, sum]) => ruleEffect(rule, sum)),
        unknowns: [...unknowns].map(([why, decisions]) => ({ why, decisions })),
      };
    },
  };
}

/** Everything that an answer can depend on. */
function groupKey({ facts, was, by, rule }: Decision): string {
  const { operation, caller, grants, asks, scope, hidden, labels, labelsMaybe, mayBeLeased, isToolGranted } = facts;
  return JSON.stringify([
    operation.id,
    caller.kind,
    caller.id,
    was,
    by,
    rule,
    scope,
    hidden,
    labels.toSorted(),
    labelsMaybe,
    mayBeLeased,
    isToolGranted,
    asks,
    grants,
  ]);
}

function changeOf({ was, answer }: Decision, { now }: Compared): Change | null {
  if (now.effect === was) return null;
  if (now.effect === "deny") return was === "ask" && answer !== "yes" && answer !== "edited" ? "declined" : "blocked";
  if (was === "deny") return "opened";
  return now.effect === "ask" ? "asked" : "answered";
}

/** A question that a rule says no to is answered, too: nobody is asked, and nothing is kept back that was done. */
function noteChange(counts: Counts, change: Change, { answer }: Decision): void {
  counts[change] += 1;
  if (change === "declined") counts.answered += 1;
  if (change === "answered" && answer === "no") counts.answeredNo += 1;
}

/** Null when there is no room for another one; the sums count all the same. */
function ruleOf(rules: Map<string, RuleSum>, { now }: Compared): RuleSum | null {
  const id = now.rule ?? "unknown";
  const known = rules.get(id);
  if (known !== undefined) return known;
  if (rules.size >= rulesMax) return null;
  const made: RuleSum = { source: now.source ?? "", counts: noCounts(), examples: new Map() };
  rules.set(id, made);
  return made;
}

const ruleEffect = (rule: string, { source, counts, examples }: RuleSum): RuleEffect => ({
  rule,
  source,
  ...counts,
  examples: [...examples.values()].flat(),
});

const thenWords = { allow: "was done without a question", deny: "was refused" } as const;
const answerWords = {
  yes: "you said yes",
  no: "you said no",
  edited: "you changed it and said yes",
  none: "nobody answered",
} as const;

function exampleOf({ seq, episode, facts, was, answer = "none" }: Decision, { now }: Compared): Example {
  const target = targetOf(facts.scope);
  return {
    seq,
    episode,
    caller: callerName(facts.caller),
    tool: facts.operation.id,
    ...(Object.keys(target).length === 0 ? {} : { target }),
    was: was === "ask" ? answerWords[answer] : thenWords[was],
    now: now.effect,
  };
}

type Sums = Omit<PolicyEffect, "words" | "rules" | "unknowns">;

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;

/** "This policy would have answered 37 of your 52 prompts, blocked 2 calls, and changed nothing else." */
export function effectWords({
  decisions,
  prompts,
  answered,
  answeredNo,
  declined,
  blocked,
  asked,
  opened,
  unknown,
}: Sums): string {
  if (decisions === 0) return "Nothing is recorded here yet that a policy decides about.";
  const notes = [
    ...(declined === 0 ? [] : [declinedWords(declined, answered)]),
    ...(answeredNo === 0 ? [] : [`you had said no to ${answeredNo} of them${declined === 0 ? "" : " that it allows"}`]),
  ];
  const no = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  const parts = [
    ...(answered === 0 ? [] : [`answered ${answered} of your ${counted(prompts, "prompt")}${no}`]),
    ...(blocked === 0 ? [] : [`blocked ${counted(blocked, "call")}`]),
    ...(asked === 0 ? [] : [`asked you about ${counted(asked, "call")} more`]),
    ...(opened === 0 ? [] : [`opened ${counted(opened, "call")} that ${opened === 1 ? "was" : "were"} refused`]),
  ];
  const rest = unknown === 0 ? "" : ` Of ${counted(unknown, "call")} the record does not say enough.`;
  if (parts.length === 0) return `This policy would have changed nothing of ${counted(decisions, "call")}.${rest}`;
  const others = unknown === 0 ? "changed nothing else" : "changed nothing else that is known";
  return `This policy would have ${parts.join(", ")}, and ${others}.${rest}`;
}

const declinedWords = (declined: number, answered: number): string =>
  declined === answered
    ? `with no, and you had allowed none of them`
    : `${declined} of them with no, which you had not allowed either`;
