/** What a backup is made of: the names that may be in one, and what is left out. */
import type { BackupManifest } from "../../domains/backup/port.ts";
import { keysName } from "../sealed-state/keys.ts";

/** 2: kept run capsules are in it. */
export const backupFormat = 2;
export const manifestName = "manifest.json";
export const journalName = "journal.db";
export const auditNames = ["audit.log", "audit.1.log", "audit.2.log", "audit.3.log"] as const;
/**
 * Kept as they are. `tokens.json` holds a hash: whoever has the token keeps their way in. The keys are there when the state is
 * encrypted; then contents are named by keyed hashes, and checked by opening them.
 */
export const smallNames = ["node-id", "tokens.json", keysName] as const;
/** Folders of files that are named by what is in them. */
export const contentFolders = ["blobs", "capsules"] as const;
export type ContentFolder = (typeof contentFolders)[number];
const contentPattern = /^(?<folder>blobs|capsules)\/(?<shard>[0-9a-f]{2})\/(?<hex>\k<shard>[0-9a-f]{62})$/;

export const leftOut: readonly string[] = [
  "credentials: the admin token itself; keep it elsewhere, or remove tokens.json after a restore and get a new one",
  "sessions.json: browser sign-ins; sign in again",
  "access-tokens.json: named tokens; make them again, so that none comes back that was taken away",
  "provenance-issuers.json: who may sign capsules; add them again, so that none comes back that was revoked",
  "secrets: the values that were handed over; hand them over again",
  "capsule-key.pem: the key that run capsules are signed with; a new one is made, and named to whoever pinned the old one",
  "hub.log: messages for whoever looks after the hub; the audit log is in the backup",
  "the event tee: it can be written anew from the journal",
];

/** Where a file lies and which digest its name promises; null for another name. */
export function contentOf(name: string): { readonly folder: ContentFolder; readonly hex: string } | null {
  const { folder, hex } = contentPattern.exec(name)?.groups ?? {};
  return folder === undefined || hex === undefined ? null : { folder: folder as ContentFolder, hex };
}

export const contentName = (folder: ContentFolder, ref: string): string => {
  const hex = ref.slice("sha256:".length);
  return `${folder}/${hex.slice(0, 2)}/${hex}`;
};

/** Only these: a name that climbs, links or surprises is none of them. */
export const isKnownName = (name: string): boolean =>
  name === manifestName ||
  name === journalName ||
  [...auditNames, ...smallNames].some((known) => known === name) ||
  contentOf(name) !== null;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Null for a text that is no manifest. A newer one may say more than this program knows; what it needs must be there. */
export function parseManifest(text: string): BackupManifest | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(value) || value["program"] !== "arw" || !Array.isArray(value["files"])) return null;
  const { format, storeFormat, journal, blobs, files } = value;
  const numbers = [format, storeFormat, ...(isObject(journal) ? [journal["seq"]] : [null])];
  if (!numbers.every(Number.isInteger) || !isObject(blobs) || !Number.isInteger(blobs["count"])) return null;
  const { capsules = { count: 0, sizeBytes: 0 } } = value;
  if (!isObject(capsules) || !Number.isInteger(capsules["count"])) return null;
  const areFiles = files.every(
    (each) =>
      isObject(each) &&
      typeof each["name"] === "string" &&
      Number.isInteger(each["sizeBytes"]) &&
      typeof each["digest"] === "string",
  );
  // Every field that is read of it was looked at above.
  return areFiles ? (value as unknown as BackupManifest) : null;
}
