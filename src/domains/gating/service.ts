/** Deny rules over gate keys. They are written outside every prompt, and a match decides: nothing opens what they close. */
import type { Domain } from "../../contract/domain.ts";
import { keySpace } from "../../contract/gate-keys.ts";
import { type Bound, bind, type Context } from "../../contract/operation.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock, Log } from "../../kernel/ports.ts";
import type { HierarchyState } from "../hierarchy/contract.ts";
import type { ExplainStage } from "../policy/contract.ts";
import {
  type Contract,
  ContractPut,
  ContractRemoved,
  ListKeys,
  QuotaCounted,
  QuotaForgotten,
  Reload,
} from "./contract.ts";
import { deskOperations, fillContracts, followContracts } from "./contract-desk.ts";
import { explainGate } from "./explain.ts";
import { createFileRules, type Health } from "./file-rules.ts";
import { createGate, type OwnedGate } from "./gate.ts";
import type { RuleFile } from "./port.ts";
import { createQuotas, type Quotas } from "./quotas.ts";
import { roleContracts } from "./role-denials.ts";
import { denyContract, type RuleSource, statusAt, type Subject } from "./rule.ts";
import { createRuleBook, type RuleBook, type SourceDoor } from "./rule-book.ts";
import { apiSource, configSource, type DenyRule, foreignSource, roleSource, wayOutOf } from "./sources.ts";
import { gateContracts, gateQuotas } from "./views.ts";

export interface GatingDeps {
  readonly parts: KernelParts;
  readonly clock: Pick<Clock, "nowMs" | "monotonicMs">;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  readonly denyRules: readonly DenyRule[];
  readonly file: RuleFile;
  /** Who this hub is; asked from the start of the kernel on. */
  readonly hierarchy: { current(): HierarchyState["self"]; onChange(run: () => void): void };
}

export interface Gating {
  readonly domain: Domain;
  readonly gate: OwnedGate;
  readonly explain: ExplainStage;
  /** Rules of another hub or issuer: their ids are their own, and they neither shadow nor push out those of this hub. */
  foreign(name: string, remedy?: RuleSource["remedy"]): SourceDoor;
  /** Reads anew what the journal keeps of rules, after it was changed behind the views. */
  refresh(): void;
  health(): Health;
  /** Those in force or to come, as they were written, in the order in which they decide. */
  contracts(): (Contract & { readonly source: string; readonly place?: string })[];
}

export function createGating(deps: GatingDeps): Gating {
  const { parts, clock, file, hierarchy, log } = deps;
  const book = createRuleBook();
  const late: { system?: Context; self?: Omit<Subject, "caller">; wayOut?: ReadonlySet<string> } = {};
  const quotas = createQuotas(clock, async (count) => await late.system?.emit(QuotaCounted, count));
  const isWayOut = (key: string): boolean => (late.wayOut ??= wayOutOf(parts.kernel.table)).has(key);
  const gate = createGate({ book, quotas, clock, isWayOut, self: () => late.self ?? nobodyYet });
  fillConfigured(book, deps.denyRules);
  const fileRules = createFileRules({
    book,
    file,
    clock,
    log,
    keys: () => keySpace(parts.kernel.table).map(({ key }) => key),
  });
  const door = book.source(apiSource);
  const takePlace = (): void => {
    const { id, role, tags } = hierarchy.current();
    late.self = { role, node: id, tags };
    const operations = [...parts.kernel.table.operations.values()].map((each) => each.operation);
    book.source(roleSource).replace(roleContracts(role, operations).map((contract) => ({ contract })));
  };
  const refresh = (): void => {
    takePlace();
    fillContracts({ parts, door });
    recall(parts, quotas);
  };
  return {
    gate,
    refresh,
    explain: explainGate(gate),
    foreign: (name, remedy) => book.source(foreignSource(name, remedy)),
    health: fileRules.health,
    contracts: () => contractsIn(book, clock.nowMs()),
    domain: {
      name: "gating",
      operations: [
        listKeys(parts, gate),
        ...deskOperations({ parts, book, door, clock }),
        bind(Reload, (_input, ctx) => fileRules.reload(ctx)),
      ],
      events: [ContractPut, ContractRemoved, QuotaCounted, QuotaForgotten],
      views: [gateContracts, gateQuotas],
      async start(ctx) {
        late.system = ctx;
        refresh();
        hierarchy.onChange(takePlace);
        followContracts({ parts, door });
        await forgetGone({ book, quotas, ctx });
        forgetWhenGone({ book, quotas, ctx, log });
        fileRules.watch(ctx);
      },
    },
  };
}

const contractsIn = (book: RuleBook, nowMs: number): ReturnType<Gating["contracts"]> =>
  book
    .all()
    .filter((rule) => statusAt(rule, nowMs) !== "ended")
    .map(({ contract, source, place }) => ({
      ...contract,
      source: source.name,
      ...(place === undefined ? {} : { place }),
    }));

/** A gate of these rules alone, which never change. */
export function createDenyGate(rules: readonly DenyRule[], clock: GatingDeps["clock"]): OwnedGate {
  const book = createRuleBook();
  fillConfigured(book, rules);
  const quotas = createQuotas(clock, () => Promise.resolve());
  // Those of the configuration leave nothing open: it is its file that lifts them.
  return createGate({ book, quotas, clock, isWayOut: () => false, self: () => nobodyYet });
}

/** Before the start of the kernel nobody calls, and rules about a role or a node are asked by nobody. */
const nobodyYet: Omit<Subject, "caller"> = { role: "edge", node: "", tags: [] };

function fillConfigured(book: RuleBook, rules: readonly DenyRule[]): void {
  const names = [...new Set(rules.map(({ source }) => source))];
  for (const [index, name] of names.entries()) {
    const own = rules.filter(({ source }) => source === name);
    book.source(configSource(name, index)).replace(own.map(({ pattern }) => ({ contract: denyContract(pattern) })));
  }
}

/** Goes on with what was counted before a restart. */
function recall(parts: KernelParts, quotas: Quotas): void {
  const { rows } = parts.kernel.views.list(gateQuotas, { limit: gateQuotas.rowsMax });
  quotas.restore(rows.map(({ row }) => row));
}

interface Forgetting {
  readonly book: RuleBook;
  readonly quotas: Quotas;
  readonly ctx: Context;
}

/** Lets go of the counts of contracts that are no more. */
async function forgetGone({ book, quotas, ctx }: Forgetting): Promise<void> {
  for (const gone of quotas.forget(book.has)) await ctx.emit(QuotaForgotten, gone);
}

/** From now on, once for all changes that come together. */
function forgetWhenGone({ log, ...forgetting }: Forgetting & Pick<GatingDeps, "log">): void {
  const { book, quotas } = forgetting;
  let isComing = false;
  const forget = async (): Promise<void> => {
    await Promise.resolve();
    isComing = false;
    try {
      await forgetGone(forgetting);
    } catch (error) {
      // They are let go at the next start.
      log.error("the counts of a contract that is no more could not be let go", { error: String(error) });
    }
  };
  book.onChange(() => {
    if (isComing || quotas.size === 0) return;
    isComing = true;
    void forget();
  });
}

const listKeys = (parts: KernelParts, gate: OwnedGate): Bound =>
  bind(ListKeys, ({ family, prefix = "" }, { caller }) => ({
    keys: keySpace(parts.kernel.table)
      .filter((row) => (family === undefined || row.family === family) && row.key.startsWith(prefix))
      .map((row) => ({ ...row, deniedBy: gate.check(row.key, caller)?.rule ?? null })),
  }));
