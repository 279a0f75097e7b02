import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { test } from "vitest";
import { makeKernel, turn } from "../../../test/kit/kernel.ts";
import { createManualClock } from "../memory/clock.ts";
import { createMemoryStore } from "../memory/store.ts";
import { ServiceOpened } from "../../domains/events/contract.ts";
import type { Store } from "../../kernel/ports.ts";
import { diskTeeFiles, type TeeFiles } from "./files.ts";
import { readLines } from "./lines.ts";
import { archivedPath, rotatedNumbers } from "./names.ts";
import { createTee, type Tee } from "./tee.ts";

interface Faults {
  /** Bytes that a write takes before it comes back. */
  shortBytes?: number | undefined;
  /** Bytes the disk has left; above it a write says ENOSPC. */
  roomBytes?: number | undefined;
  failSync?: boolean;
}

const systemError = (code: string) => Object.assign(new Error(`${code}: told to fail`), { code, syscall: "write" });

function failing(faults: Faults): TeeFiles {
  return {
    ...diskTeeFiles,
    async open(path) {
      const file = await diskTeeFiles.open(path);
      return {
        ...file,
        async write(bytes, position) {
          const allowed = Math.min(faults.shortBytes ?? bytes.length, faults.roomBytes ?? bytes.length, bytes.length);
          if (faults.roomBytes !== undefined) {
            if (faults.roomBytes <= 0) throw systemError("ENOSPC");
            faults.roomBytes -= allowed;
          }
          return file.write(bytes.subarray(0, allowed), position);
        },
        async sync() {
          if (faults.failSync === true) throw systemError("EIO");
          await file.sync();
        },
      };
    },
  };
}

