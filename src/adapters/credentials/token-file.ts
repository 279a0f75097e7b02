/** Named tokens in `access-tokens.json` of the state directory: hashes, reach and ends, readable by their owner alone. */
import { join } from "node:path";
import {
  type StoredNamedToken,
  type StoredTokens,
  type TokenRole,
  tokenRoles,
  type TokenStore,
} from "../../domains/access/port.ts";
import { createStateFiles, jsonCodec, type StateFiles } from "../files/state-file.ts";

const saltBytes = 32;

export interface TokenFile extends TokenStore {
  /** Without a file, or with none that can be read, there are no named tokens; the next ones get a key of their own. */
  load(): Promise<StoredTokens>;
}

export function createTokenFile(options: {
  readonly stateDir: string;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly files?: StateFiles;
}): TokenFile {
  const { stateDir, randomBytes, files = createStateFiles({ nowMs: Date.now }) } = options;
  // No backup: it would bring back tokens that were taken away.
  const file = files.open({
    path: join(stateDir, "access-tokens.json"),
    codec: jsonCodec(parseTokens),
    keepsBackup: false,
  });
  return {
    load: async () => (await file.read()) ?? { salt: Buffer.from(randomBytes(saltBytes)).toString("hex"), tokens: [] },
    save: (tokens) => file.write(tokens),
  };
}

const isHash = (value: unknown): boolean => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
const isRole = (value: unknown): value is TokenRole => tokenRoles.some((role) => role === value);

function parseTokens(value: unknown): StoredTokens | null {
  if (typeof value !== "object" || value === null) return null;
  const { salt, tokens } = value as { salt?: unknown; tokens?: unknown };
  // One entry that is not understood condemns the file: rights are not guessed.
  return isHash(salt) && Array.isArray(tokens) && tokens.every(isToken) ? (value as StoredTokens) : null;
}

function isToken(value: unknown): value is StoredNamedToken {
  if (typeof value !== "object" || value === null) return false;
  const { name, role, keys, hash, createdAtMs, expiresAtMs, lifeMs } = value as Record<string, unknown>;
  return (
    typeof name === "string" &&
    isRole(role) &&
    Array.isArray(keys) &&
    keys.every((key) => typeof key === "string") &&
    isHash(hash) &&
    [createdAtMs, expiresAtMs, lifeMs].every(Number.isInteger)
  );
}
