/** The arguments of a held call as fields to change, and what of them was changed. Pure. */

export interface EditField {
  readonly name: string;
  readonly sort: "text" | "json";
  /** As the field begins: the argument as it was shown, or its whole text where the exact change tells it. */
  readonly before: string;
  /** False where the question shows only how long the text is; what is typed then takes the place of all of it. */
  readonly isWhole: boolean;
}

/** A value that is no object has no arguments to change. */
export function editFields(input: unknown, diff: string | undefined): readonly EditField[] {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return [];
  return Object.entries(input).map(([name, value]: [string, unknown]) => {
    if (typeof value !== "string") return { name, sort: "json", before: JSON.stringify(value, null, 2), isWhole: true };
    const length = Number(/^(\d+) characters, see the diff$/u.exec(value)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) return { name, sort: "text", before: value, isWhole: true };
    const whole = newText(diff ?? "");
    const isWhole = whole?.length === length;
    return { name, sort: "text", before: isWhole ? whole : "", isWhole };
  });
}

/** The text that a diff of a new file adds; of a file that was there, a diff shows only parts. */
function newText(diff: string): string | undefined {
  const start = diff.search(/^@@ -0,0 /mu);
  if (start < 0) return undefined;
  const lines = diff.slice(start).replace(/\n$/u, "").split("\n").slice(1);
  const isOpenEnded = lines.at(-1)?.startsWith("\\") === true;
  const added = isOpenEnded ? lines.slice(0, -1) : lines;
  if (added.some((line) => !line.startsWith("+"))) return undefined;
  return added.map((line) => line.slice(1)).join("\n") + (isOpenEnded ? "" : "\n");
}

export interface EditRead {
  /** Only what was changed. */
  readonly changes: Readonly<Record<string, unknown>>;
  /** By field: why its text is no JSON. */
  readonly faults: Readonly<Record<string, string>>;
}

export function readEdit(fields: readonly EditField[], drafts: Readonly<Record<string, string>>): EditRead {
  const changes: Record<string, unknown> = {};
  const faults: Record<string, string> = {};
  for (const { name, sort, before } of fields) {
    const text = drafts[name];
    if (text === undefined || text === before) continue;
    if (sort === "text") {
      changes[name] = text;
      continue;
    }
    try {
      changes[name] = JSON.parse(text);
    } catch (error) {
      faults[name] = error instanceof Error ? error.message : String(error);
    }
  }
  return { changes, faults };
}
