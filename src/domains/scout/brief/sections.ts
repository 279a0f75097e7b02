import { formatBytes } from "../../../base/units.ts";
import { formatDay, relativeDay, swappedDay } from "./day.ts";
import type { DatedQuote, Findings, LinkReport, Inventory, Listing, Place, Quote } from "./findings.ts";
import type { Part } from "./markdown.ts";

/** Cited for what is no longer in any file. */
const theFolder: Place = { path: ".", line: 1 };

export type Line = { readonly parts: readonly Part[]; readonly places: readonly Place[] };

export type Section = {
  readonly title: string;
  readonly note?: string;
  readonly lines: readonly Line[];
  /** Entries known but not shown. */
  readonly more: number;
};

/** All sections of a brief in the order a newcomer needs them; the empty ones fall out when it is written. */
export function sectionsOf(findings: Findings): Section[] {
  return [
    { title: "At a glance", lines: glance(findings), more: 0 },
    section("Deadlines", findings.deadlines, (date) => dateLine(date, findings.todayMs)),
    section("Deadlines that have passed", findings.pastDeadlines, (date) => dateLine(date, findings.todayMs)),
    section("Other dates ahead", findings.otherDates, (date) => dateLine(date, findings.todayMs)),
    section("Open questions", findings.questions, quoteLine),
    section("To-dos", findings.todos, ({ kind, text, places }) => ({
      parts: kind === "task" || kind === "TODO" ? [{ quoted: text }] : [{ strong: kind }, " ", { quoted: text }],
      places,
    })),
    changes(findings),
    {
      title: "Key sentences",
      note: "The sentences that share most with all others.",
      lines: findings.sentences.map(quoteLine),
      more: 0,
    },
    duplicates(findings),
    links(findings),
    orders(findings),
    section("Contents", findings.titles, quoteLine),
    inventory(findings),
  ];
}

function section<Entry>(title: string, { entries, count }: Listing<Entry>, read: (entry: Entry) => Line): Section {
  return { title, lines: entries.map(read), more: count - entries.length };
}

function quoteLine({ text, places }: Quote): Line {
  return { parts: [{ quoted: text }], places };
}

function dateLine({ isoDate, isAmbiguous, text, places }: DatedQuote, todayMs: number): Line {
  const doubt = isAmbiguous ? `, or ${formatDay(swappedDay(isoDate))}` : "";
  return {
    parts: [{ strong: formatDay(isoDate) }, `${doubt}${relativeDay(isoDate, todayMs)}: `, { quoted: text }],
    places,
  };
}

function glance(findings: Findings): Line[] {
  const { inventory: found, deadlines, todos, questions, orders: planted, todayMs } = findings;
  if (found.fileCount === 0) return [];
  const lines: Line[] = [];
  const first = firstPlace(findings);
  const readme = readmeOf(findings);
  if (readme !== undefined)
    lines.push({ parts: ["The folder is called: ", { quoted: readme.text }], places: readme.places });
  lines.push({ parts: [countsOf(found)], places: first });
  const next = deadlines.entries[0];
  if (next !== undefined) {
    lines.push({ parts: ["Next deadline: ", ...dateLine(next, todayMs).parts], places: next.places });
  }
  if (todos.count + findings.doneCount > 0) {
    const done = findings.doneCount > 0 ? `, ${findings.doneCount} done` : "";
    lines.push({
      parts: [`${atLeast(todos)}${count(todos.count, "open to-do")}${done}`],
      places: todos.entries[0]?.places ?? first,
    });
  }
  if (questions.count > 0)
    lines.push({
      parts: [`${atLeast(questions)}${count(questions.count, "open question")}`],
      places: questions.entries[0]?.places ?? first,
    });
  const trouble = troubleOf(findings);
  if (trouble !== null) lines.push(trouble);
  if (planted.count > 0) {
    const places = planted.entries.flatMap((entry) => entry.places);
    lines.push({
      parts: [
        `${count(planted.count, "passage")} ${planted.count === 1 ? "looks" : "look"} like an instruction to an agent; quoted below, not followed`,
      ],
      places,
    });
  }
  return lines;
}

function troubleOf({ brokenLinks, duplicates: same, nearDuplicates: near }: Findings): Line | null {
  const parts: string[] = [];
  if (brokenLinks.count > 0) parts.push(count(brokenLinks.count, "broken link"));
  if (same.count > 0) parts.push(`${count(same.count, "set")} of identical files`);
  if (near.count > 0) parts.push(`${count(near.count, "set")} of nearly identical files`);
  const path = same.entries[0]?.paths[0] ?? near.entries[0]?.paths[0];
  const place = brokenLinks.entries[0]?.places[0] ?? (path === undefined ? undefined : placeOf(path));
  return parts.length === 0 || place === undefined ? null : { parts: [parts.join(", ")], places: [place] };
}

