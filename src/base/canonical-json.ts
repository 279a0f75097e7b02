/** One text per JSON value (RFC 8785), so that equal values have equal digests on every machine. */
import { hash } from "node:crypto";
import canonicalize from "canonicalize";

/**
 * The canonical JSON text of a value. Members that JSON cannot hold are dropped as `JSON.stringify` does.
 * Throws TypeError for what has no canonical form: `undefined`, NaN, infinities, cycles, lone surrogates.
 */
export function canonicalJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = canonicalize(value);
  } catch (cause) {
    throw new TypeError("The value has no canonical JSON form.", { cause });
  }
  if (text === undefined) throw new TypeError("The value has no JSON form.");
  return text;
}

/** SHA-256 as 64 lower-case hexadecimal digits; text is hashed as UTF-8. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}

/** `sha256:` and the hash of the canonical JSON: the name of a value by its content. */
export function digestOf(value: unknown): string {
  return `sha256:${sha256Hex(canonicalJson(value))}`;
}
