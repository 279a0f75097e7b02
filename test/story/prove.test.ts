/** Questions about the rules of a real hub: proved, refuted by a call, or not known, and what the command line makes of each. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { runArw } from "./kit/arw.ts";
import { type Exit, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";

/** Far above what a command takes; one that needs longer hangs. */

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

const arw = (...words: readonly string[]): Promise<Exit> => runArw(words, room);

const policies = async (text: string): Promise<void> => {
  await writeFile(join(room.stateDir, "policies", "own.cedar"), text);
  await hub.post("/policy/reload", {});
};

test("a fresh hub lets nothing out and nobody write, and says what was not looked at", async () => {
  const { questions, solver } = await hub.get("/prove/questions");
  assert.deepEqual([questions.length, solver.isInstalled], [6, false]);
  for (const question of ["network", "writes-outside", "child"]) {
    const proof = await hub.post(`/prove/${question}`, {});
    assert.deepEqual([proof.answer, proof.examples, proof.checkedBy], ["proved", [], ["built-in"]], question);
    assert.ok(proof.notModelled.some((each: string) => each.includes("links in the file system")));
  }
  const { code, stdout } = await arw("prove", "network", "--agent", "scout");
  assert.equal(code, 0);
  assert.match(stdout, /^✓ Proved: by the tools of scout nothing reaches another/);
});

test("a lease of a host is found as the call that uses it, and the hub itself says that it passes", async () => {
  const lease = await hub.post("/egress/leases", { host: "example.org", agent: "scout" });
  const proof = await hub.post("/prove/network", {});
  assert.equal(proof.answer, "counterexample");
  const [{ call, said }] = proof.examples;
  assert.deepEqual([call.caller, call.reached.type], ["agent:scout", "Host"]);
  assert.match(call.reached.id, /^example\.org:(80|443)$/);
  assert.deepEqual([said[0].effect, said[0].rule], ["allow", "open-hosts"]);
  const explained = await hub.post("/policy/explain", {
    operation: "web.fetch",
    as: "agent:scout",
    input: { url: "https://example.org/" },
  });
  assert.equal(explained.verdict, "allow");
  const { code, stdout } = await arw("prove", "network");
  assert.equal(code, 1);
  assert.match(stdout, /✗ It can: agent:scout calls/);
  await hub.call("DELETE", `/egress/leases/${lease.leaseId}`);
  assert.equal((await hub.post("/prove/network", {})).answer, "proved");
});

test("what is used up is free again later, and a ceiling of nothing closes for good", async () => {
  await hub.call("PUT", "/egress/posture", { posture: "public" });
  const { allowanceId } = await hub.post("/budgets/allow", { allowance: ["0 calls/day"] });
  const closed = await hub.post("/prove/network", {});
  assert.deepEqual([closed.answer, closed.lookedAt.includes("1 allowance")], ["proved", true]);
  await hub.call("DELETE", `/budgets/${allowanceId}`);
  await hub.call("PUT", "/gating/contracts/few", {
    patterns: ["web:*", "mcp:*"],
    quotaLimit: 1,
    quotaWindowSecs: 3600,
  });
  const open = await hub.post("/prove/network", {});
  assert.deepEqual([open.answer, open.examples[0].call.operation], ["counterexample", "web.fetch"]);
  const quota = await hub.post("/prove/reachable", { rule: "few" });
  assert.equal(quota.answer, "unknown");
  assert.match(quota.text, /few is a quota/);
  await hub.call("DELETE", "/gating/contracts/few");
  await hub.call("PUT", "/egress/posture", { posture: "closed" });
});