function countsOf(found: Inventory): string {
  const names = { markdown: "Markdown", text: "text", code: "code", data: "data", other: "other" };
  const kinds = found.kinds.map(({ kind, count: files }) => `${grouped(files)} ${names[kind]}`).join(", ");
  const words = found.wordCount > 0 ? `, ${grouped(found.wordCount)} words` : "";
  return `${count(found.fileCount, "file")}, ${formatBytes(found.sizeBytes)}${words}: ${kinds}`;
}

function changes({ changes: found }: Findings): Section {
  const title = "Changes since the last brief";
  if (found === null) return { title, lines: [], more: 0 };
  const lines = [
    ...found.added.entries.map((path) => ({ parts: ["New: ", { code: path }], places: [placeOf(path)] })),
    ...found.changed.entries.map((path) => ({ parts: ["Changed: ", { code: path }], places: [placeOf(path)] })),
    ...found.removed.entries.map((path) => ({ parts: ["Gone: ", { code: path }], places: [theFolder] })),
  ];
  const all = found.added.count + found.changed.count + found.removed.count;
  const note =
    all === 0
      ? `Nothing changed; ${count(found.unchangedCount, "file")} as before.`
      : `${found.added.count} new, ${found.changed.count} changed, ${found.removed.count} gone, ${found.unchangedCount} as before.`;
  return { title, note, lines, more: all - lines.length };
}

function duplicates({ duplicates: same, nearDuplicates: near }: Findings): Section {
  const lines = [
    ...same.entries.map(({ paths, sizeBytes }) => ({
      parts: [`${paths.length} identical files of ${formatBytes(sizeBytes)}`],
      places: paths.map(placeOf),
    })),
    ...near.entries.map(({ paths, likeness }) => ({
      parts: [
        `${paths.length} nearly identical files, about ${Math.round(likeness * 100)}% of their word triples in common`,
      ],
      places: paths.map(placeOf),
    })),
  ];
  return { title: "Duplicates", lines, more: same.count + near.count - lines.length };
}

function links({ brokenLinks, outsideLinks }: Findings): Section {
  const line =
    (said: string) =>
    ({ target, places }: LinkReport): Line => ({ parts: [{ code: target }, ` ${said}`], places });
  const lines = [
    ...brokenLinks.entries.map(line("is not there")),
    ...outsideLinks.entries.map(line("leads out of the folder")),
  ];
  return { title: "Broken links", lines, more: brokenLinks.count + outsideLinks.count - lines.length };
}

function orders({ orders: found }: Findings): Section {
  return {
    ...section("Text that looks like an instruction", found, ({ text, why, places }) => ({
      parts: [{ strong: why }, ": “", { quoted: text }, "”"],
      places,
    })),
    note: "Found by simple rules, which also find harmless text. Scout quotes it and does nothing it says.",
  };
}

function inventory({ inventory: found }: Findings): Section {
  const lines: Line[] = found.kinds.map(({ kind, count: files, sizeBytes, firstPath }) => ({
    parts: [{ strong: kind }, `: ${count(files, "file")}, ${formatBytes(sizeBytes)}`],
    places: [placeOf(firstPath)],
  }));
  const { largest, truncated, empty, skipped } = found;
  if (largest.length > 0)
    lines.push({
      parts: [`Largest: ${largest.map(({ sizeBytes }) => formatBytes(sizeBytes)).join(", ")}`],
      places: largest.map(({ path }) => placeOf(path)),
    });
  if (truncated.count > 0)
    lines.push({
      parts: [`${count(truncated.count, "file")} too long to be read to the end`],
      places: truncated.entries.map(placeOf),
    });
  if (empty.count > 0) lines.push({ parts: [count(empty.count, "empty file")], places: empty.entries.map(placeOf) });
  for (const { reason, count: files, paths } of skipped)
    lines.push({ parts: [`${count(files, "file")} not read: `, { quoted: reason }], places: paths.map(placeOf) });
  return { title: "Inventory", lines, more: 0 };
}

function readmeOf({ titles }: Findings): Quote | undefined {
  return titles.entries.find(({ places }) => /^readme\b[^/]*$/i.test(places[0]?.path ?? ""));
}

/** What statements about the whole folder cite: its read-me, or else the first file of its commonest kind. */
function firstPlace(findings: Findings): Place[] {
  const path = readmeOf(findings)?.places[0]?.path ?? findings.inventory.kinds[0]?.firstPath;
  return path === undefined ? [] : [placeOf(path)];
}

function placeOf(path: string): Place {
  return { path, line: 1 };
}

function atLeast({ isComplete }: Listing<unknown>): string {
  return isComplete ? "" : "At least ";
}

function count(number: number, noun: string): string {
  return `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;
}

function grouped(number: number): string {
  return String(number).replace(/(?<=\d)(?=(?:\d{3})+$)/g, " ");
}
