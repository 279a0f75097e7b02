/** Where two JSON values differ first. */

/** A JSON pointer to the first difference, or null. Values are taken as JSON writes them: members that are undefined are none. */
export function jsonDifference(a: unknown, b: unknown, at = ""): string | null {
  return isAlike(a, b) ? null : firstDifference(a, b, at);
}

/** True only where there is no difference: most values that are compared are equal, and need no pointer. */
function isAlike(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && areItemsAlike(a, b);
  return !Array.isArray(b) && areMembersAlike(a as Members, b as Members);
}

type Members = Readonly<Record<string, unknown>>;

function areItemsAlike(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (!isAlike(a[index], b[index])) return false;
  return true;
}

/** Whether a member that is undefined counts is asked below. */
function areMembersAlike(a: Members, b: Members): boolean {
  const names = Object.keys(a);
  const others = Object.keys(b);
  if (names.length !== others.length) return false;
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index] as string;
    const member = a[name];
    // Most are written in one order.
    const isThere = name === others[index] || Object.hasOwn(b, name);
    if (member === undefined || !isThere || !isAlike(member, b[name])) return false;
  }
  return true;
}

function firstDifference(a: unknown, b: unknown, at: string): string | null {
  if (a === b) return null;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
    return plain(a) === plain(b) ? null : at;
  if (Array.isArray(a) !== Array.isArray(b)) return at;
  return Array.isArray(a) ? listDifference(a, b as readonly unknown[], at) : memberDifference(a, b, at);
}

/** JSON knows neither of these, and one zero. */
const plain = (value: unknown): unknown =>
  value === undefined || (typeof value === "number" && !Number.isFinite(value)) ? null : value === 0 ? 0 : value;

function listDifference(a: readonly unknown[], b: readonly unknown[], at: string): string | null {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    if (index >= a.length || index >= b.length) return `${at}/${index}`;
    const found = firstDifference(a[index], b[index], `${at}/${index}`);
    if (found !== null) return found;
  }
  return null;
}

const escaped = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

function memberDifference(a: object, b: object, at: string): string | null {
  const one = a as Readonly<Record<string, unknown>>;
  const other = b as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(one)) {
    const mine = one[name];
    if (mine === undefined) continue;
    const its = Object.hasOwn(other, name) ? other[name] : undefined;
    if (its === undefined) return `${at}/${escaped(name)}`;
    if (mine === its) continue;
    const found = firstDifference(mine, its, `${at}/${escaped(name)}`);
    if (found !== null) return found;
  }
  for (const name of Object.keys(other))
    if (other[name] !== undefined && (!Object.hasOwn(one, name) || one[name] === undefined))
      return `${at}/${escaped(name)}`;
  return null;
}
