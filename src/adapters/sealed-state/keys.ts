/**
 * The master key of an encrypted state, in `keys.json`: wrapped once for each way in. Whoever changes a way in wraps it anew, and
 * nothing else of the state is written. The file says under a keyed hash what is encrypted, so that nobody without the key can
 * have a hub undo it.
 */
import { createHmac, scrypt, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { canonicalJson } from "../../base/canonical-json.ts";
import { checkerOf, closed, oneOf, type Static, Type } from "../../contract/schema.ts";
import { StoreFault } from "../../kernel/ports.ts";
import { unlessMissing } from "../files/faults.ts";
import { replaceFile } from "../files/replace-file.ts";
import { codeBytes, recoveryBytes } from "./recovery-code.ts";
import { createSealer, derived, masterBytes, SealFault } from "./sealer.ts";

export const keysName = "keys.json";

const Hex = Type.String({ pattern: "^[0-9a-f]+$", maxLength: 400 });
const wrapped = { salt: Hex, wrapped: Hex };
/** A file that was made to cost more memory than this is refused before it does. */
const costMax = 2 ** 22;
const Way = Type.Union([
  closed({
    kind: Type.Literal("passphrase"),
    cost: Type.Integer({ minimum: 2, maximum: costMax }),
    blockSize: Type.Integer({ minimum: 1, maximum: 32 }),
    parallel: Type.Integer({ minimum: 1, maximum: 16 }),
    ...wrapped,
  }),
  closed({ kind: Type.Literal("keyFile"), ...wrapped }),
  closed({ kind: Type.Literal("recovery"), ...wrapped }),
]);
export type Way = Static<typeof Way>;

/** `sealing` and `opening` are under way, and go on at the next start. */
export const keyStates = ["sealed", "sealing", "opening"] as const;
export type KeyState = (typeof keyStates)[number];
const KeysFile = closed({
  format: Type.Literal(1),
  state: oneOf(keyStates),
  ways: Type.Array(Way, { minItems: 1, maxItems: 8 }),
  mac: Hex,
});
export type KeysFile = Static<typeof KeysFile>;

/** What somebody shows to get in; a recovery code is typed like a passphrase. */
export type Secret =
  | { readonly kind: "passphrase"; readonly text: string }
  | { readonly kind: "keyFile"; readonly bytes: Uint8Array };

type RandomBytes = (count: number) => Uint8Array;

/** scrypt with these takes about 0.3 s and 128 MB for each try at a passphrase. */
export const passphraseCost = { cost: 2 ** 17, blockSize: 8, parallel: 1 } as const;
export type PassphraseCost = { readonly cost: number; readonly blockSize: number; readonly parallel: number };
const saltBytes = 16;
/** A few hundred bytes for each way in. */
const fileBytesMax = 65_536;
/** What scrypt needs by its own account, and as much again for what it does not count. */
const scryptMemoryFactor = 256;

/** Null where the state is not encrypted. Throws a `StoreFault` for a file that says nothing it understands, and leaves it. */
export async function readKeys(stateDir: string): Promise<KeysFile | null> {
  const path = join(stateDir, keysName);
  const bytes = await unlessMissing(readFile(path));
  if (bytes === null) return null;
  const value = bytes.length <= fileBytesMax ? parsed(bytes.toString("utf8")) : null;
  if (checkerOf(KeysFile).check(value)) return value as KeysFile;
  throw new StoreFault("locked", `${path} is damaged: without it nothing opens. Put it back from a backup`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export const writeKeys = (stateDir: string, file: KeysFile): Promise<void> =>
  replaceFile(join(stateDir, keysName), new TextEncoder().encode(`${JSON.stringify(file)}\n`), { mode: 0o600 });

export interface KeysOf {
  readonly master: Uint8Array;
  readonly state: KeyState;
  readonly ways: readonly Way[];
}

export function keysFile({ master, state, ways }: KeysOf): KeysFile {
  const file = { format: 1 as const, state, ways: [...ways] };
  return { ...file, mac: macOf(master, file) };
}

const macOf = (master: Uint8Array, file: Omit<KeysFile, "mac">): string =>
  createHmac("sha256", derived(master, "", "arw keys"))
    .update(canonicalJson(file))
    .digest("hex");

export interface WrapOptions {
  readonly randomBytes: RandomBytes;
  /** Less only where nothing is at stake. */
  readonly cost?: PassphraseCost;
}

/** One way in to the master key. */
export async function wayOf(master: Uint8Array, secret: Secret, options: WrapOptions): Promise<Way> {
  const { randomBytes, cost = passphraseCost } = options;
  const salt = Buffer.from(randomBytes(saltBytes)).toString("hex");
  if (secret.kind === "keyFile") {
    const head = { kind: "keyFile" as const, salt };
    return { ...head, wrapped: wrap(master, head, { key: await keyFor(head, secret), randomBytes }) };
  }
  const head = { kind: "passphrase" as const, ...cost, salt };
  return { ...head, wrapped: wrap(master, head, { key: await keyFor(head, secret), randomBytes }) };
}

/** The way in for a code that the hub makes up and shows once. */
export function recoveryWay(master: Uint8Array, code: string, options: WrapOptions): Way {
  const salt = Buffer.from(options.randomBytes(saltBytes)).toString("hex");
  const bytes = codeBytes(code) ?? new Uint8Array(recoveryBytes);
  const head = { kind: "recovery" as const, salt };
  const { randomBytes } = options;
  return { ...head, wrapped: wrap(master, head, { key: recoveryKey(bytes, salt), randomBytes }) };
}

/** What is said of the way is authenticated with what it wraps. */
const wrap = (
  master: Uint8Array,
  head: object,
  { key, randomBytes }: { readonly key: Uint8Array; readonly randomBytes: RandomBytes },
): string => createSealer({ master: key, randomBytes }).seal(master, canonicalJson(head)).toString("hex");

/** The master key, or null when this secret is none of the ways in. */
export async function unlockKeys(file: KeysFile, secret: Secret): Promise<Uint8Array | null> {
  // What looks like a code costs nothing to try.
  const ways = file.ways.toSorted((a, b) => Number(b.kind === "recovery") - Number(a.kind === "recovery"));
  for (const way of ways) {
    const key = await keyToTry(way, secret);
    const master = key === null ? null : unwrap(way, key);
    if (master === null) continue;
    const { mac, ...said } = file;
    const expected = Buffer.from(macOf(master, said), "hex");
    const given = Buffer.from(mac, "hex");
    if (given.length === expected.length && timingSafeEqual(given, expected)) return master;
    throw new StoreFault("locked", `${keysName} was changed by somebody who has no key. Put it back from a backup`);
  }
  return null;
}

async function keyToTry(way: Way, secret: Secret): Promise<Uint8Array | null> {
  if (way.kind === "recovery") {
    const bytes = secret.kind === "passphrase" ? codeBytes(secret.text) : null;
    return bytes === null ? null : recoveryKey(bytes, way.salt);
  }
  return way.kind === secret.kind ? keyFor(way, secret) : null;
}

function unwrap(way: Way, key: Uint8Array): Uint8Array | null {
  const { wrapped: sealed, ...head } = way;
  try {
    const master = createSealer({ master: key, randomBytes: noChance }).open(
      Buffer.from(sealed, "hex"),
      canonicalJson(head),
    );
    return master.length === masterBytes ? master : null;
  } catch (error) {
    if (error instanceof SealFault) return null;
    throw error;
  }
}

/** Only who seals draws a salt. */
const noChance: RandomBytes = (count) => new Uint8Array(count);

const recoveryKey = (bytes: Uint8Array, salt: string): Uint8Array =>
  derived(bytes, Buffer.from(salt, "hex"), "arw recovery code");

async function keyFor(head: { readonly salt: string } & Partial<PassphraseCost>, secret: Secret): Promise<Uint8Array> {
  const salt = Buffer.from(head.salt, "hex");
  if (secret.kind === "keyFile") return derived(secret.bytes, salt, "arw key file");
  const { cost, blockSize, parallel } = { ...passphraseCost, ...head };
  const memory = scryptMemoryFactor * blockSize * (cost + parallel);
  const limits = { N: cost, r: blockSize, p: parallel, maxmem: memory };
  const derive = promisify<string, Uint8Array, number, object, Buffer>(scrypt);
  // Typed on another machine, the same letters may come as other code points.
  return derive(secret.text.normalize("NFKC"), salt, masterBytes, limits);
}
