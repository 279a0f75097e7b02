/** The key that this hub signs its run capsules with: a file of the state directory for the hub's eyes alone, made on first use. */
import { type KeyObject, sign } from "node:crypto";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { publicBytesOf } from "../../base/ed25519.ts";
import type { CapsuleKeys, SigningKey } from "../../domains/capsules/port.ts";
import { unlessMissing } from "../files/faults.ts";
import { type KeyCoding, makeKeyFile, readKeyFile } from "../provenance/key-file.ts";
import type { Sealer } from "../sealed-state/sealer.ts";
import { openBytes, places } from "../sealed-state/sealed-text.ts";

export const capsuleKeyName = "capsule-key.pem";

export function createCapsuleKeys(options: {
  readonly stateDir: string;
  readonly sealer?: Sealer | null;
}): CapsuleKeys {
  const path = join(options.stateDir, capsuleKeyName);
  const coding = options.sealer ? sealedCoding(options.sealer) : undefined;
  let held: SigningKey | null = null;
  let making: Promise<SigningKey> | null = null;
  const known = async (): Promise<SigningKey | null> =>
    (held ??= (await exists(path)) ? signingKey(await readKeyFile(path, coding)) : null);
  const made = async (): Promise<SigningKey> =>
    (held ??= (await known()) ?? signingKey(await makeKeyFile(path, coding)));
  return {
    known,
    // Two exports at the same time sign with one key.
    own: () =>
      (making ??= made().finally(() => {
        making = null;
      })),
  };
}

const sealedCoding = (sealer: Sealer): KeyCoding => ({
  encode: (pem) => sealer.seal(pem, places.capsuleKey),
  decode: (bytes) => openBytes(sealer, bytes, places.capsuleKey),
});

const exists = async (path: string): Promise<boolean> => (await unlessMissing(lstat(path))) !== null;

const signingKey = (key: KeyObject): SigningKey => ({
  publicKey: publicBytesOf(key),
  sign: (message) => sign(null, message, key),
});
