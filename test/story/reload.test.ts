/** One signal reads anew what a person edits as files; a part that does not hold stays as it was, and says so. */
import assert from "node:assert/strict";
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { until } from "./kit/until.ts";

/** Of the log. */
const [info, error] = [30, 50];
const isUnix = process.platform !== "win32";

let room: Room;
let hub: RunningHub;
beforeAll(async () => {
  room = await createRoom();
  for (const folder of ["policies", "prices"]) await mkdir(join(room.stateDir, folder), { recursive: true });
  hub = await startHub({ stateDir: room.stateDir });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly part?: string;
}

async function lines(): Promise<readonly LogLine[]> {
  const text = await readFile(join(room.stateDir, "hub.log"), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LogLine)
    .filter(({ part, msg }) => part !== undefined && msg.includes("signal"));
}

/** Signals, and answers with the lines that it led to: one for each part. */
async function signalled(): Promise<readonly LogLine[]> {
  const before = (await lines()).length;
  process.kill(hub.pid, "SIGHUP");
  return await until("a line for each part", async () => {
    const after = (await lines()).slice(before);
    return after.length >= 4 ? after : undefined;
  });
}

const write = (name: string, text: string) => writeFile(join(room.stateDir, name), text);
const ailing = async (): Promise<readonly string[]> =>
  ((await hub.call("GET", "/healthz")).body.checks as { name: string; ok: boolean }[])
    .filter(({ ok }) => !ok)
    .map(({ name }) => name);
const looks = async () => ({
  rules: (await hub.get("/gating/contracts")).total,
  policies: (await hub.get("/policy/policies")).policies.some(({ id }: { id: string }) => id === "hands-off"),
  price: (await hub.get("/budgets/prices?model=sage-1")).prices[0].inputUsdPerMillion,
  issuers: (await hub.get("/provenance/issuers")).issuers.length,
});

test.runIf(isUnix)("a signal reads every part anew, and the hub goes on", async () => {
  assert.deepEqual(await looks(), { rules: 0, policies: false, price: "unknown", issuers: 0 });
  await write(
    "policies/home.cedar",
    '@id("hands-off")\nforbid (principal is Agent, action == Action::"fs.write", resource);',
  );
  await write(
    "prices/2020-01-01.toml",
    '[[price]]\nmodel = "sage-1"\ninputUsdPerMillion = 2\noutputUsdPerMillion = 4\n',
  );
  await write("gating.toml", '[[contract]]\nid = "shut"\npatterns = ["web:*"]\n');
  assert.deepEqual(
    (await signalled()).map(({ level, part }) => [level, part]),
    [
      [info, "rules"],
      [info, "policies"],
      [info, "prices"],
      [info, "issuers"],
    ],
  );
  assert.deepEqual(await looks(), { rules: 1, policies: true, price: 2, issuers: 0 });
  assert.deepEqual(await ailing(), []);
});

test.runIf(isUnix)("what does not hold stays as it was and shows in the health until it is mended", async () => {
  const issuers = "provenance-issuers.json";
  const before = await looks();
  await write("policies/new.cedar", "permit (nonsense);");
  await write("prices/2020-02-01.toml", '[[price]]\nmodle = "sage-1"\n');
  await appendFile(join(room.stateDir, "gating.toml"), "nonsense = true\n[[contract");
  await write(
    issuers,
    '[{"id": "parent", "addedAtMs": 1, "revokedAtMs": null, "keys": [{"keyId": "x", "publicKey": "x", "validFromMs": 1, "validToMs": null}]}]',
  );
  const said = await signalled();
  assert.deepEqual(
    said.map(({ level, part }) => [level, part]),
    [
      [error, "rules"],
      [error, "policies"],
      [error, "prices"],
      [error, "issuers"],
    ],
  );
  assert.deepEqual(await looks(), before);
  assert.deepEqual((await ailing()).toSorted(), ["issuers", "policies", "prices", "rules"]);
  await write("policies/new.cedar", "");
  await write("prices/2020-02-01.toml", "");
  await write("gating.toml", "");
  await write(issuers, "[]");
  assert.ok((await signalled()).every(({ level }) => level === info));
  assert.deepEqual(await ailing(), []);
  assert.deepEqual(await looks(), { ...before, rules: 0 });
});
