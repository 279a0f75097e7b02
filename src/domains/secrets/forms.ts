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
    markupForm(value),
    bytes.toString("base64"),
    // Without the padding it is found inside a longer run, too.
    bytes.toString("base64").replace(/=+$/u, ""),
    bytes.toString("base64url"),
    ...insideBase64(bytes, "base64"),
    ...insideBase64(bytes, "base64url"),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    ...(lines.length > 1 ? lines : []),
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

/** In JSON, also in JSON that keeps to ASCII, and in JSON inside of JSON, as tools answer it. */
function jsonForms(value: string): readonly string[] {
  const once = JSON.stringify(value).slice(1, -1);
  const ascii = once.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return [once, ascii, JSON.stringify(once).slice(1, -1)];
}

/** With every sign escaped that a strict writer escapes, in small letters, and as forms are sent. */
function addressForms(value: string): readonly string[] {
  const usual = encodeURIComponent(value);
  const strict = usual.replace(/[!'()*]/gu, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const small = (text: string): string => text.replace(/%[0-9A-F]{2}/gu, (sign) => sign.toLowerCase());
  return [usual, strict, small(usual), small(strict), usual.replaceAll("%20", "+"), strict.replaceAll("%20", "+")];
}

const markupForm = (value: string): string =>
  value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
