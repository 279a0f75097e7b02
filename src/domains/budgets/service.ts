/** Holds calls to their allowances: takes the most they can use before they run, and gives the rest back afterwards. */
import type { Domain } from "../../contract/domain.ts";
import { digestOf } from "../../base/canonical-json.ts";
import { type Caller, callerName } from "../../contract/caller.ts";
import { patternFault } from "../../contract/gate-keys.ts";
import { bind, type Context, gateKey } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Budget, BudgetCall, Clock, Log, Ruling } from "../../kernel/ports.ts";
import type { ExplainStage } from "../policy/contract.ts";
import { chargesOf, concerns, pricedBy, softOf } from "./charges.ts";
import {
  Allow,
  type Allowance,
  AllowanceGranted,
  AllowanceRevoked,
  BadAllowance,
  BudgetCharged,
  BudgetRefunded,
  type Left,
  LimitNear,
  LimitReached,
  List,
  Prices,
  PricesRead,
  PricesRefused,
  ReloadPrices,
  Revoke,
  type Terms,
  TooManyAllowances,
} from "./contract.ts";
import { askedBy, explainBudget } from "./explain.ts";
import type { PriceLists } from "./port.ts";
import { createMeter, type Meter } from "./meter.ts";
import { createPriceBook, type PriceBook, rowOf, unknownRow } from "./price-book.ts";
import { parseAllowance } from "./syntax.ts";
import { placeOf, take } from "./taking.ts";
import { createTrialAllowances, type TrialAllowances } from "./trial.ts";
import { createUses, type Uses } from "./uses.ts";
import { allowances as view, allowancesMax, budgetUses } from "./views.ts";
import { windowAt } from "./windows.ts";

export interface BudgetsDeps {
  readonly parts: KernelParts;
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Pick<Log, "info" | "error">;
  readonly lists: PriceLists;
}

export interface Budgets {
  readonly domain: Domain;
  readonly port: Budget;
  /** What would stand in a call's way, without taking anything. */
  readonly explain: ExplainStage;
  /** What a call would take, for whoever shows it before and after. */
  readonly meter: Meter;
  /** Allowances that nobody granted, to be held against a record. Throws `BadAllowance`. */
  trial(texts: readonly string[]): TrialAllowances;
  /** Whether the price lists hold. */
  health: PriceBook["health"];
}

export function createBudgets(deps: BudgetsDeps): Budgets {
  const { parts, clock, lists } = deps;
  const book = createPriceBook(lists, deps.log);
  // Read anew whenever one was granted or revoked, which is rare; asked for every call.
  let known: readonly Allowance[] | null = null;
  const all = (): readonly Allowance[] => {
    known ??= parts.kernel.views.list(view, { limit: allowancesMax }).rows.map((each) => each.row);
    return known;
  };
  const uses = createUses((key) => parts.kernel.views.get(budgetUses, key));
  return {
    explain: explainBudget({ all, uses, book }),
    meter: createMeter({ all, uses, book }),
    trial: (texts) => createTrialAllowances(texts, book),
    health: book.health,
    port: {
      reserve(call) {
        const asked = heldTo(call.caller, all());
        if (asked.length === 0) return null;
        const charges = chargesOf(asked, call, pricedBy(book, call.cost, { scope: call.scope, atMs: clock.nowMs() }));
        return charges.length === 0 ? null : take(charges, { call, parts, clock, uses });
      },
      ask(call) {
        const asking = all().filter((each) => each.over === "ask");
        return asking.length === 0 ? null : ruledBy(call, asking, { clock, uses, book });
      },
      bytesOutLeft(call) {
        const counting = heldTo(call.caller, all()).filter((each) => each.unit === "bytesOut" && concerns(each, call));
        const nowMs = clock.nowMs();
        const lefts = counting.map((each) => bytesLeftOf(each, { uses, nowMs, corrId: call.corrId }));
        return lefts.length === 0 ? null : Math.min(...lefts);
      },
      amounts: (cost, scope) => pricedBy(book, cost, { scope, atMs: clock.nowMs() }).amounts,
    },
    domain: {
      name: "budgets",
      operations: [
        bind(Allow, (input, ctx) => allow(input, { ctx, parts })),
        bind(Revoke, ({ allowanceId }, ctx) => revoke(allowanceId, { ctx, parts, uses })),
        bind(List, (_input, ctx) => ({ allowances: all().map((each) => leftOf(each, uses, ctx.now())) })),
        bind(Prices, (input, ctx) => shownPrices(input, { lists, book, nowMs: ctx.now() })),
        bind(ReloadPrices, (_input, ctx) => book.reload(ctx)),
      ],
      events: [
        AllowanceGranted,
        AllowanceRevoked,
        BudgetCharged,
        BudgetRefunded,
        LimitNear,
        LimitReached,
        PricesRead,
        PricesRefused,
      ],
      views: [view, budgetUses],
      start() {
        parts.kernel.views.onChange(view.name, () => {
          known = null;
        });
        return Promise.resolve();
      },
    },
  };
}

/** Beside the ceilings of the hub those that came with the caller's run; they end with it. */
function heldTo(caller: Caller, all: readonly Allowance[]): readonly Allowance[] {
  const { allowances: own = [] } = caller;
  return own.length === 0 ? all : [...all, ...own.flatMap((text) => ownAllowance(text, caller))];
}

