/** Ceilings and prices through a real hub: over HTTP and the command line, and over a restart. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { programFlags } from "../../bin/program-flags.mjs";
import { cleanEnvironment, programRoot, startHub, startRefused } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";

const refusedExitCode = 78;

test("a ceiling refuses with Retry-After, holds over a restart, and prices come from the user's own files", async () => {
  await using room = await createRoom();
  const { stateDir } = room;
  await mkdir(join(stateDir, "prices"), { recursive: true });
  const list = join(stateDir, "prices", "2020-01-01.toml");
  await writeFile(list, '[[price]]\nmodel = "sage-1"\ninputUsdPerMillion = 2\noutputUsdPerMillion = 4\n');
  const arw = (...words: readonly string[]): string =>
    spawnSync(process.execPath, [...programFlags, join(programRoot, "src", "app", "cli.ts"), ...words], {
      env: cleanEnvironment({}),
      encoding: "utf8",
      timeout: 30_000,
    }).stdout;
  {
    await using hub = await startHub({ stateDir });
    const told = arw(
      "allow",
      "1",
      "call/day",
      "consumers.*",
      "for",
      "person:admin",
      "--soft",
      "50%",
      "--state-dir",
      stateDir,
    );
    assert.equal(told.trim(), "✓ 1 call/day consumers.* for person:admin, warns at 50%");
    assert.match(arw("prices", "--state-dir", stateDir), /sage-1 +2 +2 +4 +prices\/2020-01-01\.toml:1/);
    assert.equal((await hub.call("POST", "/consumers/one", {})).status, 200);
    assert.match(arw("allowances", "--state-dir", stateDir), /used up/);
  }
  {
    await using hub = await startHub({ stateDir });
    const { status, headers, body } = await hub.call("POST", "/consumers/two", {});
    assert.deepEqual([status, body.code], [429, "arw.budget-exceeded"]);
    assert.ok(Number(headers.get("retry-after")) > 0);
    assert.match(
      body.next,
      /^wait for the next window, or set a larger allowance in place of this one: arw allowances rm /,
    );
    const { events } = await hub.get("/events/journal?prefix=budgets.limit.");
    assert.deepEqual((events as { kind: string }[]).map(({ kind }) => kind).toSorted(), [
      "budgets.limit.neared",
      "budgets.limit.reached",
    ]);
  }
  await writeFile(list, "[[price]]\nmodle = 1\n");
  const { code, stderr } = await startRefused({ stateDir });
  assert.equal(code, refusedExitCode);
  assert.match(
    stderr,
    /the price lists do not hold\.\nprices\/2020-01-01\.toml:2: modle is not known\. Did you mean model\?/,
  );
});
