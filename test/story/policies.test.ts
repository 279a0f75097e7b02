/** The user's own policies, through a real hub: read at the start, read anew, tried by examples, and never half in force. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";

const refusedExitCode = 78;
const startMsMax = 60_000;

let room: Room;
let hub: RunningHub;
beforeAll(async () => {
  room = await createRoom();
  await mkdir(join(room.stateDir, "policies"), { recursive: true });
  hub = await startHub({ stateDir: room.stateDir });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

const policies = (name: string, text: string): Promise<void> => writeFile(join(room.stateDir, "policies", name), text);
const agentWrites = {
  operation: "fs.write",
  caller: { kind: "agent", id: "scout" },
  input: { folder: "/home/ada/notes", path: "a.md", text: "" },
};
const explained = async (question: object): Promise<{ verdict: string; decidedBy: { rule: string } | null }> =>
  await hub.post("/policy/explain", question);

test("a forbid of one's own closes what the default policies would ask for, and is gone with its file's text", async () => {
  assert.equal((await explained(agentWrites)).verdict, "ask");
  const { caller: _caller, ...inShort } = agentWrites;
  assert.equal((await explained({ ...inShort, as: "agent:scout" })).verdict, "ask");
  await policies(
    "home.cedar",
    '@id("hands-off")\nforbid (principal is Agent, action in Action::"write", resource in Folder::"/home/ada");',
  );
  assert.equal((await explained(agentWrites)).verdict, "ask", "nothing changes before it is read");
  const reloaded = await hub.call("POST", "/policy/reload", {});
  assert.deepEqual([reloaded.status, reloaded.body.version], [200, 2]);
  const answer = await explained(agentWrites);
  assert.deepEqual([answer.verdict, answer.decidedBy?.rule], ["deny", "hands-off"]);
  const { policies: listed } = await hub.get("/policy/policies");
  const own = listed.find((each: { id: string }) => each.id === "hands-off");
  assert.deepEqual([own?.effect, own?.source], ["forbid", "policies/home.cedar:1"]);
});

test("what does not hold is refused with line and hint, and the former policies stay in force", async () => {
  await policies("new.cedar", '\npermit (principal is Agent, action == Action::"fs.wriet", resource);');
  const { status, body } = await hub.call("POST", "/policy/reload", {});
  assert.deepEqual([status, body.code], [409, "policy.invalid-policies"]);
  assert.match(body.detail, /policies\/new\.cedar:2:\d+: unrecognized action.*did you mean/);
  assert.equal((await explained(agentWrites)).decidedBy?.rule, "hands-off");
  const { events } = await hub.get("/events/journal?prefix=policy.");
  const kinds = (events as { kind: string; data: { source: string } }[]).filter(
    (each) => each.data.source === "policies",
  );
  assert.deepEqual(kinds.map((each) => each.kind).toSorted(), ["policy.refused", "policy.reloaded"]);
  await policies("new.cedar", '@id("person") forbid (principal, action, resource);');
  const taken = await hub.call("POST", "/policy/reload", {});
  assert.match(taken.body.detail, /belongs to a default policy/);
  await policies("new.cedar", "");
});

test("examples say what the policies have to come to", async () => {
  await policies(
    "examples.toml",
    `[[example]]
name = "hands off my notes"
caller = "agent:scout"
operation = "fs.write"
input = { folder = "/home/ada/notes", path = "a.md", text = "" }
expect = "deny"
rule = "hands-off"

[[example]]
caller = "agent:scout"
operation = "fs.write"
input = { folder = "/srv", path = "a.md", text = "" }
expect = "allow"
`,
  );
  const { status, body } = await hub.call("POST", "/policy/test", {});
  assert.equal(status, 200);
  assert.deepEqual([body.passed, body.failed], [1, 1]);
  assert.deepEqual(
    body.examples.map((each: { isOk: boolean; got: string; rule: string }) => [each.isOk, each.got, each.rule]),
    [
      [true, "deny", "hands-off"],
      [false, "ask", "ask-before-change"],
    ],
  );
  await policies("examples.toml", '[[example]]\ncaller = "agent:scout"\noperation = "fs.wirte"\nexpect = "deny"\n');
  const unknown = await hub.call("POST", "/policy/test", {});
  assert.deepEqual([unknown.status, unknown.body.code], [409, "policy.invalid-policies"]);
});

test("a forbid over a folder is met through a link that leads there, too", async () => {
  const taxes = await room.folder("taxes", { "2026.md": "x\n" });
  const notes = await room.folder("notes", {});
  await symlink(taxes, join(notes, "link"));
  await policies(
    "taxes.cedar",
    `@id("my-notes") permit (principal is Agent, action == Action::"fs.read", resource in Folder::${JSON.stringify(notes)});
@id("no-taxes") forbid (principal is Agent, action, resource in Folder::${JSON.stringify(taxes)});`,
  );
  assert.equal((await hub.call("POST", "/policy/reload", {})).status, 200);
  const reads = async (folder: string): Promise<unknown[]> => {
    const { verdict, decidedBy } = await explained({
      operation: "fs.read",
      as: "agent:scout",
      input: { folder, path: "2026.md" },
    });
    return [verdict, decidedBy?.rule];
  };
  assert.deepEqual(await reads(notes), ["allow", undefined]);
  assert.deepEqual(await reads(join(notes, "link")), ["deny", "no-taxes"]);
  await policies("taxes.cedar", "");
  assert.equal((await hub.call("POST", "/policy/reload", {})).status, 200);
});

test("a hub does not start with policies that do not hold, and says which line", async () => {
  const other = await createRoom();
  await mkdir(join(other.stateDir, "policies"), { recursive: true });
  await writeFile(join(other.stateDir, "policies", "a.cedar"), "permit (principal, action, resource)");
  const main = join(programRoot, "src", "app", "main.ts");
  const { status, stderr } = spawnSync(process.execPath, [main, "--port", "0", "--state-dir", other.stateDir], {
    encoding: "utf8",
    timeout: startMsMax,
    env: { PATH: process.env["PATH"] },
  });
  await other[Symbol.asyncDispose]();
  assert.equal(status, refusedExitCode);
  assert.match(stderr, /does not start.*policies do not hold:\npolicies\/a\.cedar:1/s);
  assert.doesNotMatch(stderr, /^\s+at /m);
});
