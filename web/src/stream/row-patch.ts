/** Applies what a view's watch sends: RFC 6902 operations on `{rows}`. Rows that do not change stay the same objects. */

export interface RowPatch {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

type Holder = Record<string, unknown> | unknown[];

/** A new map; throws when a patch does not fit, which means that something was missed. */
export function applyRowPatches<Row>(
  rows: ReadonlyMap<string, Row>,
  patches: readonly RowPatch[],
): ReadonlyMap<string, Row> {
  const next = new Map(rows);
  for (const { op, path, value } of patches) {
    const [root, key, ...rest] = path.split("/").slice(1).map(unescaped);
    if (root !== "rows" || key === undefined) throw new RangeError(`a patch of ${path} fits no row`);
    if (rest.length > 0) next.set(key, changed(next.get(key), rest, { op, value }) as Row);
    else if (op === "remove") next.delete(key);
    else next.set(key, value as Row);
  }
  return next;
}

const unescaped = (part: string): string => part.replaceAll("~1", "/").replaceAll("~0", "~");

interface Change {
  readonly op: string;
  readonly value: unknown;
}

/** A copy along the path, changed at its end. */
function changed(holder: unknown, path: readonly string[], change: Change): Holder {
  const [name, ...rest] = path;
  if (typeof holder !== "object" || holder === null || name === undefined) {
    throw new RangeError("a patch leads into what is not there");
  }
  if (Array.isArray(holder)) return changedArray(holder, name, { rest, change });
  const copy: Record<string, unknown> = { ...holder };
  if (rest.length > 0) copy[name] = changed(copy[name], rest, change);
  else if (change.op === "remove") delete copy[name];
  else copy[name] = change.value;
  return copy;
}

function changedArray(
  holder: readonly unknown[],
  name: string,
  { rest, change }: { readonly rest: readonly string[]; readonly change: Change },
): unknown[] {
  const copy = [...holder];
  const index = name === "-" ? copy.length : Number(name);
  if (!Number.isInteger(index) || index < 0 || index > copy.length) throw new RangeError(`a list has no place ${name}`);
  if (rest.length > 0) copy[index] = changed(copy[index], rest, change);
  else if (change.op === "remove") copy.splice(index, 1);
  else if (change.op === "add") copy.splice(index, 0, change.value);
  else copy[index] = change.value;
  return copy;
}
