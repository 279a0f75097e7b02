import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, test } from "vitest";
import { openAuditLog } from "../audit/audit-log.ts";
import { keysFile, recoveryWay, writeKeys } from "../sealed-state/keys.ts";
import { sealedFormat } from "../sqlite/columns.ts";
import { openSqliteStore, storeFormat } from "../sqlite/store.ts";
import { createDoctor, type DoctorOptions } from "./examine.ts";

let base = "";
let stateDir = "";
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "arw-doctor-"));
  stateDir = join(base, "state");
  await mkdir(stateDir, { mode: 0o700 });
  openSqliteStore(join(stateDir, "journal.db"))[Symbol.dispose]();
});
afterEach(() => rm(base, { recursive: true, force: true }));

const examine = async (options: Partial<DoctorOptions> = {}) => {
  const doctor = createDoctor({
    stateDir,
    nowMs: () => 1_000_000,
    storeFormat,
    verifyTail: () => null,
    versions: { arw: "1.0.0", node: "24.21.0", nodeMin: "24.16.0" },
    holder: () => Promise.resolve(null),
    ...options,
  });
  const findings = await doctor.examine();
  for (const each of findings) assert.equal(each.level === "ok", each.repair === null, each.name);
  // How full the disk of the test is says nothing about the doctor.
  return Object.fromEntries(findings.filter(({ name }) => name !== "disk").map(({ name, level }) => [name, level]));
};

const well = {
  store: "ok",
  chain: "ok",
  clock: "ok",
  audit: "ok",
  files: "ok",
  records: "ok",
  policies: "ok",
  permissions: "ok",
  locks: "ok",
  versions: "ok",
};

test("a sound state is all well, and looking changes nothing in it", async () => {
  const before = await readFile(join(stateDir, "journal.db"));
  assert.deepEqual(await examine(), well);
  assert.equal((await examine({ storeFormat: 0 }))["store"], "fault");
  assert.deepEqual(await readFile(join(stateDir, "journal.db")), before);
  assert.deepEqual(await readdir(stateDir), ["journal.db"]);
});

test("each thing that is wrong is named, with its repair", async () => {
  const event = `INSERT INTO event VALUES(1,1,'i',2000000,'k',1,'c',NULL,'n','c','{}','d','p','h')`;
  const database = new DatabaseSync(join(stateDir, "journal.db"));
  database.exec(event);
  database.close();
  {
    using log = openAuditLog({ folder: stateDir, sizeBytesMax: 100_000, nowMs: () => 1 });
    log.append({ timeMs: 1, caller: "person:admin", operation: "a.b", outcome: "answered" });
  }
  const path = join(stateDir, "audit.log");
  await writeFile(path, (await readFile(path, "utf8")).replace("a.b", "a.c"));
  await writeFile(join(stateDir, "node-id.corrupt-1"), "");
  await writeFile(join(stateDir, "node-id.lock"), "");
  await chmod(stateDir, 0o755);
  const found = await examine({
    verifyTail: () => "event 1 is not what was written",
    versions: { arw: "1.0.0", node: "24.9.0", nodeMin: "24.16.0" },
  });
  assert.deepEqual(found, {
    store: "ok",
    policies: "ok",
    records: "ok",
    chain: "fault",
    clock: "warning",
    audit: "fault",
    files: "warning",
    permissions: "fault",
    locks: "warning",
    versions: "fault",
  });
});

test("a damaged, a newer and a missing store are faults, and a missing folder is no crash", async () => {
  const path = join(stateDir, "journal.db");
  assert.equal((await examine({ storeFormat: 0 }))["store"], "fault");
  await truncate(path, 5000);
  assert.equal((await examine())["store"], "fault");
  await truncate(path, 0);
  assert.equal((await examine())["store"], "fault");
  await rm(path);
  assert.equal((await examine())["store"], "fault");
  assert.deepEqual(await examine({ stateDir: join(base, "none") }), { state: "warning", versions: "ok" });
});

test("policies that cannot be read are a fault, since no hub starts with them", async () => {
  await mkdir(join(stateDir, "policies", "a.cedar"), { recursive: true });
  assert.equal((await examine())["policies"], "fault");
});

test("what is encrypted and was not looked into does not look well, and neither does a key that opens nothing", async () => {
  const master = new Uint8Array(32).fill(1);
  const way = recoveryWay(master, "0000-0000", { randomBytes: (sizeBytes) => new Uint8Array(sizeBytes) });
  await writeKeys(stateDir, keysFile({ master, state: "sealed", ways: [way] }));
  const database = new DatabaseSync(join(stateDir, "journal.db"));
  database.exec(`PRAGMA user_version = ${sealedFormat}`);
  database.close();
  assert.deepEqual(await examine(), { ...well, chain: "warning", audit: "warning", keys: "ok" });
  const unopened = "the key file does not open the state";
  assert.equal((await examine({ unopened }))["keys"], "warning");
});
