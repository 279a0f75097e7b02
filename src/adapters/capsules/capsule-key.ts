/** The key that this hub signs its run capsules with: a file of the state directory for the hub's eyes alone, made on first use. */
import { type KeyObject, sign } from "node:crypto";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { publicBytesOf } from "../../base/ed25519.ts";
import type { CapsuleKeys, SigningKey } from "../../domains/capsules/port.ts";
import { errnoOf } from "../files/faults.ts";
import { makeKeyFile, readKeyFile } from "../provenance/key-file.ts";

export const capsuleKeyName = "capsule-key.pem";

export function createCapsuleKeys({ stateDir }: { readonly stateDir: string }): CapsuleKeys {
  const path = join(stateDir, capsuleKeyName);
  let held: SigningKey | null = null;
  let making: Promise<SigningKey> | null = null;
  const known = async (): Promise<SigningKey | null> =>
    (held ??= (await exists(path)) ? signingKey(await readKeyFile(path)) : null);
  const made = async (): Promise<SigningKey> => (held ??= (await known()) ?? signingKey(await makeKeyFile(path)));
  return {
    known,
    // Two exports at the same time sign with one key.
    own: () =>
      (making ??= made().finally(() => {
        making = null;
      })),
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

const signingKey = (key: KeyObject): SigningKey => ({
  publicKey: publicBytesOf(key),
  sign: (message) => sign(null, message, key),
});
