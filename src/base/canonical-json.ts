/** One text per JSON value (RFC 8785), so that equal values have equal digests on every machine. */
import { hash } from "node:crypto";
import canonicalize from "canonicalize";

/**
 * The canonical JSON text of a value. Members that JSON cannot hold are dropped as `JSON.stringify` does.
 * Throws TypeError for what has no canonical form: `undefined`, NaN, infinities, cycles, lone surrogates.
 */
export function canonicalJson(value: unknown): string {
  const plain = inOrder(value, 0, { left: nodesMax });
  if (plain !== undefined) return JSON.stringify(plain);
  let text: string | undefined;
  try {
    text = canonicalize(value);
  } catch (cause) {
    throw new TypeError("The value has no canonical JSON form.", { cause });
  }
  if (text === undefined) throw new TypeError("The value has no JSON form.");
  return text;
}

/** SHA-256 as 64 lower-case hexadecimal digits; text is hashed as UTF-8. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}

/** `sha256:` and the hash of the canonical JSON: the name of a value by its content. */
export function digestOf(value: unknown): string {
  return `sha256:${sha256Hex(canonicalJson(value))}`;
}

/** Above these the careful way is taken, which knows no depth and finds cycles. */
const depthMax = 32;
const nodesMax = 100_000;

/**
 * What most values are, JSON without surprises, with the members of each object in canonical order: of that, `JSON.stringify`
 * writes the canonical text, at a fraction of the time. The value itself where its members are in order; undefined where it
 * holds anything else.
 */
function inOrder(value: unknown, depth: number, budget: { left: number }): unknown {
  if (typeof value === "string") return value.isWellFormed() ? value : undefined;
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value === "boolean" || value === null) return value;
  if (typeof value !== "object") return undefined;
  budget.left -= 1;
  if (depth > depthMax || budget.left < 0 || "toJSON" in value) return undefined;
  return Array.isArray(value) ? itemsInOrder(value, depth, budget) : membersInOrder(value, depth, budget);
}

function itemsInOrder(items: readonly unknown[], depth: number, budget: { left: number }): unknown {
  let copy: unknown[] | null = null;
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index];
    const next = inOrder(item, depth + 1, budget);
    if (next === undefined) return undefined;
    if (next !== item) (copy ??= [...items])[index] = next;
  }
  return copy ?? items;
}

function membersInOrder(value: object, depth: number, budget: { left: number }): unknown {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  const record = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(record);
  const isSorted = areInOrder(names);
  if (!isSorted) names.sort();
  let copy: Record<string, unknown> | null = isSorted ? null : {};
  for (const name of names) {
    if (!name.isWellFormed() || (!isSorted && hasOwnPlace(name))) return undefined;
    const member = record[name];
    // Left out by JSON.
    if (member === undefined) continue;
    const next = inOrder(member, depth + 1, budget);
    if (next === undefined) return undefined;
    if (copy === null && next !== member) {
      if (hasOwnPlace(name)) return undefined;
      copy = { ...record };
    }
    if (copy !== null) copy[name] = next;
  }
  return copy ?? value;
}

function areInOrder(names: readonly string[]): boolean {
  for (let index = 1; index < names.length; index += 1)
    if ((names[index - 1] as string) >= (names[index] as string)) return false;
  return true;
}

/** Numerals stand before all other names of an object, in the order of numbers; the other name is no member like any. */
const hasOwnPlace = (name: string): boolean => /^\d/u.test(name) || name === "__proto__";