test("a lease for one run is used in that run, and ends with its time", async () => {
  const { leaseId } = await hub.post("/leases", {
    capability: "fs:write",
    holder: "agent:*",
    folder: "/srv/notes",
    run: "run-of-somebody",
  });
  const proof = await hub.post("/prove/writes-outside", {});
  assert.deepEqual([proof.answer, proof.examples[0].call.run], ["counterexample", "run-of-somebody"]);
  assert.equal(proof.examples[0].said[0].rule, `lease:${leaseId}`);
  await hub.call("DELETE", `/leases/${leaseId}`);
  assert.equal((await hub.post("/prove/writes-outside", {})).answer, "proved");
});

test("a contract of one agent lets its children do more", async () => {
  await hub.call("PUT", "/gating/contracts/scout-reads-nothing", {
    patterns: ["episodes:*", "notes:*"],
    subjectAgent: "scout",
  });
  const childless = await hub.post("/prove/child", { agent: "scout" });
  assert.deepEqual(
    [childless.answer, childless.text],
    ["proved", "Proved: scout starts no agent; none of its tools does."],
  );
  const proof = await hub.post("/prove/child", {});
  assert.equal(proof.answer, "counterexample");
  assert.deepEqual(
    proof.examples[0].said.map((each: { effect: string; rule: string }) => [each.effect, each.rule]).at(1),
    ["deny", "scout-reads-nothing"],
  );
  const reachable = await hub.post("/prove/reachable", { rule: "scout-reads-nothing" });
  assert.deepEqual([reachable.answer, reachable.examples[0].call.caller], ["counterexample", "agent:scout"]);
  await hub.call("DELETE", "/gating/contracts/scout-reads-nothing");
});

const answering = (condition: string): string =>
  `@id("notes") @answers("ask-before-change") permit (principal is Agent, action == Action::"fs.write", resource in Folder::"/srv/notes") ${condition};`;

test("what is not modelled is named, and nothing is claimed that hangs on it", async () => {
  await policies(answering('when { context.path == "a" && 9223372036854775807 + 1 > 3 }'));
  const { code, stdout } = await arw("prove", "writes-outside");
  assert.equal(code, 4, stdout);
  assert.match(stdout, /^\? Unknown/);
  assert.match(stdout, /the policy notes: /);
  await policies(answering(""));
  const proof = await hub.post("/prove/writes-outside", {});
  assert.deepEqual([proof.answer, proof.examples[0].call.reached.id], ["counterexample", "/srv/notes"]);
  const { code: reachable } = await arw("prove", "reachable", "notes");
  assert.equal(reachable, 1);
  assert.equal((await hub.call("POST", "/prove/reachable", { rule: "no-such-rule" })).body.code, "prove.unknown-rule");
  await policies("");
});

test("two versions are compared by what they say, call by call", async () => {
  const path = join(room.path, "next.cedar");
  await writeFile(
    path,
    '@id("hands-off") forbid (principal is Agent, action in Action::"write", resource in Folder::"/home/ada");',
  );
  const stricter = await arw("prove", "stricter", "default", path);
  assert.equal(stricter.code, 0, stricter.stdout + stricter.stderr);
  const changed = await arw("prove", "changed", "now", path, "--json");
  assert.equal(changed.code, 1);
  const proof = JSON.parse(changed.stdout);
  assert.ok(proof.examples.length > 1 && proof.isComplete);
  for (const { said } of proof.examples) assert.equal(said[1].rule, "hands-off");
  const absent = await arw("prove", "stricter", "default", join(room.path, "absent.cedar"));
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /there is no such file/);
});

test("only a person asks; an agent is told so", async () => {
  const { body } = await hub.call("POST", "/access/tokens", { name: "probe", role: "agent", key: ["*"] });
  const asked = await hub.send("POST /prove/network", {}, { authorization: `Bearer ${body.token}` });
  assert.deepEqual([asked.status, asked.body.rule], [403, "built-in:person"]);
});