function ownAllowance(text: string, caller: Caller): readonly Allowance[] {
  const terms = parseAllowance(text);
  if ("fault" in terms) throw new Problem(BadAllowance, `${JSON.stringify(text)}: ${terms.fault}`);
  const by = callerName(caller);
  // The same words are the same ceiling, so what a resumed run has used is counted on.
  return [{ allowanceId: ownId(by, text), text, ...terms, window: "run", createdAtMs: 0, createdBy: by }];
}

const idLengthMax = 64;
const ownId = (by: string, text: string): string =>
  `run-${digestOf([by, text]).slice("sha256:".length)}`.slice(0, idLengthMax);

function ruledBy(
  call: BudgetCall,
  asking: readonly Allowance[],
  { clock, uses, book }: { readonly clock: BudgetsDeps["clock"]; readonly uses: Uses; readonly book: PriceBook },
): Ruling | null {
  const atMs = clock.nowMs();
  const charges = chargesOf(asking, call, pricedBy(book, call.cost, { scope: call.scope, atMs }));
  for (const charge of charges) {
    const asked = askedBy(charge, call, { uses, atMs });
    // A lease answers what policies ask; it moves no ceiling.
    if (asked !== null) return { effect: "ask", isLeasable: false, ...asked };
  }
  return null;
}

/** Up to the soft limit where that asks a person. */
function bytesLeftOf(
  allowance: Allowance,
  { uses, nowMs, corrId }: { readonly uses: Uses; readonly nowMs: number; readonly corrId: string },
): number {
  const { use, window } = placeOf(allowance, corrId, nowMs);
  const ceiling = allowance.over === "ask" ? Math.floor(softOf(allowance)) : allowance.limit;
  return Math.max(0, ceiling - uses.used(use, window));
}

interface Asking {
  readonly ctx: Context;
  readonly parts: KernelParts;
}

async function allow(input: Static<typeof Allow.input>, { ctx, parts }: Asking): Promise<Allowance> {
  const text = input.allowance.join(" ");
  const terms = parseAllowance(text);
  if ("fault" in terms) throw new Problem(BadAllowance, `${JSON.stringify(text)}: ${terms.fault}`);
  if (input.unknown !== undefined && terms.unit !== "microUsd")
    throw new Problem(BadAllowance, `${JSON.stringify(text)} is no ceiling in money, and unknown is about prices`);
  refuseUnknown(terms, parts);
  if (parts.kernel.views.list(view, { limit: allowancesMax }).rows.length >= allowancesMax)
    throw new Problem(TooManyAllowances, `there are ${allowancesMax} allowances already`);
  const allowanceId = ctx.id();
  const { soft, over, unknown } = input;
  await ctx.emit(AllowanceGranted, {
    allowanceId,
    text,
    ...terms,
    ...(soft === undefined ? {} : { softPercent: Number.parseInt(soft, 10) }),
    ...(over === undefined ? {} : { over }),
    ...(unknown === undefined ? {} : { unknown }),
  });
  return parts.kernel.views.get(view, allowanceId) as Allowance;
}

/** A ceiling over nothing would look like one in force. */
function refuseUnknown({ tool }: Terms, { kernel }: KernelParts): void {
  if (tool === undefined) return;
  const keys = [...kernel.table.operations.values()].map(({ operation }) => gateKey(operation));
  const fault = patternFault(tool, keys);
  if (fault !== null) throw new Problem(BadAllowance, fault, { next: "take a key that `arw gate keys` lists" });
}

async function revoke(allowanceId: string, { ctx, parts, uses }: Asking & { readonly uses: Uses }): Promise<Allowance> {
  const known = parts.kernel.views.get(view, allowanceId);
  if (known === undefined) throw new Problem(NotFound, `there is no allowance ${allowanceId}`);
  await ctx.emit(AllowanceRevoked, { allowanceId });
  uses.forget(allowanceId);
  return known;
}

function leftOf(allowance: Allowance, uses: Uses, nowMs: number): Left {
  const at = windowAt(allowance.window, nowMs);
  const use = { allowanceId: allowance.allowanceId };
  const used = at === null ? 0 : uses.used(use, at.window);
  return {
    ...allowance,
    used,
    left: Math.max(0, allowance.limit - used),
    isNear: at !== null && uses.isNear(use, at.window),
    resetsAtMs: at?.endsAtMs ?? null,
  };
}

interface Showing {
  readonly lists: PriceLists;
  readonly book: PriceBook;
  readonly nowMs: number;
}

function shownPrices(
  { model, host, template }: Static<typeof Prices.input>,
  { lists, book, nowMs }: Showing,
): Static<typeof Prices.output> {
  const { folder } = lists;
  if (template === true) return { folder, prices: [], template: lists.template };
  if (model === undefined) {
    const prices = book.rows(nowMs).filter((row) => host === undefined || row.host === null || row.host === host);
    return { folder, prices: [...prices] };
  }
  const price = book.find(model, host, nowMs);
  return { folder, prices: [price === null ? unknownRow(model, host) : rowOf(price, nowMs)] };
}
