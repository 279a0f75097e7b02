/** Looks at a state directory from outside, with or without a hub on it, and changes nothing in it. */
import { lstat, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { formatBytes, formatDurationMs } from "../../base/units.ts";
import { StoreFault } from "../../kernel/ports.ts";
import type { Doctor, Finding } from "../../domains/doctor/port.ts";
import type { ConfinementAbilities } from "../../domains/shell/port.ts";
import { readAuditAnchor } from "../audit/anchor.ts";
import { auditPaths } from "../audit/audit-log.ts";
import { plainLines, sealedLines } from "../audit/chain.ts";
import { verifyFiles } from "../audit/read-log.ts";
import { readPolicyFolder } from "../cedar/policy-folder.ts";
import { diskFree } from "../files/disk.ts";
import { readKeys } from "../sealed-state/keys.ts";
import type { Sealer } from "../sealed-state/sealer.ts";
import { sealedFormat } from "../sqlite/columns.ts";
import { fileFormat, isEmptyFile, openReadOnly } from "../sqlite/inspect.ts";

export interface DoctorOptions {
  readonly stateDir: string;
  readonly nowMs: () => number;
  /** Newest store format that this program knows. */
  readonly storeFormat: number;
  /** Checks the newest rows of the journal; the reason they do not hold, or null. */
  readonly verifyTail: (path: string) => string | null;
  /** What opens an encrypted state; without it its contents are not looked into. */
  readonly sealer?: Sealer | null;
  /** Why what was given does not open it; null where nothing was given, or it does. */
  readonly unopened?: string | null;
  readonly versions: { readonly arw: string; readonly node: string; readonly nodeMin: string };
  /** Who holds the directory; null when nobody does. Not asked from inside a hub, which holds it itself. */
  readonly holder: () => Promise<string | null>;
  /** What this machine can hold programs to that the hub starts. */
  readonly confinement?: () => Promise<ConfinementAbilities>;
  /** The checks of the running hub that are not well, which knows what no file shows; empty when none runs or answers. */
  readonly ailing?: () => Promise<readonly { readonly name: string; readonly detail: string }[]>;
}

/** Below this the next days may fill the disk; below a tenth of it a commit may fail. */
const diskBytesMin = 1_000_000_000;
const diskBytesFault = 100_000_000;
/** Clocks that are kept by the network differ by seconds; more is a clock that was set. */
const clockAheadMsMax = 60_000;
const secretNames = [
  "credentials",
  "tokens.json",
  "access-tokens.json",
  "secrets",
  "sessions.json",
  "keys.json",
  "journal.db",
  "audit.log",
  "lock.db",
  "node-id",
];
const othersBits = 0o077;

export function createDoctor(options: DoctorOptions): Doctor {
  return {
    async examine() {
      const { stateDir } = options;
      if (!(await isFolder(stateDir)))
        return [
          warning(
            "state",
            `${stateDir} does not exist`,
            "Start a hub to make it, or name another one with --state-dir.",
          ),
          ...versions(options),
        ];
      const found = [
        ...store(options),
        await audit(options),
        ...(await keys(options)),
        await damaged(stateDir),
        await records(stateDir),
        await policies(stateDir),
        await permissions(stateDir),
        await lock(options),
        await disk(stateDir),
        ...(await children(options)),
        ...versions(options),
      ];
      return withAiling(found, (await options.ailing?.()) ?? []);
    },
  };
}

/** A file may be whole while the hub cannot write to it: what the hub says of itself goes before what its files show. */
function withAiling(found: readonly Finding[], ailing: Awaited<ReturnType<NonNullable<DoctorOptions["ailing"]>>>) {
  const bad = new Set(found.filter(({ level }) => level !== "ok").map(({ name }) => name));
  const told = ailing
    .filter(({ name }) => !bad.has(name))
    .map(({ name, detail }) => fault(name, `the running hub: ${detail}`, ailingHint));
  return [...found.filter((each) => told.every(({ name }) => name !== each.name)), ...told];
}

const ailingHint = "Free the disk or mend what is named, and look at `arw health` again; then look into hub.log.";

const fine = (name: string, detail: string): Finding => ({ name, level: "ok", detail, repair: null });
const warning = (name: string, detail: string, repair: string): Finding => ({ name, level: "warning", detail, repair });
const fault = (name: string, detail: string, repair: string): Finding => ({ name, level: "fault", detail, repair });

const isFolder = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isDirectory() === true;

const restoreHint = "Stop the hub, move the state directory away, and restore the last backup: `arw restore FILE`.";

/** The store, the end of its chain, and the clock, which is held against its newest event. */
function store({ stateDir, storeFormat, verifyTail, nowMs, sealer = null }: DoctorOptions): Finding[] {
  const path = join(stateDir, "journal.db");
  let database: DatabaseSync | null = null;
  try {
    const format = fileFormat(path);
    if (format > storeFormat) {
      const detail = `journal.db has store format ${format}; this ARW knows ${storeFormat}`;
      return [fault("store", detail, "Use the newer ARW that wrote it. Nothing was touched.")];
    }
    if (isEmptyFile(path)) return [fault("store", "journal.db is empty: its events are gone", restoreHint)];
    database = openReadOnly(path);
    const { quick_check: verdict } = database.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
    if (verdict !== "ok") return [fault("store", `journal.db is damaged: ${verdict}`, restoreHint)];
    const newest = database.prepare("SELECT seq, timeMs FROM event ORDER BY seq DESC LIMIT 1").get() as
      | { seq: number; timeMs: number }
      | undefined;
    // What was written lately may still be beside the file, its format among it.
    const { user_version: known } = database.prepare("PRAGMA user_version").get() as { user_version: number };
    const isClosed = known === sealedFormat && sealer === null;
    const reason = isClosed ? null : verifyTail(path);
    return [
      fine("store", `whole, ${newest?.seq ?? 0} events, store format ${known}`),
      isClosed
        ? unseen("chain", "arw journal verify")
        : reason === null
          ? fine("chain", "the newest events hold together")
          : fault("chain", reason, `Look with \`arw journal verify\`. ${restoreHint}`),
      clock(newest?.timeMs ?? 0, nowMs()),
    ];
  } catch (error) {
    const detail = `journal.db cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    return [fault("store", detail, `Check its permissions and the disk. If it is damaged: ${restoreHint}`)];
  } finally {
    database?.close();
  }
}

function clock(newestMs: number, nowMs: number): Finding {
  const aheadMs = newestMs - nowMs;
  if (aheadMs <= clockAheadMsMax) return fine("clock", "not behind the newest event");
  return warning(
    "clock",
    `the newest event is ${formatDurationMs(aheadMs)} in the future: the clock was set back, or ran ahead before`,
    "Set the machine's clock, best by network time. Events keep their order whatever the clock says.",
  );
}

const keyHint = "ARW_STATE_PASSPHRASE_FILE or ARW_STATE_KEY_FILE";

/** What nobody has looked into is not well yet: the running hub looks, and so does who points to the key. */
const unseen = (name: string, command: string): Finding =>
  warning(
    name,
    "encrypted, and not looked into",
    `Ask the running hub with \`${command}\`, or set ${keyHint} for the doctor.`,
  );

async function audit({ stateDir, sealer = null }: DoctorOptions): Promise<Finding> {
  const isEncrypted = (await lstat(join(stateDir, "keys.json")).catch(() => null)) !== null;
  if (isEncrypted && sealer === null) return unseen("audit", "arw audit verify");
  const known = await readAuditAnchor(stateDir, sealer);
  const lines = sealer === null ? plainLines : sealedLines(sealer);
  const verdict = await verifyFiles(auditPaths(stateDir).toReversed(), known, lines);
  if (verdict.fault === null) return fine("audit", `${verdict.rows} rows hold together`);
  const { file, line, reason } = verdict.fault;
  return fault(
    "audit",
    `${file} line ${line}: ${reason}`,
    "Somebody or something changed the log. Compare it with a backup, keep the file, and find out who had access.",
  );
}

/** Nothing is said of a state in plain. */
async function keys({ stateDir, sealer = null, unopened = null }: DoctorOptions): Promise<readonly Finding[]> {
  try {
    const file = await readKeys(stateDir);
    if (file === null) return [];
    if (unopened !== null) return [warning("keys", unopened, `Name by ${keyHint} what \`arw encrypt status\` lists.`)];
    const under = file.state === "sealed" ? "" : "; a change of that goes on at the next start";
    const tried = sealer === null ? ", not tried here" : ", and the key opens it";
    return [fine("keys", `the state is encrypted (${file.ways.length} ways in)${tried}${under}`)];
  } catch (error) {
    if (!(error instanceof StoreFault)) throw error;
    return [fault("keys", error.message, "Nothing opens without it: take keys.json out of a backup of this state.")];
  }
}

async function damaged(stateDir: string): Promise<Finding> {
  const blobs = await readdir(join(stateDir, "blobs"), { recursive: true }).catch(() => []);
  const all = [...(await readdir(stateDir)), ...blobs.map((name) => join("blobs", name))];
  const names = all.filter((name) => /\.corrupt-\d+$/.test(name)).toSorted();
  if (names.length === 0) return fine("files", "no damaged file was put aside");
  return warning(
    "files",
    `damaged files were put aside and replaced: ${names.slice(0, 10).join(", ")}`,
    "Check the disk. Look into the files if something is missing, then remove them.",
  );
}

/** Contents looked at at most; the folders of a hub at its default ceiling have far fewer. */
const contentsMax = 200_000;

/** What is kept of runs, and as capsules: their ages and ceilings are in the configuration, and a sweep keeps to them. */
async function records(stateDir: string): Promise<Finding> {
  const told: string[] = [];
  for (const [folder, what] of [
    ["blobs", "of runs"],
    ["capsules", "in capsules"],
  ] as const) {
    const { count, sizeBytes } = await sizeOf(join(stateDir, folder));
    told.push(`${formatBytes(sizeBytes)} ${what} (${count}${count === contentsMax ? " or more" : ""} files)`);
  }
  return fine("records", `${told.join(", ")}; record.* and capsules.* in the configuration say how much and how long`);
}

async function sizeOf(folder: string): Promise<{ readonly count: number; readonly sizeBytes: number }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).slice(0, contentsMax);
  let sizeBytes = 0;
  for (const { parentPath, name } of files)
    sizeBytes += (await lstat(join(parentPath, name)).catch(() => null))?.size ?? 0;
  return { count: files.length, sizeBytes };
}

