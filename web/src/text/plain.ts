/** Text from files, agents and events is data: what could steer a terminal or reorder a line is shown, never obeyed. */

const escape = "\u001b";
const ansi = new RegExp(`${escape}(?:\\[[0-?]*[ -/]*[@-~]|\\][^\\u0007${escape}]*(?:\\u0007|${escape}\\\\))`, "gu");
// Controls but tab and newline, direction marks and overrides, zero-width characters, tags, line separators, byte order mark.
const hidden =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\u{e0000}-\u{e0fff}]/gu;

/** The text with escape sequences removed and every invisible character as a mark, e.g. `⟨U+202E⟩`. */
export function plain(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(ansi, "").replace(hidden, mark);
}

/** The same on one line. */
export const plainLine = (text: string): string => plain(text).replace(/\s+/gu, " ").trim();

function mark(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  // Control pictures stand for the old controls in one character.
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
}
