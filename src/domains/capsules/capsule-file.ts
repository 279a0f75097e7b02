/**
 * The file of a capsule: a line that says what it is, a line with a DSSE envelope around the manifest, then the bytes of every
 * part in the order of the manifest, and nothing behind them. No names, no links, no compression: a part is what its digest
 * says, and the size of the whole follows from what was signed.
 */
import { canonicalJson, sha256Hex } from "../../base/canonical-json.ts";
import { bytesOf, preAuthenticated, textOf } from "../../base/dsse.ts";
import { isSignedBy, keyIdOf, publicKeyFault, signatureBytes } from "../../base/ed25519.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { checkerOf, closed, type Static, Type } from "../../contract/schema.ts";
import { capsuleBytesMax, formatNewest, Manifest } from "./contract.ts";
import type { SigningKey } from "./port.ts";
import { unsound } from "./refusal.ts";

export const payloadType = "application/vnd.arw.run-capsule+json";
const magicWord = "ARWCAPSULE ";
const magicForm = /^ARWCAPSULE (?<format>[1-9][0-9]{0,5})\n/;
/** The longest first line. */
const magicBytesMax = 20;
/** Ten thousand parts and the lists beside them stay below this; reading it strictly takes a second at most. */
export const manifestBytesMax = 2_097_152;
/** The manifest in base64, key and signature. */
const envelopeCharsMax = 2_900_000;
/** Manifest, its lists, a row, what is in force. */
const depthMax = 6;
const newline = 0x0a;

/** In this one spelling, or it is refused. */
const Sealed = closed({
  payload: Type.String({ maxLength: envelopeCharsMax }),
  payloadType: Type.Literal(payloadType),
  publicKey: Type.String({ maxLength: 100 }),
  signatures: Type.Array(closed({ keyid: Type.String({ maxLength: 100 }), sig: Type.String({ maxLength: 100 }) }), {
    minItems: 1,
    maxItems: 1,
  }),
});
type Sealed = Static<typeof Sealed>;

export interface CapsuleFile {
  readonly manifest: Manifest;
  /** Of the manifest: names the capsule, whoever signed it. */
  readonly digest: string;
  /** Of the whole file. */
  readonly fileDigest: string;
  readonly sizeBytes: number;
  readonly keyId: string;
  /** Bytes of a part, by its place in the manifest. */
  part(place: number): Uint8Array;
}

export const digestOfBytes = (bytes: Uint8Array): string => `sha256:${sha256Hex(bytes)}`;

export const manifestBytes = (manifest: Manifest): Uint8Array => Buffer.from(canonicalJson(manifest));

/** The same manifest, parts and key give the same bytes: Ed25519 signs without chance. */
export function sealCapsule(manifest: Manifest, parts: readonly Uint8Array[], key: SigningKey): Uint8Array {
  const payload = manifestBytes(manifest);
  const sealed: Sealed = {
    payload: Buffer.from(payload).toString("base64"),
    payloadType,
    publicKey: Buffer.from(key.publicKey).toString("base64"),
    signatures: [
      {
        keyid: keyIdOf(key.publicKey),
        sig: Buffer.from(key.sign(preAuthenticated(payloadType, payload))).toString("base64"),
      },
    ],
  };
  const head = Buffer.from(`${magicWord}${manifest.format}\n${canonicalJson(sealed)}\n`);
  return Buffer.concat([head, ...parts]);
}

/** Looks at everything that can be wrong with the file itself, the cheapest first. Throws `CapsuleUnsound`. */
export function openCapsule(bytes: Uint8Array): CapsuleFile {
  if (bytes.length > capsuleBytesMax) throw unsound("too-large", `a capsule has at most ${capsuleBytesMax} bytes`);
  const format = formatOf(bytes);
  const start = bytes.indexOf(newline) + 1;
  const end = bytes.subarray(0, start + envelopeCharsMax).indexOf(newline, start);
  if (end < 0) throw unsound("truncated", "the file ends within its manifest, or the manifest is too large");
  const sealed = readSealed(bytes.subarray(start, end));
  const { payload, keyId } = openSealed(sealed);
  const manifest = readManifest(payload, format);
  const offsets = layOut(manifest, end + 1, bytes.length);
  const part = (place: number): Uint8Array => {
    const from = offsets[place] ?? bytes.length;
    return bytes.subarray(from, from + (manifest.parts[place]?.sizeBytes ?? 0));
  };
  for (const [place, { digest }] of manifest.parts.entries())
    if (digestOfBytes(part(place)) !== digest)
      throw unsound("forged-digest", `part ${place + 1} of the capsule is not what its digest says`);
  const digest = digestOfBytes(payload);
  return { manifest, digest, fileDigest: digestOfBytes(bytes), sizeBytes: bytes.length, keyId, part };
}

