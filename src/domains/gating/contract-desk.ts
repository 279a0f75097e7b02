/** Contracts that are put, removed and listed by calls. What is put is kept by the journal, and the book follows its view. */
import { createKeyedMutex } from "../../base/async.ts";
import { type Bound, bind } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Views } from "../../kernel/kernel.ts";
import type { Clock } from "../../kernel/ports.ts";
import { roles } from "../hierarchy/contract.ts";
import {
  type Contract,
  ContractFixed,
  ContractPut,
  ContractRefused,
  ContractRemoved,
  type KeptContract,
  ListContracts,
  PutContract,
  RemoveContract,
} from "./contract.ts";
import { contractFault, renewsItself, type Rule, statusAt } from "./rule.ts";
import type { RuleBook, SourceDoor } from "./rule-book.ts";
import { gateContracts } from "./views.ts";

interface Desk {
  readonly parts: KernelParts;
  readonly book: RuleBook;
  readonly door: SourceDoor;
  readonly clock: Pick<Clock, "nowMs">;
}

const listDefault = 100;
const pageRows = 1000;

/** What the journal kept. */
export function fillContracts({ parts, door }: Pick<Desk, "parts" | "door">): void {
  door.replace(keptContracts(parts.kernel.views).map((contract) => ({ contract })));
}

/** From now on the book follows every change of what the journal keeps. */
export function followContracts({ parts, door }: Pick<Desk, "parts" | "door">): void {
  parts.kernel.views.onChange(gateContracts.name, (changes) => {
    for (const { key, after } of changes)
      if (after === undefined) door.remove(key);
      else door.put({ contract: contractOf(after as KeptContract) });
  });
}

/** In the order in which they were put first. */
function keptContracts(views: Views): readonly Contract[] {
  const kept: KeptContract[] = [];
  let afterKey: string | undefined;
  do {
    const page = views.list(gateContracts, { limit: pageRows, ...(afterKey === undefined ? {} : { afterKey }) });
    for (const { row } of page.rows) kept.push(row);
    afterKey = page.nextKey ?? undefined;
  } while (afterKey !== undefined);
  return kept.toSorted((a, b) => a.seq - b.seq).map(contractOf);
}

const contractOf = ({ seq: _seq, by: _by, ...contract }: KeptContract): Contract => contract;

export function deskOperations(desk: Desk): readonly Bound[] {
  const { book, door, clock } = desk;
  // One change at a time, so that nothing is put behind a check that it passed before.
  const turns = createKeyedMutex();
  const change = <T>(run: () => Promise<T>): Promise<T> => turns.run("contracts", run);
  return [
    bind(ListContracts, (input) => listed(input, desk)),
    bind(PutContract, (contract, ctx) =>
      change(async () => {
        refuseImpossible(contract);
        refuseFixed(door.get(contract.id), clock.nowMs());
        door.refuseOverflow(contract.id);
        await ctx.emit(ContractPut, { contract, by: { kind: ctx.caller.kind, id: ctx.caller.id } });
        return { id: contract.id, version: book.version };
      }),
    ),
    bind(RemoveContract, ({ id }, ctx) =>
      change(async () => {
        const rule = door.get(id);
        if (rule === undefined) throw new Problem(NotFound, `no contract ${id} was put; arw gate contracts lists all`);
        refuseFixed(rule, clock.nowMs());
        await ctx.emit(ContractRemoved, { id, by: { kind: ctx.caller.kind, id: ctx.caller.id } });
        return { removed: true, version: book.version };
      }),
    ),
  ];
}

function refuseImpossible(contract: Contract): void {
  const fault = contractFault(contract, roles);
  if (fault !== null) throw new Problem(ContractRefused, fault);
  // The journal keeps it for ever: nobody could take it back by editing a file.
  if (contract.immutable === true && (contract.validToMs === undefined || renewsItself({ contract })))
    throw new Problem(ContractRefused, "an immutable contract that is put needs validToMs and may not renew itself");
}

function refuseFixed(rule: Rule | undefined, nowMs: number): void {
  if (rule?.contract.immutable !== true || statusAt(rule, nowMs) !== "active") return;
  const { id } = rule.contract;
  throw new Problem(ContractFixed, `the contract ${id} is immutable until ${new Date(rule.endMs).toISOString()}`, {
    untilMs: rule.endMs,
    retryAfterMs: rule.endMs + 1 - nowMs,
  });
}

function listed(
  { source, limit = listDefault, cursor = 0 }: Static<typeof ListContracts.input>,
  { book, clock }: Desk,
): Static<typeof ListContracts.output> {
  const all = source === undefined ? book.all() : book.all().filter((rule) => rule.source.name === source);
  const nowMs = clock.nowMs();
  const end = cursor + limit;
  return {
    version: book.version,
    total: all.length,
    contracts: all.slice(cursor, end).map((rule) => ({
      ...rule.contract,
      source: rule.source.name,
      ...(rule.place === undefined ? {} : { place: rule.place }),
      status: statusAt(rule, nowMs),
      ...(Number.isFinite(rule.endMs) ? { endsAtMs: rule.endMs } : {}),
    })),
    nextCursor: end < all.length ? end : null,
  };
}
