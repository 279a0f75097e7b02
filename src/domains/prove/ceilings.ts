/** Allowances as formulas: which calls they refuse, or hold for a person, although nothing else stands in the way. */
import { matchesKey } from "../../contract/caller.ts";
import { deadlineMsOf, gateKey, type Operation } from "../../contract/operation.ts";
import type { PriceRow, Terms } from "../budgets/contract.ts";
import { type Least, leastOf, type Place } from "./cheapest.ts";
import { all, any, atMost, choice, type Formula, not, textIs, textWithin } from "./formula.ts";
import { anything, either, letterBut, type Language, letterOf, many, maybe, sequence, word } from "./language.ts";
import { atMs, type Space, within } from "./space.ts";

/** An allowance, and how much of it is used in the window that runs now. */
export interface Ceiling extends Terms {
  readonly used: number;
  /** When the next window begins; null where each run has its own. */
  readonly resetsAtMs: number | null;
}

export interface Held {
  readonly prices: readonly PriceRow[];
  readonly space: Space;
}

/** Where nothing else is set, as budgets do. */
const softPercentDefault = 80;

/** Even the cheapest call of its kind is above what is left, or above what nobody is asked about. Of programs only. */
export const isOverCeilings = (ceilings: readonly Ceiling[], held: Held): Formula =>
  any(ceilings.map((each) => isOverOne(each, held)));

function isOverOne(ceiling: Ceiling, { prices, space }: Held): Formula {
  const groups = new Map<string, { readonly bill: Bill; readonly ids: string[] }>();
  for (const operation of space.operations.values()) {
    if (ceiling.tool !== undefined && !matchesKey(ceiling.tool, gateKey(operation))) continue;
    for (const bill of billsOf(operation, ceiling)) {
      const name = JSON.stringify(bill);
      const group = groups.get(name) ?? { bill, ids: [] };
      group.ids.push(operation.id);
      groups.set(name, group);
    }
  }
  const over = [...groups.values()].map(({ bill, ids }) =>
    all([choice("action", ids), isAt(bill.place), isAbove(bill, ceiling, prices)]),
  );
  return all([any(over), spentBy(ceiling)]);
}

interface Bill {
  /** Null where it is the same wherever the call goes. */
  readonly place: Place | null;
  readonly amount: number | { readonly input: number; readonly output: number };
  /** Up to here nobody is in the way. */
  readonly limit: number;
}

function billsOf(operation: Operation, ceiling: Ceiling): readonly Bill[] {
  const limit = limitFor(operation, ceiling);
  const { unit } = ceiling;
  if (unit === "calls") return [{ place: null, amount: 1, limit }];
  if (unit === "milliseconds") return [{ place: null, amount: deadlineMsOf(operation) ?? 0, limit }];
  return [...leastOf(operation)].map(([place, least]) => ({ place, amount: amountOf(unit, least), limit }));
}

function amountOf(unit: Exclude<Terms["unit"], "calls" | "milliseconds">, least: Least): Bill["amount"] {
  if (unit === "tokens") return least.input + least.output;
  if (unit === "microUsd") return least.microUsd ?? { input: least.input, output: least.output };
  return least[unit];
}

/** Above the soft limit of one that asks, a person is asked; a question would keep a secret, so of those nobody is. */
export function limitFor({ isSecret }: Pick<Operation, "isSecret">, ceiling: Terms): number {
  const { limit, over, softPercent = softPercentDefault } = ceiling;
  return over === "ask" && isSecret !== true ? Math.floor((limit * softPercent) / 100) : limit;
}

function isAt(place: Place | null): Formula {
  if (place === null) return true;
  if (place === "Model here") return within({ type: "Machine", id: "this" });
  if (place === "Model elsewhere") return within({ type: "Machine", id: "another" });
  return choice("reached", [place]);
}

function isAbove({ amount, limit }: Bill, ceiling: Ceiling, prices: readonly PriceRow[]): Formula {
  if (typeof amount === "number") return exceeds(amount, limit, ceiling);
  // By the cheapest price that names the model, of lists that are to come, too.
  const isPaid = prices.map((row) => all([namesModel(row), not(exceeds(moneyOf(amount, row), limit, ceiling))]));
  const isUncounted = ceiling.unknown === "allow" && not(any(prices.filter(isNow).map(namesModel)));
  return not(any([...isPaid, isUncounted]));
}

const isNow = ({ isInForce }: PriceRow): boolean => isInForce;

/** What was used in a window is free again in the next one. */
export function exceeds(
  amount: number,
  limit: number,
  { used, resetsAtMs }: Pick<Ceiling, "used" | "resetsAtMs">,
): Formula {
  if (amount === 0 || amount + used <= limit) return false;
  return amount > limit || resetsAtMs === null ? true : atMost(atMs, resetsAtMs - 1);
}

/** Rounded down, so that nothing is taken to cost more than it does. */
function moneyOf({ input, output }: { readonly input: number; readonly output: number }, row: PriceRow): number {
  const { inputUsdPerMillion: each, outputUsdPerMillion: answer, cachedInputUsdPerMillion: cached } = row;
  if (each === "unknown" || answer === "unknown" || cached === "unknown") return 0;
  return Math.floor(input * Math.min(each, cached) + output * answer);
}

const anyPort = sequence(word(":"), many(letterOf("0123456789")));
const server = many(letterBut("/"));

/** A price names a model by itself or with its server, and perhaps only at one host. */
function namesModel({ model, host }: PriceRow): Formula {
  const named: Language = model.endsWith("*") ? sequence(word(model.slice(0, -1)), anything) : word(model);
  const at = host === null ? server : sequence(word(host), maybe(anyPort));
  return all([
    choice("reached", ["Model"]),
    textWithin("resource", either(named, sequence(server, word("/"), named))),
    textWithin("resource", sequence(at, word("/"), anything)),
  ]);
}

/** Whose calls it counts; persons are never asked about here. */
export function spentBy({ subject }: Pick<Terms, "subject">): Formula {
  if (subject === undefined) return choice("kind", ["Agent", "Plugin", "Node"]);
  const { kind, id } = subject;
  if (kind === "project") return all([choice("reached", ["Project"]), textIs("resource", id)]);
  if (kind === "host") {
    const named = sequence(word(id), maybe(anyPort));
    return any([
      all([choice("reached", ["Host"]), textWithin("resource", named)]),
      all([choice("reached", ["Model"]), textWithin("resource", sequence(named, word("/"), anything))]),
    ]);
  }
  if (kind === "person") return false;
  return all([choice("kind", [kindOf(kind)]), textIs("caller", id)]);
}

const kindOf = (kind: "agent" | "plugin" | "node"): string => `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
