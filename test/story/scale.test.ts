/** A large folder: bounded memory, told progress, bounded time. The full size runs in a soak. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { fillFolder } from "./kit/big-folder.ts";
import { readEvents } from "./kit/event-reader.ts";
import { type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";
import { beginBrief, episodeEnded } from "./kit/scout-run.ts";

const isSoak = process.env["ARW_SOAK"] === "1";
const size = isSoak ? { count: 20_000, sizeBytes: 1_000_000_000 } : { count: 2000, sizeBytes: 100_000_000 };
const residentBytesMax = 300_000_000;
const runMsMax = isSoak ? 280_000 : 150_000;

/** The most memory the process ever held, as the kernel counts it. */
async function peakBytes(hub: RunningHub): Promise<number> {
  const status = await readFile(`/proc/${hub.pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

test.runIf(process.platform === "linux")(
  `a folder of ${size.count} files and ${size.sizeBytes / 1e6} MB is briefed in bounded memory, with progress`,
  async () => {
    await using room = await createRoom();
    const folder = await room.folder("big", {});
    const sizeBytes = await fillFolder(folder, size);
    await using hub = await startHub({ stateDir: room.stateDir });
    const idleBytes = await peakBytes(hub);
    await using reader = await readEvents(hub, "?prefix=agents.run.");
    const startedMs = performance.now();
    const { episode } = await beginBrief(hub, { folder, allowWrite: true });
    const row = await episodeEnded(hub, episode, runMsMax);
    const tookMs = Math.round(performance.now() - startedMs);
    const residentBytes = await peakBytes(hub);
    process.stdout.write(
      `${size.count} files, ${Math.round(sizeBytes / 1e6)} MB: ${tookMs} ms, ${Math.round(residentBytes / 1e6)} MB resident at most (${Math.round(idleBytes / 1e6)} MB before)\n`,
    );
    assert.equal(row.status, "finished", row.outcome);
    const text = await readFile(join(folder, "brief.md"), "utf8");
    assert.match(text.replaceAll(" ", ""), new RegExp(`${size.count}files`));
    const events = await reader.waitFor("the end of the run", (all) =>
      all.some((each) => each.kind === "agents.run.finished"),
    );
    const progress = events.filter((each) => each.kind === "agents.run.progress").map((each) => each.data);
    const reading = progress.filter((each) => each.phase === "reading");
    assert.ok(reading.length >= 3, `${reading.length} progress events`);
    assert.ok(reading.some((each) => typeof each.etaMs === "number" && each.etaMs > 0));
    const done = reading.map((each) => each.done as number);
    assert.deepEqual(
      done,
      done.toSorted((a, b) => a - b),
    );
    assert.equal(done.at(-1), reading.at(-1)?.total);
    assert.ok(residentBytes < residentBytesMax, `${residentBytes} bytes were resident`);
  },
  runMsMax + 100_000,
);
