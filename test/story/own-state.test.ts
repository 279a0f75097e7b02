/** Whoever was granted a folder that holds the state directory was not granted the hub itself. */
import assert from "node:assert/strict";
import { mkdir, readdir, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { test } from "vitest";
import { loadConfig } from "../../src/app/config/load.ts";
import { openHub } from "../../src/app/hub.ts";
import type { Caller } from "../../src/contract/caller.ts";
import { isProblem } from "../../src/contract/problem.ts";
import { programRoot } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";

/** Named plainly it is refused before anybody is asked; behind a link, when the folder is opened. */
const isKept = (error: unknown): boolean =>
  isProblem(error) && (error.definition.code.startsWith("fs.") || error.extra["rule"] === "built-in:hub-files");

test("neither by a folder above it, nor by its own, nor by a link: no rule, token or journal is read or written", async () => {
  await using room = await createRoom();
  const folder = await room.folder("home", { "notes/a.md": "hello\n" });
  const stateDir = join(folder, "state");
  await symlink(stateDir, join(folder, "link"));
  const config = loadConfig({
    flags: {},
    env: { ARW_STATE_DIR: stateDir, ARW_PORT: "0" },
    platform: "linux",
    home: room.path,
    workDir: room.path,
    programDir: programRoot,
    readFile: () => null,
  });
  await using hub = await openHub({ config, givenToken: undefined, pid: process.pid });
  const folders = [folder, stateDir, join(folder, "link"), join(stateDir, "blobs")];
  const caller: Caller = { kind: "agent", id: "a", grants: folders.map((each) => ({ key: "*", folder: each })) };
  const call = async (operationId: string, input: object): Promise<unknown> => {
    const { outcome } = await hub.kernel.dispatch({ operationId, input, credentials: { kind: "caller", caller } });
    return outcome.kind === "answer" ? outcome.output : assert.fail(outcome.kind);
  };
  // The audit log's last row is kept beside it a moment later than the row, whoever asks for what.
  const names = async () => (await readdir(stateDir)).filter((name) => !name.startsWith("audit-head.")).toSorted();
  const before = await names();
  for (const [operationId, input] of [
    ["fs.read", { folder, path: "state/credentials" }],
    ["fs.write", { folder, path: "state/gating.toml", text: "" }],
    ["fs.write", { folder, path: "state/policies/own.cedar", text: "permit (principal, action, resource);" }],
    ["fs.write", { folder, path: "link/gating.toml", text: "" }],
    ["fs.read", { folder: stateDir, path: "credentials" }],
    ["fs.list", { folder: stateDir }],
    ["fs.list", { folder: join(folder, "link") }],
    ["fs.list", { folder: join(stateDir, "blobs") }],
  ] as const)
    await assert.rejects(call(operationId, input), isKept);
  // Without a grant nobody is asked in vain either, and no lease is named that would not help.
  const stranger: Caller = { kind: "agent", id: "b" };
  const lone = { operationId: "fs.write", input: { folder: stateDir, path: "gating.toml", text: "" } };
  await assert.rejects(
    hub.kernel.dispatch({ ...lone, credentials: { kind: "caller", caller: stranger } }),
    (error: unknown) =>
      isProblem(error) && error.extra["rule"] === "built-in:hub-files" && !/lease/.test(String(error.extra["next"])),
  );
  assert.deepEqual(await names(), before);
  const { entries } = (await call("fs.list", { folder })) as { entries: { path: string }[] };
  assert.deepEqual(
    entries.map(({ path }) => path).filter((path) => path.startsWith("state")),
    [],
  );
  assert.ok(entries.some(({ path }) => path === "notes/a.md"));
  await call("fs.write", { folder, path: "notes/b.md", text: "hello" });
});

test("rules and configuration belong to the hub wherever they lie, also before they are there and behind links", async () => {
  await using room = await createRoom();
  const home = await room.folder("home", {
    "rules/gates.toml": "",
    "elsewhere/own.cedar": "",
    "notes/a.md": "hello\n",
  });
  const stateDir = join(room.path, "state");
  await mkdir(stateDir);
  await symlink(join(home, "elsewhere"), join(stateDir, "policies"));
  const config = loadConfig({
    flags: { config: undefined },
    env: {
      ARW_STATE_DIR: stateDir,
      ARW_PORT: "0",
      ARW_GATING_FILE: join(home, "rules", "gates.toml"),
      XDG_CONFIG_HOME: join(home, "conf"),
    },
    platform: "linux",
    home,
    workDir: room.path,
    programDir: programRoot,
    readFile: () => null,
  });
  const at = config.fileAt ?? assert.fail("a place is looked at");
  assert.ok(at.startsWith(home), at);
  await mkdir(dirname(at), { recursive: true });
  const env = { ARW_STATE_KEY_FILE: join(home, "notes", "arw.key") };
  const unlocking = { env, ask: null };
  await using hub = await openHub({ config, givenToken: undefined, pid: process.pid, unlocking });
  const caller: Caller = { kind: "agent", id: "a", grants: [{ key: "*", folder: home }] };
  const write = (path: string) =>
    hub.kernel.dispatch({
      operationId: "fs.write",
      input: { folder: home, path, text: "x" },
      credentials: { kind: "caller", caller },
    });
  for (const path of ["rules/gates.toml", "elsewhere/own.cedar", "notes/arw.key", relative(home, at)])
    await assert.rejects(write(path), isKept, path);
  await write("rules/notes.md");
  await write("notes/a.md");
});
