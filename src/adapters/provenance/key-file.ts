/** Private keys of issuers: PEM files that nobody but their owner may read. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { lstat, readFile } from "node:fs/promises";
import { FolderFault } from "../../domains/fs/port.ts";
import { faultOf } from "../files/faults.ts";
import { fileCalls, writeNewFile } from "../files/file-calls.ts";

/** Why a key file is not used, in words for whoever named it; nothing of its content is in them. */
export class KeyFault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "KeyFault";
  }
}

/** Bits of the file mode that let others in. */
const othersMask = 0o077;
/** An Ed25519 key in PEM has about 120 bytes. */
const sizeBytesMax = 4_096;

/** What stands in the file in place of the key's own text. */
export interface KeyCoding {
  encode(pem: Uint8Array): Uint8Array;
  /** Null for what is no such text. */
  decode(bytes: Uint8Array): Uint8Array | null;
}

const plainCoding: KeyCoding = { encode: (pem) => pem, decode: (bytes) => bytes };

/** Makes a new key in a new file; a file that is there is never written over. */
export async function makeKeyFile(path: string, coding: KeyCoding = plainCoding): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = Buffer.from(privateKey.export({ format: "pem", type: "pkcs8" }));
  try {
    await writeNewFile(fileCalls, path, one(coding.encode(pem)));
  } catch (cause) {
    throw new KeyFault(`the key file cannot be made: ${reasonOf(cause, path)}`, { cause });
  } finally {
    pem.fill(0);
  }
  return privateKey;
}

export async function readKeyFile(path: string, coding: KeyCoding = plainCoding): Promise<KeyObject> {
  try {
    const info = await lstat(path);
    if (!info.isFile() || info.size > sizeBytesMax) throw new KeyFault(`${path} is no key file`);
    if (process.platform !== "win32" && (info.mode & othersMask) !== 0)
      throw new KeyFault(`others may read ${path}: chmod 600 ${path}`);
    const pem = coding.decode(await readFile(path));
    if (pem === null) throw new KeyFault(`${path} cannot be opened with the key of this state`);
    const key = createPrivateKey(Buffer.from(pem));
    if (key.asymmetricKeyType !== "ed25519") throw new KeyFault(`${path} holds no Ed25519 key`);
    return key;
  } catch (cause) {
    if (cause instanceof KeyFault) throw cause;
    throw new KeyFault(`the key file cannot be read: ${reasonOf(cause, path)}`, { cause });
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** What the system says: messages of parsers may quote what they read. */
function reasonOf(error: unknown, path: string): string {
  const fault = faultOf(error, path);
  return fault instanceof FolderFault ? fault.message : `${path} is not what it should be`;
}