test("a folder that goes up again is no way past a rule about the folder that it leads to", async () => {
  const folder = join(room.path, "ada");
  await mkdir(join(folder, "notes"), { recursive: true });
  await mkdir(join(folder, "taxes"));
  await writeFile(join(folder, "taxes", "2026.md"), "owed: everything\n");
  await policies(`@id("reads") permit (principal is Agent, action == Action::"fs.read", resource in Folder::${JSON.stringify(folder)});
@id("no-taxes") forbid (principal is Agent, action, resource in Folder::${JSON.stringify(join(folder, "taxes"))});`);
  const { body } = await hub.call("POST", "/access/tokens", { name: "reader", role: "agent", key: ["fs:*"] });
  const read = async (from: string) =>
    await hub.send("POST /fs/read", { folder: from, path: "2026.md" }, { authorization: `Bearer ${body.token}` });
  for (const [from, rule] of [
    [`${folder}/taxes`, "no-taxes"],
    [`${folder}/./taxes/`, "no-taxes"],
    [`${folder}//taxes`, "no-taxes"],
    [`${folder}/notes/../taxes`, "built-in:plain-folder"],
  ] as const) {
    const { status, body: said } = await read(from);
    assert.deepEqual([status, said.rule], [403, rule], from);
  }
  await policies("");
});

test("what is shown is a call that a request can be, and nothing lies outside of everything", async () => {
  const outside = await hub.post("/prove/writes-outside", { inFolder: process.platform === "win32" ? "C:\\" : "/" });
  if (process.platform !== "win32") assert.equal(outside.answer, "proved", outside.text);
  await hub.call("PUT", "/egress/posture", { posture: "allowlist", hosts: ["example.org"] });
  await hub.post("/leases", { capability: "web:fetch", holder: "agent:scout", host: "example.org" });
  const proof = await hub.post("/prove/network", {});
  assert.equal(proof.answer, "counterexample");
  for (const { call } of proof.examples) {
    for (const { type, id } of [call.reached, ...(call.startedBy === undefined ? [] : [call.startedBy.reached])])
      if (type === "Tool") assert.match(id, /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\/./u);
  }
  await hub.call("PUT", "/egress/posture", { posture: "closed" });
});

test("an agent of a project works in its folder only, and proofs know it", async () => {
  const file =
    'about = "Helps"\nmodel = "localhost:1/m"\ninstructions = "Help."\ntools = ["fs.list", "fs.write", "shell.run"]\n';
  const folder = await room.folder("garden", { ".arw/agents/helper.toml": file });
  await hub.post("/projects", { project: "garden", folder });
  const asked = { agent: "helper@garden", inFolder: folder };
  const stays = await hub.post("/prove/writes-outside", asked);
  assert.equal(stays.answer, "proved", stays.text);
  assert.ok(stays.lookedAt.includes(`the folder ${folder} that helper@garden works in`));
  assert.ok(stays.notModelled.some((each: string) => each.includes("folder that its project is given")));
  const narrower = await hub.post("/prove/writes-outside", { ...asked, inFolder: join(folder, "beds") });
  assert.deepEqual([narrower.answer, narrower.examples[0].call.reached.id], ["counterexample", folder]);
  const anywhere = await hub.post("/prove/writes-outside", { agent: "scout", inFolder: folder });
  assert.equal(anywhere.answer, "counterexample");
});

test("rules that close lists close no question about themselves", async () => {
  const patterns = ["models:*", "egress:*", "leases:*", "budgets:*"];
  await hub.call("PUT", "/gating/contracts/quiet", { patterns });
  assert.equal((await hub.call("GET", "/models")).status, 403);
  for (const question of ["network", "writes-outside"])
    assert.equal((await hub.call("POST", `/prove/${question}`, {})).status, 200, question);
  assert.equal((await hub.call("POST", "/hierarchy/role", { role: "observer" })).status, 200);
  const { status, body } = await hub.call("POST", "/prove/network", {});
  assert.deepEqual([status, body.answer], [200, "proved"], JSON.stringify(body));
  await hub.call("POST", "/hierarchy/role", { role: "edge" });
  await hub.call("DELETE", "/gating/contracts/quiet");
});
