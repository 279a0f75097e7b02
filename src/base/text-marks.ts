/** Text from outside, made safe to look at: what a terminal, a log or a page shows is what is there. */

/**
 * Escape sequences of terminals: CSI, OSC and other strings up to their end, and the short ones. An unfinished sequence
 * is not matched; its ESC then shows as a mark. The bounds keep hostile text from costing more than linear time.
 */
const escapes =
  /(?:\u001b\[|\u009b)[0-?]{0,64}[ -/]{0,16}[@-~]|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]{0,4096}(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]{0,16}[0-OQ-WYZ\\`-~]/g;

/** Controls but tab and newline, bidirectional controls, and the line separators that are no newline in a log. */
const controls =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Strips terminal escapes and replaces other control and bidirectional characters by visible marks (`␀`, `⟨U+202E⟩`). Tab and newline stay. */
export function showControls(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(escapes, "").replace(controls, mark);
}

/** Letters of scripts that are written with joiners between them, which nobody sees and everybody needs. */
const joined =
  "\\p{Script=Arabic}\\p{Script=Syriac}\\p{Script=Mongolian}\\p{Script=Devanagari}\\p{Script=Bengali}\\p{Script=Gurmukhi}\\p{Script=Gujarati}\\p{Script=Oriya}\\p{Script=Tamil}\\p{Script=Telugu}\\p{Script=Kannada}\\p{Script=Malayalam}\\p{Script=Sinhala}\\p{Script=Khmer}";

/** What takes no room and is not seen, but where it makes the sign or the letter before it another: emoji and joined scripts. */
const hidden = new RegExp(
  [
    "(?<!\\p{Emoji})[\\ufe0e\\ufe0f]",
    `(?<![\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\ufe0f${joined}])\\u200d`,
    `(?<![${joined}])\\u200c`,
    "(?![\\u200c\\u200d\\ufe0e\\ufe0f])\\p{Default_Ignorable_Code_Point}",
  ].join("|"),
  "gu",
);

/** As `showControls`, and what takes no room is seen as well: `sc⟨U+200B⟩out`. */
export const showHidden = (text: string): string => showControls(text).replace(hidden, mark);

/** For what stands in one line: a break or a tab in it would pass for the line or the column behind it. */
export const showLine = (text: string): string => showHidden(text).replace(/[\n\t]/g, mark);

const alphabets = ["Latin", "Greek", "Cyrillic", "Armenian", "Cherokee"] as const;
const alphabetForms = alphabets.map((name) => [name, new RegExp(`\\p{Script=${name}}`, "u")] as const);

/** Alphabets whose letters look alike and stand in one word of the text, which hardly anybody writes by chance; else none. */
export function alphabetsMixed(text: string): readonly string[] {
  const words = text.split(/[^\p{Letter}\p{Mark}]+/u);
  const mixed = words.map((word) => alphabetForms.filter(([, form]) => form.test(word)).map(([name]) => name));
  return mixed.find((names) => names.length > 1) ?? [];
}

function mark(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
}

/** At most `charactersMax` code points, the last of them `…` when something was cut. Never cuts a surrogate pair. */
export function truncate(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  if (charactersMax < 1) return "";
  let count = 0;
  let keptEnd = 0;
  for (let end = 0; end < text.length; ) {
    count += 1;
    if (count > charactersMax) return `${text.slice(0, keptEnd)}\u2026`;
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
    if (count === charactersMax - 1) keptEnd = end;
  }
  return text;
}

/** Lines of at most `width` characters, broken between words; a word that is longer has a line of its own. */
export function wrapWords(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** Git looks at as much; a longer look changes few answers. */
const sniffedBytesMax = 8_000;

/** Above this part of controls a file is nothing to read, even without a NUL. */
const controlShareMax = 0.1;

/** Whether bytes look like no text: a NUL, or many controls, in their beginning. UTF-16 with a byte order mark is binary too. */
export function isLikelyBinary(bytes: Uint8Array): boolean {
  const end = Math.min(bytes.length, sniffedBytesMax);
  let controlCount = 0;
  for (let index = 0; index < end; index += 1) {
    const byte = bytes[index] ?? 0;
    if (byte === 0) return true;
    // Tab to carriage return and ESC occur in text files.
    if (byte < 0x20 && !(byte >= 0x09 && byte <= 0x0d) && byte !== 0x1b) controlCount += 1;
  }
  return controlCount > end * controlShareMax;
}

export interface DecodedText {
  /** Without a byte order mark; bytes that are no UTF-8 show as U+FFFD. */
  readonly text: string;
  /** False when bytes were replaced, so that the text must not be written back. */
  readonly isValid: boolean;
}

export function decodeUtf8(bytes: Uint8Array): DecodedText {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), isValid: true };
  } catch {
    return { text: new TextDecoder("utf-8").decode(bytes), isValid: false };
  }
}
