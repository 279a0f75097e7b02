/**
 * Rules that past answers suggest: where a person allowed the same again and again and never said no, or said no and never yes.
 * A proposal reaches nothing that was not seen: the same agent, tool and place, the same files, and words of the same kinds.
 */
import { digestOf } from "../../base/canonical-json.ts";
import { createLru } from "../../base/lru.ts";
import { type Label, labels as allLabels } from "../../contract/caller.ts";
import { targetOf } from "../episodes/contract.ts";
import { type PolicyEffect, type Proposal, type Proposals, proposalsMax } from "./contract.ts";
import type { Static } from "../../contract/schema.ts";
import { benchOf, type Decision, type HistoryItem } from "./decision.ts";
import { createEffectSum } from "./policy-effect.ts";
import type { NamedRule, Rules, Trial } from "./port.ts";
import { type Draft, draftOf, type Place, placeOf } from "./rule-text.ts";

/** Hands over all decisions of the record, each time it is called. */
export type EachDecision = (add: (item: HistoryItem) => void | Promise<void>) => Promise<void>;

/** Different questions that are looked at; a hub with more has been asked in many places, and these are the newest. */
const groupsMax = 5_000;
/** A rule that names more files is no rule that somebody reads. */
const pathsMax = 16;

interface Group {
  readonly decision: Decision;
  readonly place: Place | null;
  readonly asking: NamedRule | null;
  readonly paths: Set<string>;
  readonly labels: Set<Label>;
  yes: number;
  no: number;
  edited: number;
  refused: number;
  sinceMs: number;
  lastMs: number;
}

interface Wanted {
  readonly allowedMin: number;
  /** Only the proposal of this id. */
  readonly only?: string;
}

type Told = Static<typeof Proposals.output>;

export async function proposalsFrom(each: EachDecision, rules: Rules, { allowedMin, only }: Wanted): Promise<Told> {
  using before = rules.inForce();
  const groups = await groupsOf(each, before);
  const skipped = new Map<string, number>();
  const skip = (why: string, questions: number) => void skipped.set(why, (skipped.get(why) ?? 0) + questions);
  const taken = new Set(before.policies.map(({ id }) => id));
  const drafts: { readonly group: Group; readonly draft: Draft }[] = [];
  for (const group of groups) {
    const why = whyNot(group, allowedMin);
    const { place, asking } = group;
    if (why !== null) skip(why, group.yes + group.no + group.edited);
    else if (place !== null && asking !== null) {
      const draft = draftFor(group, { place, asking });
      // Two policies of one id would be no set at all.
      if (taken.has(draft.rule)) skip("you adopted this very rule already", group.yes + group.no);
      else drafts.push({ group, draft });
    }
  }
  const chosen = drafts
    .filter(({ draft }) => only === undefined || draft.proposal === only)
    .toSorted((a, b) => b.group.yes + b.group.no - (a.group.yes + a.group.no))
    .slice(0, proposalsMax);
  const effects = await effectsOf(each, { rules, before, drafts: chosen });
  const proposals: Proposal[] = [];
  for (const [place, { group, draft }] of chosen.entries()) {
    const effect = effects[place] as PolicyEffect;
    const why = whyIdle(effect);
    if (why === null) proposals.push(proposalOf(group, draft, effect));
    else skip(why, group.yes + group.no);
  }
  return {
    proposals,
    skipped: [...skipped].slice(0, skippedMax).map(([why, questions]) => ({ why, questions })),
  };
}

/** As many reasons as there are. */
const skippedMax = 16;

async function groupsOf(each: EachDecision, { policies }: Trial): Promise<readonly Group[]> {
  const found: Group[] = [];
  const groups = createLru<string, Group>(groupsMax);
  const asking = new Map(policies.filter(({ effect }) => effect === "ask").map((policy) => [policy.id, policy]));
  await each((item) => {
    if (item.kind === "lost") return;
    const { decision } = item;
    const { facts, was } = decision;
    if (facts.caller.kind !== "agent" || was === "allow") return;
    const place = placeOf(facts);
    const key = JSON.stringify([facts.caller.id, facts.operation.id, place ?? facts.scope]);
    const known = groups.get(key);
    const group = known ?? newGroup(decision, place, asking.get(decision.rule ?? "") ?? null);
    if (known === undefined) {
      groups.set(key, group);
      found.push(group);
    }
    count(group, decision);
  });
  return found.filter(({ yes, no }) => yes + no > 0);
}

const newGroup = (decision: Decision, place: Place | null, asking: NamedRule | null): Group => ({
  decision,
  place,
  asking,
  paths: new Set(),
  labels: new Set(),
  yes: 0,
  no: 0,
  edited: 0,
  refused: 0,
  sinceMs: decision.atMs,
  lastMs: decision.atMs,
});

