/** An answer that holds for longer than one call: a lease for exactly that caller, no wider than the words of its offer. */
import { callerName } from "../../contract/caller.ts";
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { GrantLease, type LeaseGranted } from "../leases/contract.ts";
import { type Approval, BadAnswer, type Lasting, type Offer } from "./contract.ts";
import { lastingWords, lastsMs, scopeOver, type Term } from "./offers.ts";

export interface LastingAnswer {
  readonly lease: Static<typeof LeaseGranted.data>;
  /** As it is kept with the answer. */
  readonly lasting: NonNullable<Approval["lasting"]>;
}

interface Wanting {
  readonly known: Approval;
  readonly lasting: Lasting;
  readonly reason: string | undefined;
  readonly ctx: Context;
  readonly parts: Pick<KernelParts, "rehearse">;
}

/** What is open for longer belongs into a policy of its own, where it is seen. */
const lastsMsMax = 14 * 86_400_000;

/** Throws what keeps this person from giving such a lease by hand: nobody gives by an answer what they could not give. */
export async function lastingAnswer({ known, lasting, reason, ctx, parts }: Wanting): Promise<LastingAnswer> {
  const { approvalId, corrId, key: capability } = known;
  const term = termOf(known, lasting);
  const { until, over } = term;
  const holder = callerName(known.caller);
  const narrowed = { ...scopeOver(known, over), ...(until === "run" ? { run: corrId } : {}) };
  const said = { approvalId, ...(reason === undefined ? {} : { reason }) };
  const input = { capability, holder, ...narrowed, ...said };
  const { ruling } = await parts.rehearse({ operation: GrantLease.id, input, caller: ctx.caller, corrId });
  if (ruling?.effect === "ask")
    throw new Problem(BadAnswer, `${ruling.rule} asks before a lease is given; give it with \`arw lease grant\`.`);
  const leaseId = ctx.id();
  const endsAtMs = ctx.now() + lastsMs(until);
  return {
    // A key may read like a need, which other operations have, too: the lease keeps to the one that was asked about.
    lease: { leaseId, capability, scope: { ...narrowed, operation: known.operation }, holder, endsAtMs, ...said },
    lasting: { leaseId, until, over, endsAtMs, words: lastingWords({ ...known, scope: known }, term) },
  };
}

/** Other times than those that are offered may be named, but no wider reach and no run where there is none. */
export function termOf({ offers = [] }: Approval, { until, over }: Lasting): Term {
  const refuse = (why: string): never => {
    throw new Problem(BadAnswer, why, { next: nextWords(offers) });
  };
  const lasting = offers.filter((each) => each.answer === "lasting");
  const same = lasting.filter((each) => each.over === (over ?? lasting[0]?.over));
  const reach = same[0]?.over;
  if (reach === undefined) return refuse(`An answer for longer${over ? ` over ${over}` : ""} is not offered here.`);
  if (until === "run" && !same.some((each) => each.until === "run")) refuse("No run of an agent asks this question.");
  if (lastsMs(until) > lastsMsMax)
    refuse("An answer lasts 14 days at most; write a policy for what is to last longer.");
  return { until, over: reach };
}

/** What can be answered, for whoever answered something else. */
export function nextWords(offers: readonly Offer[]): string {
  const overs = [...new Set(offers.flatMap((each) => each.over ?? []))];
  const longer = overs.length === 0 ? "" : `for longer over ${overs.join(" or ")}, `;
  return `Answer it once, ${longer}with changed arguments, or with no.`;
}

/** Whether the answer to one question says what the other one asks. */
export function isAnsweredBy(asked: Approval, known: Approval, { until, over }: Term): boolean {
  const isSameCaller = asked.caller.kind === known.caller.kind && asked.caller.id === known.caller.id;
  const isOffered = asked.offers?.some((each) => each.answer === "lasting" && each.over === over) === true;
  const [scope, held] = [scopeOver(asked, over), scopeOver(known, over)];
  return (
    asked.status === "waiting" &&
    asked.approvalId !== known.approvalId &&
    asked.key === known.key &&
    isSameCaller &&
    isOffered &&
    (until !== "run" || asked.corrId === known.corrId) &&
    scope.folder === held.folder &&
    scope.path === held.path &&
    scope.host === held.host &&
    scope.tool === held.tool
  );
}
