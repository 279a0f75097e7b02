/** The ways in which a value turns up in text: as it is, in JSON, in an address, in Base64, and line by line. */
import { secretLengthMin } from "./port.ts";

/** Lines of a key are secrets of their own; shorter lines, such as its end, are words that others write, too. */
const lineLengthMin = 16;

export function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const lines = value.split(/\r?\n/u).filter((line) => line.length >= lineLengthMin);
  const forms = [
    value,
    ...jsonForms(value),
    ...addressForms(value),
    ...markupForms(value),
    bytes.toString("base64"),
    // Without the padding it is found inside a longer run, too.
    bytes.toString("base64").replace(/=+$/u, ""),
    bytes.toString("base64url"),
    ...insideBase64(bytes, "base64"),
    ...insideBase64(bytes, "base64url"),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    ...(lines.length > 1 ? lines : []),
    // As it is left of lines that were joined.
    value.replace(/\s+/gu, ""),
  ];
  return [...new Set(forms)].filter((form) => form.length >= secretLengthMin);
}

/**
 * What a longer text leaves of the value in Base64, as `user:SECRET` is sent to servers: three bytes share four characters, so
 * there are three ways to begin, and the characters at either end also hold bits of what stands beside.
 */
const insideBase64 = (bytes: Uint8Array, alphabet: "base64" | "base64url"): readonly string[] =>
  [0, 1, 2].map((before) => {
    const text = Buffer.concat([new Uint8Array(before), bytes])
      .toString(alphabet)
      .replace(/=+$/u, "");
    const isWhole = (before + bytes.byteLength) % 3 === 0;
    return text.slice(before === 0 ? 0 : before + 1, isWhole ? undefined : -1);
  });

/**
 * In JSON, as writers of it differ: `/` is escaped by that of PHP, `&<>` by that of Go, more by that of .NET, what is not ASCII
 * by many, in small hex or capital. And in JSON inside of JSON, as tools answer it.
 */
function jsonForms(value: string): readonly string[] {
  const least = JSON.stringify(value).slice(1, -1);
  const slashed = least.replaceAll("/", "\\/");
  const inCapitals = (text: string): string => text.replace(/(?<=\\u)[0-9a-f]{4}/g, (digits) => digits.toUpperCase());
  return [
    ...[least, slashed].flatMap((text) => [text, inUnits(text, /[\u007f-\uffff]/g), JSON.stringify(text).slice(1, -1)]),
    inCapitals(inUnits(least, /[\u007f-\uffff]/g)),
    inUnits(least, /[&<>]/g),
    inCapitals(inUnits(least, /[&<>'+`\u007f-\uffff]/g)),
  ];
}

const inUnits = (text: string, signs: RegExp): string =>
  text.replace(signs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** With every sign escaped that a strict writer escapes, in small letters, and as forms are sent. */
function addressForms(value: string): readonly string[] {
  const usual = encodeURIComponent(value);
  const strict = usual.replace(/[!'()*]/gu, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const small = (text: string): string => text.replace(/%[0-9A-F]{2}/gu, (sign) => sign.toLowerCase());
  return [usual, strict, small(usual), small(strict), usual.replaceAll("%20", "+"), strict.replaceAll("%20", "+")];
}

/** What writers of markup make of signs beside `&<>`: of none in the text of an element, of quotes each in its own way. */
const markupSigns: readonly Readonly<Record<string, string>>[] = [
  {},
  { '"': "&quot;", "'": "&#39;" },
  { '"': "&quot;", "'": "&#039;" },
  { '"': "&quot;", "'": "&#x27;" },
  { '"': "&quot;", "'": "&apos;" },
  { '"': "&#34;", "'": "&#39;" },
  { '"': "&quot;", "'": "&#39;", "/": "&#x2F;", "`": "&#x60;", "=": "&#x3D;" },
];

const markupForms = (value: string): readonly string[] =>
  markupSigns.map((signs) => {
    const all: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", ...signs };
    return value.replace(/[&<>"'/`=]/gu, (sign) => all[sign] ?? sign);
  });
