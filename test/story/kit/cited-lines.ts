/** Checks a brief against the folder it was made from: every statement cites lines, and what it quotes stands there. */
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

export interface CitedStatement {
  readonly section: string;
  readonly text: string;
  readonly places: readonly { readonly path: string; readonly line: number }[];
}

/** Sections whose statements are quotes; the others count. */
const quotedSections = new Set([
  "Deadlines",
  "Deadlines that have passed",
  "Other dates ahead",
  "Open questions",
  "To-dos",
  "Key sentences",
  "Text that looks like an instruction",
  "Contents",
]);
/** A quoted sentence may run over this many lines. */
const linesPerQuote = 6;

export function statementsOf(brief: string): CitedStatement[] {
  const statements: CitedStatement[] = [];
  let section = "";
  for (const line of brief.split("\n")) {
    section = /^## (.+)$/.exec(line)?.[1] ?? section;
    if (!line.startsWith("- ")) continue;
    const cited = /^- (.*) \(((?:`[^`]+:\d+`(?:, )?)+)(?: and \d+ more)?\)$/.exec(line);
    assert.ok(cited, `a statement without a citation: ${line}`);
    const places = [...(cited[2] ?? "").matchAll(/`([^`]+):(\d+)`/g)].map(([, path = "", number]) => ({
      path,
      line: Number(number),
    }));
    statements.push({ section, text: cited[1] ?? "", places });
  }
  return statements;
}

/** Throws for the first statement that does not stand where it says. Answers how many quotes were compared. */
export async function checkCitations(brief: string, folder: string): Promise<number> {
  let compared = 0;
  for (const { section, text, places } of statementsOf(brief)) {
    for (const { path, line } of places) {
      if (path === ".") continue;
      const info = await stat(join(folder, path));
      if (!info.isFile()) continue;
      const lines = (await readFile(join(folder, path), "utf8")).split(/\r\n|\n|\r/);
      assert.ok(line <= lines.length, `${path} has no line ${line}`);
      if (!quotedSections.has(section)) continue;
      const source = letters(lines.slice(line - 1, line - 1 + linesPerQuote).join(" "));
      const quote = letters(quotedPart(section, text));
      assert.ok(source.includes(quote), `${path}:${line} does not hold “${text}”`);
      compared += 1;
    }
  }
  return compared;
}

/** Without what Scout itself put before the quote: a day, a label. */
function quotedPart(section: string, text: string): string {
  if (section.includes("ead") && !section.startsWith("Key")) return text.replace(/^\*\*[^*]+\*\*[^:]*: /, "");
  if (section === "To-dos") return text.replace(/^\*\*[A-Z]+\*\* /, "");
  if (section.startsWith("Text that")) return text.replace(/^\*\*[^*]+\*\*: /, "");
  return text;
}

/** Letters and digits alone: the brief changes marks, spaces and table bars, never words. */
const letters = (text: string): string => text.replace(/…$/, "").replace(/[^\p{L}\p{N}]+/gu, "");
