/** What a start does not need is not loaded: each of these parts of Node is some percent of a start, and stays in memory. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { programRoot, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";

/** The client behind `fetch`, which any import of `node:http` would load; a server that the hub has not. */
const heavy = ["internal/deps/undici/undici", "http2", "internal/http2/core"];

test("a hub that has answered has loaded no second client for HTTP, and no server of HTTP/2", async () => {
  await using room = await createRoom();
  const told = join(room.path, "modules.txt");
  const preload = join(programRoot, "test", "story", "kit", "told-modules.ts");
  await using hub = await startHub({
    stateDir: room.stateDir,
    env: { ARW_TEST_MODULES: told },
    nodeFlags: ["--import", preload],
  });
  await hub.get("/whoami");
  await hub.kill("SIGTERM");
  const loaded = new Set((await readFile(told, "utf8")).split("\n").map((line) => line.replace(/^NativeModule /, "")));
  assert.ok(loaded.has("http"), "the list is told");
  assert.deepEqual(
    heavy.filter((name) => loaded.has(name)),
    [],
  );
});
