import type { Findings, Place } from "./findings.ts";
import { plainPart, renderPart, renderPlace, visible } from "./markdown.ts";
import { type Line, type Section, sectionsOf } from "./sections.ts";
import type { Short } from "./short.ts";

export type Statement = { readonly section: string; readonly text: string; readonly citations: readonly Place[] };
export type Brief = { readonly text: string; readonly statements: readonly Statement[] };

/** The first line of every brief below its title; readers can tell one by it. */
export const briefPromise =
  "Written by Scout (model: none, deterministic). Every line below is quoted or counted from the files; nothing is invented.";

/** In place of it where a model wrote a part. */
const shortPromise = (model: string): string =>
  `Written by Scout. Every line below "In short" is quoted or counted from the files by rules; "In short" was written by ${renderPart({ code: model })} from those lines.`;
export const shortSection = "In short";
export const notInFiles = "not in the files";

/** A brief is read, not searched: this is about fifty pages and also bounds what hostile files can make of it. Bytes of UTF-8. */
export const briefSizeBytesMax = 200_000;
/** Kept back for the titles, notes and "more" lines of sections that come after a full one. */
const reserveBytes = 4_000;
const placesShownMax = 3;

/**
 * Writes the brief: the same findings and the same short form give the same bytes. Every statement cites the lines it was read
 * from; the sentences of a model are no statements.
 */
export function composeBrief(findings: Findings, short: Short | null = null): Brief {
  const statements: Statement[] = [];
  const title = `# Brief of ${renderPart({ quoted: findings.folderName === "" ? "this folder" : findings.folderName })}`;
  const blocks = short === null ? [title, briefPromise] : [title, shortPromise(short.model), shortBlock(short)];
  const empty = blocks.length;
  let leftBytes = briefSizeBytesMax - reserveBytes;
  for (const section of sectionsOf(findings)) {
    if (section.lines.length === 0 && section.note?.startsWith("Nothing") !== true) continue;
    const written = writeSection(section, leftBytes);
    leftBytes -= written.sizeBytes;
    blocks.push(written.text);
    for (const line of section.lines.slice(0, written.lineCount)) {
      statements.push({
        section: section.title,
        text: visible(line.parts.map(plainPart).join("")),
        citations: line.places,
      });
    }
  }
  if (blocks.length === empty) blocks.push("There is nothing to tell: the folder holds no files.");
  return { text: `${blocks.join("\n\n")}\n`, statements };
}

function shortBlock({ sentences }: Short): string {
  const lines = sentences.map(({ text, facts, citations }) => {
    const from = facts.length === 0 ? `**${notInFiles}**` : citations.map(renderPlace).join(", ");
    return `- ${renderPart({ quoted: text })} (${from})`;
  });
  return [`## ${shortSection}`, lines.length === 0 ? "The model said nothing." : lines.join("\n")].join("\n\n");
}

type Written = { readonly text: string; readonly lineCount: number; readonly sizeBytes: number };

function writeSection({ title, note, lines, more }: Section, leftBytes: number): Written {
  const items: string[] = [];
  let sizeBytes = 0;
  for (const line of lines) {
    const item = renderLine(line);
    const itemBytes = Buffer.byteLength(item) + 1;
    if (sizeBytes + itemBytes > leftBytes) break;
    items.push(item);
    sizeBytes += itemBytes;
  }
  const rest = more + lines.length - items.length;
  const paragraphs = [`## ${title}`, note ?? "", items.join("\n"), rest > 0 ? `… and ${rest} more.` : ""];
  return { text: paragraphs.filter((paragraph) => paragraph !== "").join("\n\n"), lineCount: items.length, sizeBytes };
}

function renderLine({ parts, places }: Line): string {
  const shown = places.slice(0, placesShownMax).map(renderPlace).join(", ");
  const more = places.length > placesShownMax ? ` and ${places.length - placesShownMax} more` : "";
  return `- ${parts.map(renderPart).join("")} (${shown}${more})`;
}
