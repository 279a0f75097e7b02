import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
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
  test("bubblewrap: what agents of a project are told is seen and changed by no child, and none is told anything", async () => {
    await using place = openPlace({ create: (given) => createConfinement({ ...given, graceMs, platform, nodePath }) });
    const change = "mkdir -p .arw/agents; echo x > .arw/agents/evil.toml; mv .arw away; rm -r .arw; ls -A; true";
    const made = await place.run("sh", ["-c", change]);
    assert.equal(made.exitCode, 0, made.err);
    assert.deepEqual(readdirSync(place.folder), [], "nothing is left of it");
    mkdirSync(join(place.folder, ".arw", "agents"), { recursive: true });
    writeFileSync(join(place.folder, ".arw", "agents", "helper.toml"), "told");
    const { out } = await place.run("sh", [
      "-c",
      `${change}; echo x > .arw/agents/helper.toml; cat .arw/agents/helper.toml`,
    ]);
    assert.equal(out, ".arw\ntold");
    assert.deepEqual(readdirSync(join(place.folder, ".arw", "agents")), ["helper.toml"]);
    const inside = join(place.folder, ".arw", "agents");
    await assert.rejects(
      place.run("ls", [], { cwd: inside, folders: [{ path: inside, mode: "write" }] }),
      /holds what agents are told/,
    );
  });

  test("bubblewrap: of two children in one folder, the end of the first opens nothing to the second", async () => {
    await using place = openPlace({ create: (given) => createConfinement({ ...given, graceMs, platform, nodePath }) });
    const second = await place.confinement.start(
      place.order("sh", ["-c", "read line; mkdir -p .arw/agents; echo x > .arw/agents/evil.toml; ls -A"]),
    );
    await place.run("true");
    await second.stdin.write(Buffer.from("go\n"));
    second.stdin.end();
    assert.equal((await second.exited).endedBy, "itself");
    assert.deepEqual(readdirSync(place.folder), []);
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
