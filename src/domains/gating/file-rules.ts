/**
 * The rules of the file: read at the start, read anew when it changes, and never worse than before. What cannot be
 * understood leaves the last good rules in force and says so until it is mended.
 */
import { createKeyedMutex } from "../../base/async.ts";
import type { Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import type { Clock, Log } from "../../kernel/ports.ts";
import { PolicyRefused, PolicyReloaded } from "../policy/contract.ts";
import { type Reload, RulesInvalid, TooManyContracts } from "./contract.ts";
import type { RuleFile, RulesRead } from "./port.ts";
import { type PlacedContract, statusAt } from "./rule.ts";
import type { RuleBook, SourceDoor } from "./rule-book.ts";
import { fileSource } from "./sources.ts";

interface FileRulesDeps {
  readonly book: RuleBook;
  readonly file: RuleFile;
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  /** Every key of this hub; asked from the start of the kernel on. */
  readonly keys: () => readonly string[];
}

export interface Health {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface FileRules {
  /** Throws `RulesInvalid` or `TooManyContracts`; the rules are then as they were. */
  reload(ctx: Context): Promise<Static<typeof Reload.output>>;
  /** Reloads whenever the file changes, as the hub itself. */
  watch(ctx: Context): void;
  health(): Health;
}

const faultsShownMax = 20;
const heldShownMax = 100;
const idleAskedMax = 1000;

export function createFileRules({ book, file, clock, log, keys }: FileRulesDeps): FileRules {
  const door = book.source(fileSource(file.path));
  const turns = createKeyedMutex();
  let inForce = file.first;
  let fault: string | null = null;
  door.replace(file.first);

  const refuse = async (ctx: Context, refused: Problem, faults: readonly string[]): Promise<never> => {
    fault = refused.message;
    log.error("the rules were read anew and are not valid; the last good ones stay in force", { faults });
    const shown = faults.slice(0, faultsShownMax).map((each) => each.slice(0, 1000));
    await ctx.emit(PolicyRefused, { source: file.path, version: book.version, faults: shown });
    throw refused;
  };
  const reload = async (ctx: Context): Promise<Static<typeof Reload.output>> => {
    const read: RulesRead = await file.read();
    if (read.kind === "faults") return await refuse(ctx, invalid(read.faults), read.faults);
    const held = heldRules(door, read.placed, clock.nowMs());
    const heldIds = held.map(({ contract }) => contract.id);
    const answer = () => ({
      version: book.version,
      rules: door.size,
      held: heldIds,
      idle: idleRules(book, door, keys),
    });
    const placed = [
      ...held,
      ...read.placed.filter(({ contract }) => !held.some((each) => each.contract.id === contract.id)),
    ];
    const isSame = JSON.stringify(placed) === JSON.stringify(inForce);
    const wasWell = fault === null;
    try {
      if (!isSame) door.replace(placed);
    } catch (error) {
      if (!isProblem(error, TooManyContracts)) throw error;
      return await refuse(ctx, error, [error.message]);
    }
    inForce = placed;
    fault = null;
    if (!isSame || !wasWell) {
      const { version, rules, idle } = answer();
      log.info("the rules were read anew", { source: file.path, version, rules, held: heldIds });
      warnOfIdle(log, idle);
      await ctx.emit(PolicyReloaded, { source: file.path, version, rules, held: heldIds.slice(0, heldShownMax) });
    }
    return answer();
  };
  const inTurn = (ctx: Context) => turns.run(file.path, () => reload(ctx));

  return {
    reload: inTurn,
    watch(ctx) {
      warnOfIdle(log, idleRules(book, door, keys));
      const watching = file.watch(() => {
        // The refusal was logged, told and shown in the health check where it happened.
        inTurn(ctx).catch((error: unknown) => {
          if (!isProblem(error)) log.error("the rules could not be read anew", { error: String(error) });
        });
      });
      if (!watching.isWatching)
        log.error("changes of the rules are not seen by themselves; use arw gate reload", { source: file.path });
      ctx.signal.addEventListener("abort", () => watching[Symbol.dispose](), { once: true });
    },
    health: () => healthOf(book, fault),
  };
}

const healthOf = ({ version, size }: RuleBook, fault: string | null): Health => ({
  name: "rules",
  ok: fault === null,
  detail:
    fault === null
      ? `version ${version}, ${size} in force`
      : `${fault}; the rules of version ${version} stay in force; mend the file, then: arw gate reload`,
});

/** Contracts that cover no key there is. Of more than a person wrote, nobody asks. */
function idleRules(book: RuleBook, door: SourceDoor, keys: () => readonly string[]): string[] {
  if (door.size === 0 || door.size > idleAskedMax) return [];
  const covering = new Set(keys().flatMap((key) => book.covering(key)));
  return [...door.rules()].filter((rule) => !covering.has(rule)).map(({ contract }) => contract.id);
}

const warnOfIdle = (log: Pick<Log, "warn">, idle: readonly string[]): void => {
  if (idle.length > 0)
    log.warn("these contracts cover no key of this hub; is a pattern mistyped?", { contracts: idle });
};

const invalid = (faults: readonly string[]): Problem =>
  new Problem(RulesInvalid, `${faults[0] ?? "the file of rules cannot be read"}${more(faults.length - 1)}`, {
    faults: faults.slice(0, faultsShownMax),
  });

const more = (count: number): string => (count > 0 ? ` (and ${count} more)` : "");

/** Immutable contracts that are active stay as they are, whatever the new text says of them. */
function heldRules(door: SourceDoor, placed: readonly PlacedContract[], nowMs: number): readonly PlacedContract[] {
  const wanted = new Map(placed.map(({ contract }) => [contract.id, JSON.stringify(contract)]));
  return [...door.rules()]
    .filter((rule) => rule.contract.immutable === true && statusAt(rule, nowMs) === "active")
    .filter(({ contract }) => wanted.get(contract.id) !== JSON.stringify(contract))
    .map(({ contract, place }) => ({ contract, ...(place === undefined ? {} : { place }) }));
}