async function workshop(store: Store = createMemoryStore()) {
  const folder = mkdtempSync(join(tmpdir(), "arw-tee-"));
  const path = join(folder, "events.jsonl");
  const clock = createManualClock(1_750_000_000_000);
  const kit = await makeKernel({ store, clock });
  const { kernel } = kit;
  const context = kernel.parts.act({ caller: { kind: "system", id: "hub" }, corrId: "corr" });
  const open = (
    over: { files?: TeeFiles; bytesMax?: number; filesMax?: number; filesAgeMsMax?: number; capacity?: number } = {},
  ): Tee =>
    createTee({
      path,
      files: over.files ?? diskTeeFiles,
      clock,
      log: { info: () => {}, warn: () => {}, error: () => {} },
      limits: {
        bytesMax: over.bytesMax ?? 1e9,
        ageMsMax: 1e6,
        filesMax: over.filesMax ?? 9,
        filesAgeMsMax: over.filesAgeMsMax ?? 1e15,
      },
      headSeq: kernel.journal.headSeq,
      journal: kernel.parts.archive.lines,
      feed: kernel.bus.subscribe({ name: "tee", prefixes: [], capacity: over.capacity ?? 64 }),
    });
  const seqsOf = async (file: string): Promise<number[]> => {
    const seqs: number[] = [];
    for await (const line of readLines(file)) seqs.push((JSON.parse(line) as { seq: number }).seq);
    return seqs;
  };
  return {
    path,
    folder,
    clock,
    kernel,
    open,
    emit: (count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, index) =>
          context.emit(ServiceOpened, { version: `ü\u2028${index}`, address: "x", bootId: "b" }),
        ),
      ),
    async seqs() {
      const numbers = rotatedNumbers(path, readdirSync(folder)).toReversed();
      const parts = await Promise.all([...numbers.map((number) => archivedPath(path, number)), path].map(seqsOf));
      return parts.flat();
    },
    async [Symbol.asyncDispose]() {
      await kit[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
/** Waits for real disks, so it counts rounds of work and not turns of the loop. */
async function settled(tee: Tee): Promise<void> {
  for (let round = 0; round < 100 && (tee.status().lagEvents > 0 || !tee.status().isWell); round += 1)
    await tee.flush();
  assert.deepEqual([tee.status().lagEvents, tee.status().isWell], [0, true]);
}

test("every event is one line as readers know it, whether the tee keeps up, lags or was away", async () => {
  await using shop = await workshop();
  await shop.emit(3);
  {
    await using tee = shop.open({ capacity: 4 });
    await shop.emit(1);
    await settled(tee);
    await shop.emit(50);
    await settled(tee);
    assert.deepEqual([tee.status().isWell, tee.status().events], [true, 54]);
  }
  await shop.emit(600);
  await shop.open()[Symbol.asyncDispose]();
  assert.deepEqual(await shop.seqs(), upTo(654));
  const [first] = readFileSync(shop.path, "utf8").split("\n");
  assert.deepEqual(JSON.parse(first ?? ""), JSON.parse(JSON.stringify(shop.kernel.journal.read({ limit: 1 })[0])));
});

test("a line that was cut off is mended at the start, and nothing is missing or twice", async () => {
  await using shop = await workshop();
  await shop.emit(5);
  await shop.open()[Symbol.asyncDispose]();
  for (const rest of ['{"seq":6,"id":"x', "\0".repeat(100_000), "no json\n", "{}\n\0\0"]) {
    appendFileSync(shop.path, rest);
    await shop.open()[Symbol.asyncDispose]();
    assert.deepEqual(await shop.seqs(), upTo(5));
  }
  const whole = readFileSync(shop.path);
  for (const keep of [0, 1, 40, whole.length - 1]) {
    writeFileSync(shop.path, whole.subarray(0, keep));
    await shop.open()[Symbol.asyncDispose]();
    assert.deepEqual(readFileSync(shop.path), whole);
  }
});

test("full files are gzipped and numbered, the oldest go, and old ones too", async () => {
  await using shop = await workshop();
  await using tee = shop.open({ bytesMax: 2000, filesMax: 3 });
  for (let round = 0; round < 8; round += 1) {
    await shop.emit(8);
    await settled(tee);
  }
  assert.equal(tee.status().rotations, 7);
  assert.deepEqual(
    readdirSync(shop.folder).toSorted(),
    [1, 2, 3].map((n) => `events.${n}.jsonl.gz`).concat("events.jsonl"),
  );
  assert.deepEqual(await shop.seqs(), upTo(64).slice(32));
  shop.clock.advance(2e6);
  await shop.emit(1);
  await settled(tee);
  assert.equal(tee.status().rotations, 8);
});

test("a rotation that a crash cut short is finished", async () => {
  await using shop = await workshop();
  await shop.emit(5);
  await shop.open()[Symbol.asyncDispose]();
  await diskTeeFiles.rename(shop.path, join(shop.folder, "events.1.jsonl"));
  await shop.emit(2);
  await shop.open()[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(shop.folder).toSorted(), ["events.1.jsonl.gz", "events.jsonl"]);
  assert.deepEqual(await shop.seqs(), upTo(7));
});

test("a full disk disturbs nobody, shows, and is made up for", async () => {
  await using shop = await workshop();
  const faults: Faults = { roomBytes: 700 };
  await using tee = shop.open({ files: failing(faults) });
  await shop.emit(20);
  await tee.flush();
  assert.equal(tee.status().isWell, false);
  await shop.emit(20);
  assert.equal(shop.kernel.journal.headSeq(), 40);
  assert.match(tee.status().detail, /^the disk is full; \d+ events wait/);
  faults.roomBytes = undefined;
  shop.clock.advance(60_000);
  await settled(tee);
  assert.deepEqual([tee.status().isWell, tee.status().errors], [true, 1]);
  assert.deepEqual(await shop.seqs(), upTo(40));
});

test("after a failed sync everything since the last good one is written again", async () => {
  await using shop = await workshop();
  const faults: Faults = {};
  await using tee = shop.open({ files: failing(faults) });
  await shop.emit(3);
  await settled(tee);
  faults.failSync = true;
  shop.clock.advance(1000);
  await tee.flush();
  assert.equal(tee.status().isWell, false);
  faults.failSync = false;
  shop.clock.advance(60_000);
  await settled(tee);
  assert.deepEqual(await shop.seqs(), upTo(3));
  assert.equal(tee.status().events, 6);
});

test("a file that is moved, removed or cut under a running hub is made anew and whole", async () => {
  await using shop = await workshop();
  await using tee = shop.open();
  await shop.emit(3);
  await settled(tee);
  const takings = [
    () => renameSync(shop.path, join(shop.folder, "away")),
    () => rmSync(shop.path),
    () => truncateSync(shop.path, 100),
  ];
  for (const [index, take] of takings.entries()) {
    take();
    // Both ways it is noticed: with the next sync, and while nothing happens.
    await shop.emit(index);
    await settled(tee);
    shop.clock.advance(5000);
    await tee.flush();
    await settled(tee);
    assert.deepEqual(await shop.seqs(), upTo(shop.kernel.journal.headSeq()));
    assert.equal(tee.status().errors, index + 1);
    assert.match(tee.status().detail, new RegExp(`taken away or cut ${index + 1} times`));
  }
  await shop.emit(2);
  await settled(tee);
  assert.deepEqual(await shop.seqs(), upTo(8));
});

test("a file of another hub is left as it is", async () => {
  await using shop = await workshop();
  const foreign = '{"seq":1,"id":"other","timeMs":1}\n';
  writeFileSync(shop.path, foreign);
  await shop.emit(2);
  await using tee = shop.open();
  await tee.flush();
  assert.match(tee.status().detail, /another journal/);
  assert.equal(readFileSync(shop.path, "utf8"), foreign);
});

test("whatever fails and whenever it restarts, the file ends whole", async () => {
  const step = fc.record({
    emit: fc.integer({ min: 0, max: 30 }),
    shortBytes: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
    roomBytes: fc.option(fc.integer({ min: 0, max: 5000 }), { nil: undefined }),
    failSync: fc.boolean(),
    isRestart: fc.boolean(),
    turns: fc.integer({ min: 0, max: 20 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
      await using shop = await workshop();
      const faults: Faults = {};
      const limits = { files: failing(faults), bytesMax: 3000, capacity: 16 };
      let tee = shop.open(limits);
      for (const { emit, isRestart, turns, ...next } of steps) {
        Object.assign(faults, next);
        await shop.emit(emit);
        for (let count = 0; count < turns; count += 1) await turn();
        shop.clock.advance(6000);
        if (!isRestart) continue;
        await tee[Symbol.asyncDispose]();
        tee = shop.open(limits);
      }
      await tee[Symbol.asyncDispose]();
      await shop.open({ bytesMax: 3000 })[Symbol.asyncDispose]();
      assert.deepEqual(await shop.seqs(), upTo(shop.kernel.journal.headSeq()));
    }),
    { numRuns: 15 },
  );
});

test("archives go by age, oldest first, and a file from the future is put away", async () => {
  await using shop = await workshop();
  const dayMs = 86_400_000;
  for (let count = 0; count < 3; count += 1) {
    await using tee = shop.open({ bytesMax: 10 });
    await shop.emit(1);
    await settled(tee);
  }
  const nowMs = shop.clock.nowMs();
  const ages = rotatedNumbers(shop.path, readdirSync(shop.folder));
  assert.deepEqual(ages, [1, 2]);
  utimesSync(archivedPath(shop.path, 1), nowMs / 1000, (nowMs - 2 * dayMs) / 1000);
  utimesSync(archivedPath(shop.path, 2), nowMs / 1000, (nowMs - 9 * dayMs) / 1000);
  {
    await using tee = shop.open({ filesAgeMsMax: 5 * dayMs });
    await tee.flush();
    assert.deepEqual(rotatedNumbers(shop.path, readdirSync(shop.folder)), [1]);
    shop.clock.advance(4 * dayMs);
    await tee.flush();
    assert.deepEqual(rotatedNumbers(shop.path, readdirSync(shop.folder)), []);
    shop.clock.setWall(nowMs - 400 * dayMs);
    await shop.emit(1);
    await settled(tee);
    assert.equal(tee.status().rotations, 1, "begun under a clock that was ahead");
    await shop.emit(1);
    await settled(tee);
    assert.equal(tee.status().rotations, 1);
  }
});
