import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "vitest";
import { createConfinement } from "../../src/adapters/confine/confinement.ts";
import { lackOfConfinement } from "../kit/confinement.ts";
import { confineSuite, graceMs, openPlace } from "./confine-suite.ts";

const lack = await lackOfConfinement();
const { platform, execPath: nodePath } = process;

if (lack === null) {
  confineSuite({
    name: "bubblewrap",
    confinesFiles: true,
    create: (given) => createConfinement({ ...given, graceMs, platform, nodePath }),
  });
  test("bubblewrap: programs of a folder that the configuration names are found, and cannot be changed", async () => {
    const programs = [dirname(dirname(nodePath))];
    await using place = openPlace({ create: (given) => createConfinement({ ...given, programs, platform, nodePath }) });
    const line = 'node -p process.execPath; touch "$1"';
    const { out, err } = await place.run("sh", ["-c", line, "sh", join(...programs, "a")]);
    assert.equal(out, `${nodePath}\n`);
    assert.match(err, /Read-only file system/);
  });
} else test("bubblewrap", ({ skip }) => skip(`optional: ${lack}`));

test("a machine that confines nothing says what is missing", async () => {
  const lackOf = async (more: { readonly platform?: string; readonly program?: string }) => {
    await using confinement = createConfinement({ environment: process.env, own: [], platform, nodePath, ...more });
    assert.equal(confinement.known(), null);
    const { confinesFiles, confinesNetwork, lack: told } = await confinement.abilities();
    assert.deepEqual([confinesFiles, confinesNetwork, confinement.known()?.lack], [false, false, told]);
    return told;
  };
  assert.equal(await lackOf({ platform: "darwin" }), "confinement needs Linux and bubblewrap");
  assert.equal(await lackOf({ platform: "linux", program: "no-such-program" }), "bubblewrap is not installed");
  assert.match((await lackOf({ platform: "linux", program: "false" })) ?? "", /^bubblewrap does not run here \(/);
});