/** Whether they can be read; whether they hold is asked of the hub, which has the table that they speak of. */
async function policies(stateDir: string): Promise<Finding> {
  try {
    const { length } = await readPolicyFolder(join(stateDir, "policies"));
    return fine(
      "policies",
      length === 0 ? "the default ones alone" : `the default ones, and ${length} files beside them`,
    );
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return fault("policies", detail, "Mend or remove it: a hub does not start with policies that it cannot read.");
  }
}

async function permissions(stateDir: string): Promise<Finding> {
  // Windows has no such bits; there the user's profile folder guards what is in it.
  if (process.platform === "win32") return fine("permissions", "left to the folder of the user");
  const open: string[] = [];
  for (const path of [stateDir, ...secretNames.map((name) => join(stateDir, name))]) {
    const info = await lstat(path).catch(() => null);
    if (info !== null && (info.mode & othersBits) !== 0) open.push(path);
  }
  const [first] = open;
  if (first === undefined) return fine("permissions", "for their owner alone");
  // What lies in a closed folder is out of reach whatever its own bits are.
  if (first !== stateDir) return fine("permissions", "the folder is for its owner alone");
  return fault(
    "permissions",
    `others may look into ${open.map((path) => (path === stateDir ? path : basename(path))).join(", ")}`,
    `chmod -R go= ${JSON.stringify(stateDir)}. If others use this machine, make a new token: remove credentials and tokens.json, and start the hub.`,
  );
}

