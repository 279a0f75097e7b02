/**
 * The admin token on disk. `credentials` in the state directory holds it for the command line, `tokens.json` its hash for
 * the hub; both are readable by their owner alone. A token that is given from outside is written nowhere.
 */
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { type StoredToken, tokenHash } from "../../domains/access/port.ts";
import { unlessMissing } from "../files/faults.ts";
import type { FileCalls } from "../files/file-calls.ts";
import { makeFolder } from "../files/make-folder.ts";
import { replaceFile } from "../files/replace-file.ts";
import { createStateFiles, jsonCodec, type StateFile, type StateFiles } from "../files/state-file.ts";

export const tokenVariable = "ARW_ADMIN_TOKEN";
const tokenBytes = 32;
const saltBytes = 32;
const privateMode = 0o600;
const privateFolderMode = 0o700;

export interface CredentialsOptions {
  readonly stateDir: string;
  /** From a flag or the environment. Replaces the stored token for as long as this process runs. */
  readonly givenToken?: string | undefined;
  readonly randomBytes: (count: number) => Uint8Array;
  /** The hub's set of state files, so that damage is reported with the others. */
  readonly files?: StateFiles;
  /** The disk's own unless a test stands in. */
  readonly calls?: FileCalls;
}

export interface OpenedCredentials {
  readonly token: StoredToken;
  readonly source: "given" | "file";
  /** True when the token was made just now, at the first start. */
  readonly isNew: boolean;
}

export type FoundToken = { readonly token: string; readonly source: "flag" | "environment" | "file" };

export const credentialsPath = (stateDir: string): string => join(stateDir, "credentials");
/** No backup: it would bring back a token that was replaced. The credentials beside it make a damaged file anew. */
const tokensFile = (stateDir: string, files: StateFiles): StateFile<{ readonly admin: StoredToken }> =>
  files.open({ path: join(stateDir, "tokens.json"), codec: jsonCodec(parseTokens), keepsBackup: false });

/** What the hub needs at start: the hash to compare with. Makes and stores a token when there is none. */
export async function openCredentials(options: CredentialsOptions): Promise<OpenedCredentials> {
  const { stateDir, givenToken } = options;
  if (givenToken !== undefined && givenToken !== "")
    return { token: hashed(givenToken, options), source: "given", isNew: false };
  await makeFolder(stateDir, { mode: privateFolderMode });
  const written = await readTokenFile(stateDir);
  const tokens = tokensFile(stateDir, options.files ?? createStateFiles({ nowMs: Date.now }));
  const stored = (await tokens.read())?.admin ?? null;
  if (written === null && stored !== null) return { token: stored, source: "file", isNew: false };
  if (written !== null && stored !== null && tokenHash(stored.salt, written) === stored.hash)
    return { token: stored, source: "file", isNew: false };
  // A person may have put a token of their own into the file: the file is what they see, so it decides.
  const token = written ?? `arw_${Buffer.from(options.randomBytes(tokenBytes)).toString("base64url")}`;
  if (written === null)
    await writePrivate(
      credentialsPath(stateDir),
      `# Whoever can read this can do everything this hub can.\n${tokenVariable}=${token}\n`,
      options.calls,
    );
  const fresh = hashed(token, options);
  await tokens.write({ admin: fresh });
  return { token: fresh, source: "file", isNew: written === null };
}

/** What the command line needs: the token itself, from the flag, else the environment, else the state directory. */
export async function findToken(options: {
  readonly flag?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stateDir: string;
}): Promise<FoundToken | null> {
  if (options.flag !== undefined && options.flag !== "") return { token: options.flag, source: "flag" };
  const fromEnvironment = options.environment[tokenVariable];
  if (fromEnvironment !== undefined && fromEnvironment !== "") return { token: fromEnvironment, source: "environment" };
  const token = await readTokenFile(options.stateDir);
  return token === null ? null : { token, source: "file" };
}

async function writePrivate(path: string, text: string, calls: FileCalls | undefined): Promise<void> {
  await replaceFile(path, Buffer.from(text), { mode: privateMode, ...(calls === undefined ? {} : { calls }) });
}

/** The text of a private file, or null when there is none. Bits that others got by accident are taken away first. */
async function readPrivate(path: string): Promise<string | null> {
  const text = await unlessMissing(readFile(path, "utf8"));
  if (text !== null) await unlessMissing(chmod(path, privateMode));
  return text;
}

async function readTokenFile(stateDir: string): Promise<string | null> {
  const text = await readPrivate(credentialsPath(stateDir));
  const token = text === null ? undefined : parseEnv(text)[tokenVariable];
  return token === undefined || token === "" ? null : token;
}

function parseTokens(value: unknown): { readonly admin: StoredToken } | null {
  const { admin } = (typeof value === "object" && value !== null ? value : {}) as { admin?: Partial<StoredToken> };
  const isWhole = [admin?.salt, admin?.hash].every((part) => typeof part === "string" && /^[0-9a-f]{64}$/.test(part));
  return isWhole ? { admin: admin as StoredToken } : null;
}

function hashed(token: string, { randomBytes }: CredentialsOptions): StoredToken {
  const salt = Buffer.from(randomBytes(saltBytes)).toString("hex");
  return { salt, hash: tokenHash(salt, token) };
}