function formatOf(bytes: Uint8Array): number {
  const head = Buffer.from(bytes.subarray(0, magicBytesMax)).toString("latin1");
  const format = Number(magicForm.exec(head)?.groups?.["format"] ?? 0);
  if (format === 0) throw unsound("no-capsule", "the file does not begin as a run capsule does");
  if (format > formatNewest)
    throw unsound(
      "newer-format",
      `the capsule has format ${format}, and this hub reads up to ${formatNewest}: update it`,
    );
  return format;
}

function readSealed(line: Uint8Array): Sealed {
  const { text, value } = strictly(line, "the envelope");
  if (!isSealed(value)) throw unsound("malformed", "the second line is no envelope of a run capsule");
  if (canonicalJson(value) !== text) throw unsound("not-canonical", "the envelope is not canonical JSON (RFC 8785)");
  return value;
}
const isSealed = (value: unknown): value is Sealed => checkerOf(Sealed).check(value);

function strictly(bytes: Uint8Array, what: string): { readonly text: string; readonly value: unknown } {
  const text = textOf(bytes);
  if (text === null) throw unsound("malformed", `${what} is not UTF-8`);
  try {
    return { text, value: parseStrictJson(text, { depthMax }) };
  } catch (error) {
    if (error instanceof TypeError) throw unsound("malformed", `${what} is ${error.message}`);
    throw error;
  }
}

/** Every spelling is held to: a byte that is not covered by the signature still has one value only. */
function openSealed({ payload: text, publicKey, signatures }: Sealed): { payload: Uint8Array; keyId: string } {
  const payload = inBase64(text, "the manifest");
  if (payload.length > manifestBytesMax) throw unsound("too-large", `a manifest has at most ${manifestBytesMax} bytes`);
  const key = inBase64(publicKey, "the public key");
  const fault = publicKeyFault(key);
  if (fault !== null) throw unsound("bad-signature", fault);
  const keyId = keyIdOf(key);
  const [given] = signatures;
  const signature = inBase64(given?.sig ?? "", "the signature");
  const isGood =
    given?.keyid === keyId &&
    signature.length === signatureBytes &&
    isSignedBy(key, preAuthenticated(payloadType, payload), signature);
  if (!isGood) throw unsound("bad-signature", "the signature does not fit the manifest and the key");
  return { payload, keyId };
}

function inBase64(text: string, what: string): Uint8Array {
  const bytes = bytesOf(text);
  if (bytes === null || Buffer.from(bytes).toString("base64") !== text)
    throw unsound("malformed", `${what} is not in base64`);
  return bytes;
}

function readManifest(payload: Uint8Array, format: number): Manifest {
  const { text, value } = strictly(payload, "the manifest");
  if (canonicalJson(value) !== text) throw unsound("not-canonical", "the manifest is not canonical JSON (RFC 8785)");
  if (!isManifest(value)) {
    const [fault] = checkerOf(Manifest).faults(value);
    throw unsound("malformed", `the manifest does not fit: ${fault?.at ?? ""} ${fault?.message ?? ""}`);
  }
  if (value.format !== format) throw unsound("inconsistent", "the file and its manifest name different formats");
  return value;
}
const isManifest = (value: unknown): value is Manifest => checkerOf(Manifest).check(value);

/** Where each part begins. Their sizes are what was signed, and they fill the file to its last byte. */
function layOut({ parts }: Manifest, from: number, fileBytes: number): readonly number[] {
  const offsets: number[] = [];
  let at = from;
  for (const { sizeBytes } of parts) {
    offsets.push(at);
    at += sizeBytes;
    if (at > fileBytes) throw unsound("truncated", "the file ends before its parts do");
  }
  if (at < fileBytes) throw unsound("trailing-bytes", `${fileBytes - at} bytes stand behind the last part`);
  checkOrder(parts);
  return offsets;
}

/** One journal, then at most one of each, then blobs by digest: one capsule has one order, and nothing is in it twice. */
function checkOrder(parts: Manifest["parts"]): void {
  const ranks = { journal: 0, conditions: 1, configuration: 2, blob: 3 } as const;
  for (const [place, { kind, digest }] of parts.entries()) {
    const before = parts[place - 1];
    const isFirst = before === undefined;
    const isBehind = !isFirst && (ranks[kind] > ranks[before.kind] || (kind === "blob" && digest > before.digest));
    if (isFirst ? kind !== "journal" : !isBehind)
      throw unsound("inconsistent", `part ${place + 1} of the capsule does not belong there`);
  }
}
