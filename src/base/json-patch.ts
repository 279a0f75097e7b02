/** The difference of two JSON values as RFC 6902 patches, and back. Pointers follow RFC 6901. */

export type Patch =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move" | "copy"; readonly path: string; readonly from: string };

/** Below this depth values are replaced without a look inside: no row is as deep, and recursion needs an end. */
const depthMax = 64;

/** About what one patch costs on the wire besides its path and its value: `{"op":"replace","path":"","value":},`. */
const patchOverhead = 40;

/** Stands in for the size of what lies too deep to be measured. */
const sizeUnknown = 256;

interface Difference {
  readonly patches: Patch[];
  /** Estimated characters of the patches. */
  readonly cost: number;
  /** Estimated characters of the whole new value: the price of replacing it. */
  readonly size: number;
}

/**
 * Patches that turn `before` into `after`; none when they are equal. Objects are compared by member, arrays by index
 * with a changed tail, and where that would be longer than the new value, the value is replaced whole.
 * Both are JSON values; a member that is `undefined` counts as absent.
 */
export function diffJson(before: unknown, after: unknown): Patch[] {
  return compare(before, after, { path: "", depth: 0 }).patches;
}

interface Place {
  readonly path: string;
  readonly depth: number;
}

function compare(before: unknown, after: unknown, place: Place): Difference {
  if (before === after) return { patches: [], cost: 0, size: sizeOf(after, place.depth) };
  const inner = place.depth < depthMax ? compareContainers(before, after, place) : undefined;
  const size = inner?.size ?? sizeOf(after, place.depth);
  const cost = patchOverhead + place.path.length + size;
  if (inner !== undefined && inner.cost < cost) return inner;
  return { patches: [{ op: "replace", path: place.path, value: after }], cost, size };
}

function compareContainers(before: unknown, after: unknown, place: Place): Difference | undefined {
  if (Array.isArray(before) && Array.isArray(after)) return compareArrays(before, after, place);
  if (isRecord(before) && isRecord(after)) return compareRecords(before, after, place);
  return undefined;
}

function compareRecords(before: JsonRecord, after: JsonRecord, place: Place): Difference {
  const sum = createSum();
  for (const key of Object.keys(before)) {
    if (before[key] === undefined || member(after, key) !== undefined) continue;
    sum.remove(`${place.path}/${escapeToken(key)}`);
  }
  for (const key of Object.keys(after)) {
    const value = after[key];
    if (value === undefined) continue;
    const old = member(before, key);
    const path = `${place.path}/${escapeToken(key)}`;
    sum.size += key.length + 4;
    if (old === undefined) sum.add(path, value, place.depth + 1);
    else sum.merge(compare(old, value, { path, depth: place.depth + 1 }));
  }
  return sum;
}

function compareArrays(before: readonly unknown[], after: readonly unknown[], place: Place): Difference {
  const sum = createSum();
  for (const [index, value] of after.entries()) {
    const path = `${place.path}/${index}`;
    sum.size += 1;
    if (index < before.length) sum.merge(compare(before[index], value, { path, depth: place.depth + 1 }));
    else sum.add(path, value, place.depth + 1);
  }
  // From the end, so that no index moves before its turn.
  for (let index = before.length - 1; index >= after.length; index -= 1) sum.remove(`${place.path}/${index}`);
  return sum;
}

function createSum() {
  return {
    patches: [] as Patch[],
    cost: 0,
    size: 2,
    add(path: string, value: unknown, depth: number): void {
      const size = sizeOf(value, depth);
      this.patches.push({ op: "add", path, value });
      this.cost += patchOverhead + path.length + size;
      this.size += size;
    },
    remove(path: string): void {
      this.patches.push({ op: "remove", path });
      this.cost += patchOverhead + path.length;
    },
    merge(inner: Difference): void {
      for (const patch of inner.patches) this.patches.push(patch);
      this.cost += inner.cost;
      this.size += inner.size;
    },
  };
}

/** About as many characters as the JSON text has; exact enough to choose between two patches. */
function sizeOf(value: unknown, depth: number): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value === "number") return 8;
  if (value === null || typeof value !== "object") return 5;
  if (depth >= depthMax) return sizeUnknown;
  let size = 2;
  if (Array.isArray(value)) {
    for (const each of value) size += 1 + sizeOf(each, depth + 1);
    return size;
  }
  for (const [key, each] of Object.entries(value)) size += key.length + 4 + sizeOf(each, depth + 1);
  return size;
}

/**
 * The patched document; the given one stays as it is, and unchanged parts are shared between both.
 * All or nothing: throws RangeError for a place that does not exist, a `test` that fails or a malformed pointer.
 */
export function applyPatch(document: unknown, patches: readonly Patch[]): unknown {
  let result = document;
  for (const patch of patches) result = applyOne(result, patch);
  return result;
}

