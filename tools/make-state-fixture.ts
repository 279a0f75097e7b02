/**
 * Keeps a state of today for the suite of tomorrow: `node tools/make-state-fixture.ts` runs a hub on a temporary directory,
 * lets it work a little, and backs it up to `test/fixtures/state-<store format>.tar.gz`. Made once for each store format
 * that was released, and never made anew: the suite opens every one of them with the program as it then is. Format 2 is that of
 * encrypted states.
 */
import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { keysFile, wayOf, writeKeys } from "../src/adapters/sealed-state/keys.ts";
import { masterBytes } from "../src/adapters/sealed-state/sealer.ts";
import { storeFormat } from "../src/adapters/sqlite/store.ts";
import { loadConfig } from "../src/app/config/load.ts";
import { platformOf } from "../src/app/config/places.ts";
import { openHub } from "../src/app/hub.ts";
import { programRoot } from "../src/app/state-dir.ts";

/** It lies in the repository for ever. */
const fixtureBytesMax = 100_000;
const caller = { kind: "person", id: "admin" } as const;
/** Opens the kept states that are encrypted; nothing is at stake, so trying it costs little. */
export const fixturePassphrase = "nothing is at stake here";
const cost = { cost: 1024, blockSize: 8, parallel: 1 };

async function encrypt(stateDir: string): Promise<void> {
  const master = randomBytes(masterBytes);
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const way = await wayOf(master, { kind: "passphrase", text: fixturePassphrase }, { randomBytes, cost });
  await writeKeys(stateDir, keysFile({ master, state: "sealed", ways: [way] }));
}

async function makeFixture(): Promise<string> {
  const file = join(programRoot(), "test", "fixtures", `state-${storeFormat}.tar.gz`);
  const base = await mkdtemp(join(tmpdir(), "arw-fixture-"));
  try {
    const config = loadConfig({
      flags: { stateDir: join(base, "state") },
      env: {},
      platform: platformOf(process.platform),
      home: homedir(),
      workDir: base,
      programDir: base,
      readFile: () => null,
    });
    await encrypt(config.values.state.dir);
    const unlocking = { env: {}, ask: () => Promise.resolve(fixturePassphrase) };
    await using hub = await openHub({ config, givenToken: undefined, pid: process.pid, unlocking });
    const { dispatch } = hub.kernel;
    const call = (operationId: string, input: unknown) =>
      dispatch({ operationId, input, credentials: { kind: "caller", caller } });
    /** Runs a job to its end. */
    const run = async (operationId: string, input: unknown): Promise<void> => {
      const ended = Promise.withResolvers<string>();
      const stop = hub.kernel.bus.listen(["task."], ({ kind }) => {
        if (["task.finished", "task.failed", "task.cancelled"].includes(kind)) ended.resolve(kind);
      });
      await call(operationId, input);
      assert.equal(await ended.promise, "task.finished");
      stop();
    };
    await call("consumers.create", { name: "kept", start: "all" });
    const { outcome } = await call("scout.sample", {});
    assert.ok(outcome.kind === "answer");
    const { folder } = outcome.output as { folder: string };
    await run("scout.brief", { folder, allowWrite: true });
    await mkdir(join(programRoot(), "test", "fixtures"), { recursive: true });
    await run("backup.create", { file });
    const { size } = await stat(file);
    assert.ok(size <= fixtureBytesMax, `${size} bytes are too many to keep`);
    return `${file}: ${size} bytes`;
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

if (import.meta.main) process.stdout.write(`${await makeFixture()}\n`);
