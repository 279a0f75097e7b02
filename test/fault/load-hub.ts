/**
 * A hub under load, in a process of its own that somebody kills: `load-hub.ts <journal.db> <round> load|drain`. It says each
 * thing on its output once, and only after the hub acknowledged it; a pipe is written at once, so what was said is known.
 */
import { writeSync } from "node:fs";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { admin, makeKernel, until } from "../kit/kernel.ts";
import { loadDomain, Noted, Work } from "./load.ts";

/** More than any kill waits for; the parent ends the process long before. */
const batchesMax = 2000;
const batchSize = 8;

const [path = "", round = "0", mode = "load"] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);

const kit = await makeKernel({
  store: openSqliteStore(path),
  seed: Number(round) + process.pid,
  domains: () => [loadDomain],
});
const { journal, queue } = kit.kernel;
const origin = { caller: admin, corrId: `round-${round}`, causeId: null };
say("ready");
if (mode === "drain") {
  await until(() => queue.depth().queued + queue.depth().running === 0, "the backlog is done");
  await kit[Symbol.asyncDispose]();
  say("drained");
} else {
  for (let batch = 0; batch < batchesMax; batch += 1) {
    const names = Array.from({ length: batchSize }, (_, index) => `${round}-${batch}-${index}`);
    await Promise.all(
      names.map(async (name, index) => {
        if (index % 2 === 0) {
          await journal.emit(Noted, { name }, origin);
          say(`note ${name}`);
          return;
        }
        const { taskId } = await queue.enqueue({
          operation: Work,
          payload: { name },
          caller: admin,
          corrId: name,
          idemKey: name,
        });
        say(`task ${name} ${taskId}`);
      }),
    );
  }
}
