/** What a signature of DSSE (its version 1) covers, and texts that have one spelling each. */

/** DSSE's pre-authentication encoding: the type is signed with the bytes, so that neither can be taken for another. */
export function preAuthenticated(type: string, payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/** Base64 or base64url, padded or not, but each in its one spelling; null for anything else. */
export function bytesOf(text: string): Uint8Array | null {
  const bare = text
    .replaceAll("-", "+")
    .replaceAll("_", "/")
    .replace(/={1,2}$/, "");
  const bytes = Buffer.from(bare, "base64");
  return bytes.toString("base64").replace(/=+$/, "") === bare ? bytes : null;
}

/** The text of these bytes; null where they are no UTF-8. */
export function textOf(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}