async function lock({ stateDir, holder }: DoctorOptions): Promise<Finding> {
  const left = (await readdir(stateDir)).filter((name) => name.endsWith(".lock"));
  const held = await holder();
  if (left.length > 0)
    return warning(
      "locks",
      `${left.join(", ")} may be left from a write that was cut off`,
      "The next write takes it over.",
    );
  return fine("locks", held ?? "no hub runs on this directory");
}

async function disk(stateDir: string): Promise<Finding> {
  const { freeBytes } = await diskFree(stateDir);
  const detail = `${formatBytes(freeBytes)} free`;
  if (freeBytes >= diskBytesMin) return fine("disk", detail);
  const repair = "Free some space, or move the state directory to another disk while the hub is stopped.";
  return freeBytes < diskBytesFault ? fault("disk", detail, repair) : warning("disk", detail, repair);
}

/** Nothing is wrong with a machine that confines nothing, as long as somebody knows it before a program starts. */
async function children({ confinement }: DoctorOptions): Promise<readonly Finding[]> {
  if (confinement === undefined) return [];
  const { by, lack } = await confinement();
  return [fine("children", lack === null ? `confined by ${by}` : `would run without confinement: ${lack}`)];
}

function versions({ versions: { arw, node, nodeMin }, storeFormat }: DoctorOptions): Finding[] {
  const detail = `arw ${arw}, node ${node}, sqlite ${process.versions["sqlite"] ?? "unknown"}, store format ${storeFormat}`;
  const isOld = node.localeCompare(nodeMin, "en", { numeric: true }) < 0;
  return [
    isOld
      ? fault("versions", detail, `Use Node ${nodeMin} or newer; \`./arw\` fetches a fitting one.`)
      : fine("versions", detail),
  ];
}
