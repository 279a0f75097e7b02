/** The ways in which a value turns up in text: as it is, in JSON, in an address, in Base64, and line by line. */
import { secretLengthMin } from "./port.ts";

/** Lines of a key are secrets of their own; shorter lines, such as its end, are words that others write, too. */
const lineLengthMin = 16;

export function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const lines = value.split(/\r?\n/u).filter((line) => line.length >= lineLengthMin);
  const forms = [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    bytes.toString("base64"),
    // Without the padding it is found inside a longer run, too.
    bytes.toString("base64").replace(/=+$/u, ""),
    bytes.toString("base64url"),
    bytes.toString("hex"),
    ...(lines.length > 1 ? lines : []),
  ];
  return [...new Set(forms)].filter((form) => form.length >= secretLengthMin);
}
