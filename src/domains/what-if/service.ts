/** Asks what would have been, changes nothing by it, and writes a proposed rule down when a person adopts it. */
import { createKeyedMutex } from "../../base/async.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { ReloadPolicies } from "../policy/contract.ts";
import {
  Adopt,
  NotAdopted,
  Policy,
  Proposals,
  RuleAdopted,
  RulesChanged,
  RuleWithdrawn,
  Run,
  Withdraw,
} from "./contract.ts";
import type { EachDecision } from "./answered-groups.ts";
import { benchOf } from "./decision.ts";
import { createEffectSum } from "./policy-effect.ts";
import type { AdoptedRules, Rules } from "./port.ts";
import { proposalsFrom } from "./proposals.ts";
import { type RunDeps, whatIfRun } from "./run.ts";
import { type HistoryDeps, wholeHistory } from "./whole-history.ts";

export interface WhatIfDeps extends HistoryDeps {
  readonly rules: Rules;
  readonly runs: Omit<RunDeps, "table" | "rules">;
  readonly adopted: AdoptedRules;
}

/** More often than this nobody wants to hear how far it is. */
const progressMax = 20;
/** A question that was answered twice alike may be chance; a proposal takes at least this often. */
const allowedMinLeast = 2;
const allowedMinDefault = 3;

export const createWhatIf = (deps: WhatIfDeps): Domain => {
  const turns = createKeyedMutex();
  return {
    name: "whatif",
    operations: [
      bind(Run, (input, ctx) =>
        whatIfRun(input, ctx, { ...deps.runs, rules: deps.rules, table: () => deps.parts.kernel.table }),
      ),
      bind(Policy, (input, ctx) => policyEffect(input, ctx, deps)),
      bind(Proposals, ({ allowedMin = allowedMinDefault }, { signal }) =>
        proposalsFrom(eachOf(deps, signal), deps.rules, { allowedMin }),
      ),
      bind(Adopt, (input, ctx) => turns.run(adopting, () => adopt(input, ctx, deps), ctx)),
      bind(Withdraw, (input, ctx) => turns.run(adopting, () => withdraw(input, ctx, deps), ctx)),
    ],
    events: [RuleAdopted, RuleWithdrawn],
    views: [],
  };
};

/** One at a time: the second of two that adopt the same finds it adopted. */
const adopting = "adopting";

async function* policyEffect(
  { policy: text, policyName: name, isAlone }: Static<typeof Policy.input>,
  { signal }: Context,
  deps: WhatIfDeps,
): AsyncGenerator<Static<typeof Policy.output>> {
  using before = deps.rules.inForce();
  using candidate = await deps.rules.over({ text, name, isAlone });
  const sum = createEffectSum(benchOf(before, candidate));
  let toldSeq = 0;
  for await (const at of wholeHistory(deps, (item) => sum.add(item), signal)) {
    const isDone = at.atSeq === at.headSeq;
    if (!isDone && at.atSeq - toldSeq < at.headSeq / progressMax) continue;
    toldSeq = at.atSeq;
    yield { ...at, decisions: sum.decisions, isDone, ...(isDone ? { effect: sum.effect() } : {}) };
  }
}

const eachOf =
  (deps: HistoryDeps, signal: AbortSignal): EachDecision =>
  async (add) => {
    for await (const _at of wholeHistory(deps, add, signal)) signal.throwIfAborted();
  };

async function adopt(
  { proposal }: Static<typeof Adopt.input>,
  ctx: Context,
  { rules, adopted, ...deps }: WhatIfDeps,
): Promise<Static<typeof Adopt.output>> {
  const each = eachOf(deps, ctx.signal);
  const { proposals } = await proposalsFrom(each, rules, { allowedMin: allowedMinLeast, only: proposal });
  const [found] = proposals;
  if (found === undefined) throw new Problem(RulesChanged, `there is no proposal ${proposal} now`);
  const effect = found.effect.words;
  const { place, text } = await adopted.put(`// ${effect}\n${found.text}`);
  const rule = `adopted-${proposal.slice("p-".length)}`;
  const { version } = await ctx.call(ReloadPolicies, {});
  await ctx.emit(RuleAdopted, { rule, proposal, place, text, effect: effect.slice(0, 1000) });
  return { rule, place, text, version, effect };
}

async function withdraw(
  { rule }: Static<typeof Withdraw.input>,
  ctx: Context,
  { adopted }: WhatIfDeps,
): Promise<Static<typeof Withdraw.output>> {
  const taken = await adopted.take(rule);
  if (taken === null) throw new Problem(NotAdopted, `policies/adopted.cedar has no rule ${rule}`);
  const { version } = await ctx.call(ReloadPolicies, {});
  await ctx.emit(RuleWithdrawn, { rule, place: taken.place });
  return { rule, version, ...taken };
}
