/** Backup: one file from which the hub can be made anew. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, EpochMs, SizeBytes, type Static, Type } from "../../contract/schema.ts";
import { StoreFull } from "../../contract/standard-problems.ts";

const FileEntry = closed({
  name: Type.String({ minLength: 1, maxLength: 200 }),
  sizeBytes: SizeBytes,
  digest: Type.String({ pattern: "^sha256:[0-9a-f]{64}$" }),
});

/** The last entry of a backup: what the others must be. Blobs and kept capsules are named by their digests and only counted here. */
export const BackupManifest = closed({
  program: Type.Literal("arw"),
  format: Type.Integer({ minimum: 1, description: "Layout of the backup." }),
  version: Type.String({ maxLength: 100, description: "Version of ARW that made it." }),
  storeFormat: Type.Integer({ minimum: 1, description: "Layout of the journal's store." }),
  madeAtMs: EpochMs,
  node: Type.String({ maxLength: 100 }),
  journal: closed({
    seq: Type.Integer({ minimum: 0, description: "Newest event in it." }),
    hash: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  }),
  files: Type.Array(FileEntry, { maxItems: 100 }),
  blobs: closed({ count: Type.Integer({ minimum: 0 }), sizeBytes: SizeBytes }),
  capsules: Type.Optional(
    closed({ count: Type.Integer({ minimum: 0 }), sizeBytes: SizeBytes }, { description: "Kept run capsules." }),
  ),
  leftOut: Type.Array(Type.String({ maxLength: 500 }), { maxItems: 100 }),
});
export type BackupManifest = Static<typeof BackupManifest>;

export const BackupMade = closed({
  file: Type.String(),
  sizeBytes: SizeBytes,
  files: Type.Integer({ description: "Files in it, blobs included." }),
  journalSeq: Type.Integer({ description: "Newest event in it." }),
  leftOut: Type.Array(Type.String(), { description: "What is not in it, and why." }),
});
export type BackupMade = Static<typeof BackupMade>;

export const BackupMoved = event({
  kind: "backup.progress",
  isDurable: false,
  about: "How far a backup is; passes by and is not kept.",
  data: closed({
    phase: Type.String({ maxLength: 80 }),
    done: Type.Number({ minimum: 0 }),
    total: Type.Union([Type.Number({ minimum: 0 }), Type.Null()]),
    unit: Type.String({ maxLength: 20 }),
  }),
});

export const BackupRefused = problem({
  code: "backup.refused",
  status: 409,
  title: "No backup there",
  about:
    "The file exists, lies in the state directory, or its folder is missing. A backup never replaces a file; name a new one.",
});
export const BackupFailed = problem({
  code: "backup.failed",
  status: 503,
  title: "Backup not made",
  about: "The disk or the store did not do what was needed. Nothing is left under the file's name.",
});

export const Create = op({
  id: "backup.create",
  http: "POST /backup",
  cli: "backup <file>",
  mode: "job",
  effect: "write",
  attemptsMax: 1,
  deadlineMs: 3_600_000,
  isForPersons: true,
  about: "Copy the hub's state into one new file while the hub runs; only its owner can read it.",
  input: closed({
    file: Type.String({
      minLength: 1,
      maxLength: 4096,
      description: "Absolute path of the new file on the machine the hub runs on, such as `/backups/arw.tar.gz`.",
    }),
  }),
  output: BackupMade,
  problems: [BackupRefused, BackupFailed, StoreFull],
  emits: [BackupMoved],
  needs: ["fs:write"],
  scope: ({ file }) => ({ path: file }),
});