function applyOne(document: unknown, patch: Patch): unknown {
  const tokens = parsePointer(patch.path);
  switch (patch.op) {
    case "add":
      return addAt(document, tokens, patch.value);
    case "replace":
      return tokens.length === 0 ? patch.value : edit(document, tokens, { kind: "replace", value: patch.value });
    case "remove":
      return removeAt(document, tokens);
    case "copy":
      return addAt(document, tokens, valueAt(document, parsePointer(patch.from)));
    case "move": {
      if (patch.path.startsWith(`${patch.from}/`)) throw new RangeError("A value cannot move into itself.");
      const from = parsePointer(patch.from);
      const value = valueAt(document, from);
      return patch.from === patch.path ? document : addAt(removeAt(document, from), tokens, value);
    }
    case "test":
      if (!isSameJson(valueAt(document, tokens), patch.value))
        throw new RangeError(`The test of ${quote(patch.path)} failed.`);
      return document;
    default:
      patch satisfies never;
      throw new RangeError("Unknown patch operation.");
  }
}

function addAt(document: unknown, tokens: readonly string[], value: unknown): unknown {
  return tokens.length === 0 ? value : edit(document, tokens, { kind: "add", value });
}

function removeAt(document: unknown, tokens: readonly string[]): unknown {
  if (tokens.length === 0) throw new RangeError("The whole document cannot be removed.");
  return edit(document, tokens, { kind: "remove" });
}

type Change = { readonly kind: "add" | "replace"; readonly value: unknown } | { readonly kind: "remove" };

/** Copies the containers along the path and changes the last one. Recursion is as deep as the pointer. */
function edit(container: unknown, tokens: readonly string[], change: Change): unknown {
  const [token = "", ...rest] = tokens;
  if (rest.length > 0) {
    const inner = edit(child(container, token), rest, change);
    return Array.isArray(container)
      ? container.with(Number(token), inner)
      : withMember(container as JsonRecord, token, inner);
  }
  if (Array.isArray(container)) return editArray(container, token, change);
  if (!isRecord(container)) throw missing(token);
  if (change.kind !== "add" && !Object.hasOwn(container, token)) throw missing(token);
  return change.kind === "remove" ? withoutMember(container, token) : withMember(container, token, change.value);
}

function editArray(items: readonly unknown[], token: string, change: Change): unknown[] {
  if (change.kind === "add") {
    const index = token === "-" ? items.length : indexOf(token, items.length);
    return items.toSpliced(index, 0, change.value);
  }
  const index = indexOf(token, items.length - 1);
  return change.kind === "remove" ? items.toSpliced(index, 1) : items.with(index, change.value);
}

/** The value at a pointer. Throws RangeError when there is none. */
export function valueAtPointer(document: unknown, pointer: string): unknown {
  return valueAt(document, parsePointer(pointer));
}

function valueAt(document: unknown, tokens: readonly string[]): unknown {
  let value = document;
  for (const token of tokens) value = child(value, token);
  return value;
}

function child(container: unknown, token: string): unknown {
  if (Array.isArray(container)) return container[indexOf(token, container.length - 1)];
  if (isRecord(container) && Object.hasOwn(container, token)) return container[token];
  throw missing(token);
}

/** The tokens of an RFC 6901 pointer, unescaped. Throws RangeError when it is malformed. */
export function parsePointer(pointer: string): string[] {
  if (pointer === "") return [];
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer))
    throw new RangeError(`Not a JSON pointer: ${quote(pointer)}.`);
  return pointer
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

export function formatPointer(tokens: readonly string[]): string {
  return tokens.map((token) => `/${escapeToken(token)}`).join("");
}

function escapeToken(token: string): string {
  return token.replaceAll("~", "~0").replaceAll("/", "~1");
}

type JsonRecord = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Own members only: `__proto__` is a name like any other. */
function member(record: JsonRecord, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function withMember(record: JsonRecord, key: string, value: unknown): JsonRecord {
  // Assignment would run the setter of `__proto__`; defining does not.
  return Object.defineProperty({ ...record }, key, { value, enumerable: true, configurable: true, writable: true });
}

function withoutMember(record: JsonRecord, key: string): JsonRecord {
  const copy: Record<string, unknown> = { ...record };
  delete copy[key];
  return copy;
}

function indexOf(token: string, indexMax: number): number {
  const index = /^(?:0|[1-9][0-9]{0,9})$/.test(token) ? Number(token) : -1;
  if (index < 0 || index > indexMax) throw missing(token);
  return index;
}

/** What differs only below the bound of depth counts as different: safer than a stack overflow. */
function isSameJson(a: unknown, b: unknown): boolean {
  return diffJson(a, b).length === 0;
}

function missing(token: string): RangeError {
  return new RangeError(`The document has no place ${quote(token)}.`);
}

/** Pointers come from outside: an error quotes a short, escaped piece. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