function count(group: Group, { was, answer, atMs, facts }: Decision): void {
  if (was === "deny") {
    group.refused += 1;
    return;
  }
  if (answer === "no") group.no += 1;
  if (answer === "edited") group.edited += 1;
  if (answer === "yes") group.yes += 1;
  if (answer !== "yes" && answer !== "no") return;
  group.lastMs = Math.max(group.lastMs, atMs);
  if (group.paths.size <= pathsMax) group.paths.add(facts.scope.path ?? "");
  for (const label of facts.labels) group.labels.add(label);
}

/** Null when a rule may be proposed. */
function whyNot({ yes, no, edited, refused, place, asking, paths }: Group, timesMin: number): string | null {
  if (no > 0 && yes + edited > 0) return "you said no at least once, and not every time";
  if (refused > 0) return "a rule refused the same at least once";
  if (edited > 0) return "you changed what would be done at least once";
  if (no > 0 && no < timesMin) return `you said no to the same fewer than ${timesMin} times`;
  if (no === 0 && yes < timesMin) return `you allowed the same fewer than ${timesMin} times`;
  if (asking === null) return "it was not one of today's policies that asked";
  if (asksForContent(asking)) return "the question is about what the call was built from, which differs each time";
  if (place === null) return "the call reaches more than one thing";
  return paths.size > pathsMax ? `more than ${pathsMax} different files were asked about` : null;
}

/** Whose words a call is built from, or whether anything confines it, a person sees each time. */
const asksForContent = ({ text }: NamedRule): boolean => /\bcontext\s*\.\s*labels\b|\bunconfined\b/.test(text);

function draftFor(
  { decision, paths, labels, yes, no, sinceMs, lastMs }: Group,
  { place, asking }: { readonly place: Place; readonly asking: NamedRule },
): Draft {
  const { caller, operation } = decision.facts;
  const terms = {
    ...(yes === 0 ? { kind: "forbid" as const } : {}),
    agent: caller.id,
    tool: operation.id,
    place,
    answers: asking.id,
    paths: [...paths].toSorted(),
    // An agent always works from its person's words; what else it worked from is named as it was seen.
    labels: allLabels.filter((label) => label === "user" || labels.has(label)),
  };
  return draftOf(terms, { hash: digestOf(terms).slice("sha256:".length), times: yes + no, sinceMs, lastMs });
}

interface Trying {
  readonly rules: Rules;
  readonly before: Trial;
  readonly drafts: readonly { readonly group: Group; readonly draft: Draft }[];
}

/** All in one walk over the record. A rule that names one agent and one tool touches nothing of others. */
async function effectsOf(each: EachDecision, { rules, before, drafts }: Trying): Promise<readonly PolicyEffect[]> {
  if (drafts.length === 0) return [];
  using held = new DisposableStack();
  const tried: { readonly sum: ReturnType<typeof createEffectSum>; readonly key: string }[] = [];
  for (const { group, draft } of drafts) {
    const trial = held.use(await rules.over({ text: draft.text }));
    tried.push({ sum: createEffectSum(benchOf(before, trial)), key: touchKey(group.decision) });
  }
  await each(async (item) => {
    const key = item.kind === "decision" ? touchKey(item.decision) : "";
    for (const { sum, key: own } of tried) {
      if (own === key) await sum.add(item);
      else sum.pass(item);
    }
  });
  return tried.map(({ sum }) => sum.effect());
}

const touchKey = ({ facts }: Decision): string => `${facts.caller.kind}:${facts.caller.id} ${facts.operation.id}`;

/** Only what answers questions and changes nothing else is proposed. */
function whyIdle({ answered, answeredNo, blocked, asked, opened, differentToday }: PolicyEffect): string | null {
  if (answered === 0)
    return differentToday > 0 ? "a rule in force answers it already" : "another rule would ask or refuse all the same";
  return answeredNo + blocked + asked + opened > 0 ? "the rule would have changed more than these answers" : null;
}

function proposalOf(group: Group, draft: Draft, effect: PolicyEffect): Proposal {
  const { decision, yes, no, sinceMs, lastMs } = group;
  const target = targetOf(decision.facts.scope);
  const { proposal, about, text, opens, answers } = draft;
  const others = effect.answered - yes;
  const also = yes > 0 && others > 0 ? [`It answers ${others} more questions of the past that looked alike.`] : [];
  return {
    proposal,
    kind: yes === 0 ? "forbid" : "permit",
    about,
    agent: decision.facts.caller.id,
    tool: decision.facts.operation.id,
    ...(Object.keys(target).length === 0 ? {} : { target }),
    answersRule: answers,
    allowed: yes,
    denied: no,
    sinceMs,
    lastMs,
    text,
    effect,
    opens: [...opens, ...also],
  };
}
