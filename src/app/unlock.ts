/** The way into an encrypted state directory: what a person types or the environment points to, and the key behind it. */
import { randomBytes } from "node:crypto";
import { lstat, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { realPlace } from "../adapters/files/real-folder.ts";
import { syncFolderAt } from "../adapters/files/replace-file.ts";
import { type ConversionStep, convertState } from "../adapters/sealed-state/convert.ts";
import {
  keysFile,
  keysName,
  type KeysFile,
  readKeys,
  type Secret,
  unlockKeys,
  writeKeys,
} from "../adapters/sealed-state/keys.ts";
import { createSealer, type Sealer } from "../adapters/sealed-state/sealer.ts";
import { StoreFault } from "../kernel/ports.ts";
import type { Environment } from "./config/places.ts";
import { keyFileVariable, keyPaths, passphraseVariable } from "./key-places.ts";

export interface Unlocking {
  readonly env: Environment;
  /** Asks a person, unseen; null where nobody is there. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** What a command was handed; goes before all else, and is tried once. */
  readonly given?: Secret | null;
  /** Told how far a conversion is that goes on. */
  readonly onStep?: (step: ConversionStep) => void;
}

export interface Unlocked {
  readonly stateDir: string;
  readonly master: Uint8Array;
  readonly sealer: Sealer;
  readonly file: KeysFile;
}

/** A person mistypes; a program does not. */
const triesMax = 3;
export const keyFileBytesMin = 32;
const secretBytesMax = 4096;

/** Null where the state is not encrypted. Throws a `StoreFault` (`locked`) where nothing opens it, and changes nothing. */
export async function unlockState(stateDir: string, unlocking: Unlocking): Promise<Unlocked | null> {
  const file = await readKeys(stateDir);
  if (file === null) return null;
  const given = unlocking.given ?? (await givenSecret(unlocking.env, stateDir));
  const master = given === null ? await askedMaster(file, unlocking) : await unlockKeys(file, given);
  if (master === null) throw locked(given?.kind === "keyFile" ? "the key file" : "the passphrase");
  return { stateDir, master, sealer: createSealer({ master, randomBytes }), file };
}

/** The same for whoever opens the state to work on it: a conversion that was cut off is brought to its end. */
export async function openSealed(stateDir: string, unlocking: Unlocking): Promise<Sealer | null> {
  const unlocked = await unlockState(stateDir, unlocking);
  if (unlocked === null) return null;
  const { state } = unlocked.file;
  if (state !== "sealed") await finishConversion(unlocked, unlocking.onStep);
  return state === "opening" ? null : unlocked.sealer;
}

/** From what the keys say is under way to its end. The caller holds the state directory. */
export async function finishConversion(
  { stateDir, master, sealer, file }: Unlocked,
  onStep: (step: ConversionStep) => void = () => {},
): Promise<void> {
  const isOpening = file.state === "opening";
  await convertState({ stateDir, sealer, to: isOpening ? "plain" : "sealed", onStep });
  if (!isOpening) return writeKeys(stateDir, keysFile({ master, state: "sealed", ways: file.ways }));
  await unlink(join(stateDir, keysName));
  await syncFolderAt(stateDir);
}

export const isKeyGiven = (env: Environment): boolean => keyPaths(env).length > 0;

const locked = (what: string): StoreFault =>
  new StoreFault("locked", `${what} does not open the state: it is encrypted with another one`);

/** What the environment points to; a key file goes before a passphrase. */
async function givenSecret(env: Environment, stateDir: string): Promise<Secret | null> {
  const [keyPath, passphrasePath] = [env[keyFileVariable] ?? "", env[passphraseVariable] ?? ""];
  if (keyPath !== "") return { kind: "keyFile", bytes: await readKeyBytes(keyPath, stateDir) };
  if (passphrasePath === "") return null;
  await refuseInside(passphrasePath, stateDir);
  const text = (await privateBytes(passphrasePath, passphraseVariable)).toString("utf8");
  return { kind: "passphrase", text: withoutBreak(text) };
}

/** One line break is the editor's. */
export const withoutBreak = (text: string): string => text.replace(/\r?\n$/u, "");

export async function readKeyBytes(path: string, stateDir: string): Promise<Uint8Array> {
  await refuseInside(path, stateDir);
  const bytes = await privateBytes(path, "the key file");
  if (bytes.length >= keyFileBytesMin) return bytes;
  throw new StoreFault("locked", `${path} has ${bytes.length} bytes; a key file has ${keyFileBytesMin} or more`);
}

/** A key beside what it opens is no key, by whichever link it came there. */
export async function refuseInside(path: string, stateDir: string): Promise<void> {
  if (!(await realPlace(path)).startsWith(join(await realPlace(stateDir), "/"))) return;
  throw new StoreFault("locked", `${path} lies in the state directory; whoever takes that would have the key, too`);
}

const othersMask = 0o077;

async function privateBytes(path: string, what: string): Promise<Buffer> {
  try {
    const info = await lstat(path);
    if (!info.isFile() || info.size > secretBytesMax) throw new StoreFault("locked", `${path} is no such file`);
    if (process.platform !== "win32" && (info.mode & othersMask) !== 0)
      throw new StoreFault("locked", `others may read ${path}: chmod 600 ${path}`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof StoreFault) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new StoreFault("locked", `${what} cannot be read: ${path} (${code})`, { cause: error });
  }
}

async function askedMaster(file: KeysFile, { ask }: Unlocking): Promise<Uint8Array | null> {
  if (ask === null) {
    const ways = `set ${passphraseVariable} or ${keyFileVariable} to the path of a file, or start in a terminal`;
    throw new StoreFault("locked", `the state is encrypted, and nobody is here to type the passphrase: ${ways}`);
  }
  for (let tries = 1; tries <= triesMax; tries += 1) {
    const again = tries === 1 ? "" : "That does not open it. ";
    const text = withoutBreak(await ask(`${again}Passphrase or recovery code: `));
    // Ctrl-C, or nothing typed: the person does not want to go on.
    if (text === "") throw new StoreFault("locked", "no passphrase was typed, and the state is encrypted");
    const master = await unlockKeys(file, { kind: "passphrase", text });
    if (master !== null) return master;
  }
  return null;
}
