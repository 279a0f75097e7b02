/**
 * Rules that past answers suggest: where a person allowed the same again and again and never said no, or said no and never yes.
 * A proposal reaches nothing that was not seen: the same agent, tool and place, the same files, and words of the same kinds.
 */
import { digestOf } from "../../base/canonical-json.ts";
import { labels as allLabels } from "../../contract/caller.ts";
import { targetOf } from "../episodes/contract.ts";
import { type PolicyEffect, type Proposal, type Proposals, proposalsMax } from "./contract.ts";
import type { Static } from "../../contract/schema.ts";
import { type EachDecision, groupsOf, type Passed, type Side, sidesOf } from "./answered-groups.ts";
import { benchOf, type Decision } from "./decision.ts";
import { createEffectSum } from "./policy-effect.ts";
import type { Rules, Trial } from "./port.ts";
import { type Draft, draftOf } from "./rule-text.ts";

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
  const skip = ({ why, questions }: Passed): void => void skipped.set(why, (skipped.get(why) ?? 0) + questions);
  const taken = new Set(before.policies.map(({ id }) => id));
  const drafts: { readonly side: Side; readonly draft: Draft }[] = [];
  for (const group of groups) {
    const { sides, passed } = sidesOf(group, allowedMin);
    passed.forEach(skip);
    for (const side of sides) {
      const draft = draftFor(side);
      // Two policies of one id would be no set at all.
      if (taken.has(draft.rule)) skip({ why: "you adopted this very rule already", questions: side.times });
      else drafts.push({ side, draft });
    }
  }
  const chosen = drafts
    .filter(({ draft }) => only === undefined || draft.proposal === only)
    .toSorted((a, b) => b.side.times - a.side.times)
    .slice(0, proposalsMax);
  const effects = await effectsOf(each, { rules, before, drafts: chosen });
  const proposals: Proposal[] = [];
  for (const [place, { side, draft }] of chosen.entries()) {
    const effect = effects[place] as PolicyEffect;
    const why = whyIdle(effect);
    if (why === null) proposals.push(proposalOf(side, draft, effect));
    else skip({ why, questions: side.times });
  }
  return {
    proposals,
    skipped: [...skipped].slice(0, skippedMax).map(([why, questions]) => ({ why, questions })),
  };
}

/** As many reasons as there are. */
const skippedMax = 16;

function draftFor({ kind, decision, place, asking, paths, labels, times, sinceMs, lastMs }: Side): Draft {
  const { caller, operation } = decision.facts;
  const terms = {
    ...(kind === "forbid" ? { kind } : {}),
    agent: caller.id,
    tool: operation.id,
    place,
    answers: asking.id,
    paths,
    // An agent always works from its person's words; what else it worked from is named as it was seen.
    labels: allLabels.filter((label) => label === "user" || labels.has(label)),
  };
  return draftOf(terms, { hash: digestOf(terms).slice("sha256:".length), times, sinceMs, lastMs });
}

interface Trying {
  readonly rules: Rules;
  readonly before: Trial;
  readonly drafts: readonly { readonly side: Side; readonly draft: Draft }[];
}

/** All in one walk over the record. A rule that names one agent and one tool touches nothing of others. */
async function effectsOf(each: EachDecision, { rules, before, drafts }: Trying): Promise<readonly PolicyEffect[]> {
  if (drafts.length === 0) return [];
  using held = new DisposableStack();
  const tried: { readonly sum: ReturnType<typeof createEffectSum>; readonly key: string }[] = [];
  for (const { side, draft } of drafts) {
    const trial = held.use(await rules.over({ text: draft.text }));
    tried.push({ sum: createEffectSum(benchOf(before, trial)), key: touchKey(side.decision) });
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

function proposalOf({ kind, decision, times, sinceMs, lastMs }: Side, draft: Draft, effect: PolicyEffect): Proposal {
  const target = targetOf(decision.facts.scope);
  const { proposal, about, text, opens, answers } = draft;
  const others = effect.answered - times;
  const also = others > 0 ? [`It answers ${others} more questions of the past that looked alike.`] : [];
  return {
    proposal,
    kind,
    about,
    agent: decision.facts.caller.id,
    tool: decision.facts.operation.id,
    ...(Object.keys(target).length === 0 ? {} : { target }),
    answersRule: answers,
    allowed: kind === "permit" ? times : 0,
    denied: kind === "forbid" ? times : 0,
    sinceMs,
    lastMs,
    text,
    effect,
    opens: [...opens, ...also],
  };
}
