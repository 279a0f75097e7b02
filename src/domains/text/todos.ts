import { cutText } from "./lines.ts";
import type { TextKind, TodoLine } from "./outline-schema.ts";

const todoTextMax = 140;
const marker = /(?<![\p{L}\p{N}_/|"'`-])(TODO|FIXME|HACK|XXX)(?![\p{L}\p{N}_|"'`/-])/u;
const box = /^\s*(?:[-*+•]|\d{1,9}[.)])\s{1,8}\[([ xX])\]\s+(\S.*)$/;
/** What has to stand before a marker in code, where the bare word may be a name or a string. */
const commentMark = /\/\/|\/\*|^\s*\*|#|--|;|<!--|%|"""|'''/;

/** The to-do that a line holds, if it does. */
export function todoOf(piece: string, line: number, kind: TextKind): TodoLine | null {
  const task = piece.includes("[") ? box.exec(piece) : null;
  if (task?.[2] !== undefined && kind !== "code")
    return { line, kind: "task", text: cutText(task[2].trimEnd(), todoTextMax), isDone: task[1] !== " " };
  const found = marker.exec(piece);
  if (found === null) return null;
  const before = piece.slice(0, found.index);
  const after = piece.slice(found.index + found[0].length).slice(0, todoTextMax * 2);
  if (kind === "code" ? !commentMark.test(before) : !isMarked(found[0], before, after)) return null;
  const said = /^\s*(?:\([^)]{0,60}\))?\s*[:\-–—]?\s*(.*)$/.exec(after)?.[1] ?? "";
  const text = said.replace(/\s*(?:\*\/|-->|"""|''')\s*$/, "").trim();
  // The pattern admits these four words and no other.
  return {
    line,
    kind: found[0] as "TODO" | "FIXME" | "HACK" | "XXX",
    text: cutText(text === "" ? piece.trim() : text, todoTextMax),
  };
}

/** Whether a line of a program is, or ends in, a comment. In data every line speaks. */
export function isComment(piece: string, kind: TextKind): boolean {
  return kind !== "code" || commentMark.test(piece);
}

/** What names the thing rather than being one: "a TODO list", "the FIXME comments". */
const namedAfter = /^\s+(?:lists?|items?|files?|apps?|comments?|markers?|boards?|notes?|tags?)\b/i;
const namedBefore = /\b(?:an?|the|no|any|every|each|all|of|open|these|those|my|our|your|per)\s+$/i;
const commentBefore = /(?:\/\/|\/\*|#|--|;|<!--)\s*$/;

/** In prose a marker opens its line or a comment, is followed by a colon, or stands in a sentence that goes on after it. */
function isMarked(word: string, before: string, after: string): boolean {
  if (/^\s{0,3}(?:\([^)]{0,60}\))?\s{0,3}:/.test(after)) return true;
  if (!/^\s+\S|^\(/.test(after) || namedAfter.test(after)) return false;
  if (/^[\s>*#+-]*(?:<!--\s*)?$/.test(before) || commentBefore.test(before)) return true;
  return (word === "TODO" || word === "FIXME") && !namedBefore.test(before);
}
