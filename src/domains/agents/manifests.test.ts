import assert from "node:assert/strict";
import { test } from "vitest";
import { admin, domainOf, type Kit, type KitOptions, makeKernel, turn, until } from "../../../test/kit/kernel.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import type { Caller } from "../../contract/caller.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { closed, type Static, Type } from "../../contract/schema.ts";
import { type AgentManifest, type AgentProgram, type ToolsAccepted, UndeclaredTool } from "./contract.ts";

/** Where no folder is named, a file tool reaches none: enough for these tests. */
const Input = closed({ folder: Type.Optional(Type.String()) });
const tool = (word: string, effect: "read" | "write", needs: readonly string[]) =>
  op({
    id: `world.${word}`,
    http: `POST /world/${word}`,
    effect,
    needs,
    about: "x",
    input: (word === "look" ? closed({}) : Input) as typeof Input,
    output: closed({}),
    scope: ({ folder }) => (folder === undefined ? {} : { folder }),
  });
const Look = tool("look", "read", ["hub:read"]);
const Read = tool("read", "read", ["fs:read"]);
const Write = tool("write", "write", ["fs:write"]);
const Shut = tool("shut", "write", ["fs:write"]);

function worker(tools: AgentProgram["tools"], calls: AgentProgram["tools"] = []): AgentProgram {
  return {
    id: "worker",
    about: "Works.",
    model: "none",
    tools,
    async run(_input, hands) {
      const said: string[] = [];
      for (const each of calls) said.push(await codeOf(hands.call(each, {}, `call ${each.id}`)));
      return { outcome: "done", notDone: [], output: said };
    },
  };
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );

const done: string[] = [];
/** Each hub makes ids of its own, also over the same store at the same moment. */
let hubs = 0;
const hub = (program: AgentProgram, more: Partial<KitOptions> = {}): Promise<Kit> =>
  makeKernel({
    seed: (hubs += 1),
    programs: [program],
    domains: () => [
      domainOf("world", {
        operations: [Look, Read, Write, Shut].map((each) => bind(each, () => (done.push(each.id), {}))),
      }),
    ],
    ...more,
  });
const begin = async (kit: Kit, as: Caller = admin): Promise<string> =>
  (await kit.call("agents.run", { agent: "worker", title: "x", grants: [{ key: "*" }], input: null }, as)).corrId;
const ended = (kit: Kit, episode: string) => kit.next("agents.run.finished", (each) => each.corrId === episode);
const accepted = (kit: Kit): readonly Static<typeof ToolsAccepted.data>[] =>
  kit
    .events()
    .filter((each) => each.kind === "agents.tools.accepted")
    .map((each) => each.data as Static<typeof ToolsAccepted.data>);
const plugin: Caller = { kind: "plugin", id: "diary" };

/** A plugin's run is asked about as such; this answers with that question allowed. */
async function beginAsPlugin(kit: Kit): Promise<string> {
  const { corrId, outcome } = await kit.call(
    "agents.run",
    { agent: "worker", title: "x", grants: [{ key: "*" }], input: null },
    plugin,
  );
  await kit.call("approvals.decide", { approvalId: (outcome as { approvalId: string }).approvalId, decision: "allow" });
  return corrId;
}
async function answer(kit: Kit, episode: string, decision: "allow" | "deny"): Promise<string> {
  const asked = await kit.next(
    "approvals.requested",
    (each) => each.corrId === episode && (each.data as { operation: string }).operation === "agents.accept",
  );
  await turn();
  const { approvalId, summary } = asked.data as { approvalId: string; summary: string };
  await kit.call("approvals.decide", { approvalId, decision });
  return summary;
}

test("an agent is listed with its tools, what they need, and what the rules say of each", async () => {
  await using kit = await hub(worker([Look, Read, Write, Shut]), { deny: ["world:shut"] });
  const show = async (): Promise<AgentManifest> =>
    ((await kit.call("agents.show", { agent: "worker" })).outcome as { output: AgentManifest }).output;
  const manifest = await show();
  assert.deepEqual([manifest.id, manifest.about, manifest.model, manifest.isNew], ["worker", "Works.", "none", true]);
  assert.deepEqual(
    manifest.tools.map(({ id, does, granted, ungranted }) => [id, does[0], granted.effect, ungranted.effect]),
    [
      ["world.look", "reads what the hub knows", "allow", "allow"],
      ["world.read", "reads files in folders that you grant", "allow", "deny"],
      ["world.write", "writes files in folders that you grant", "allow", "ask"],
      ["world.shut", "writes files in folders that you grant", "deny", "deny"],
    ],
  );
  assert.equal(manifest.tools[3]?.granted.rule, "world:shut");
  const { outcome } = await kit.call("agents.list", {});
  assert.deepEqual((outcome as { output: unknown }).output, { agents: [manifest], faulty: [] });
  assert.equal(await codeOf(kit.call("agents.show", { agent: "nobody" })), "agents.unknown-agent");
  await ended(kit, await begin(kit));
  assert.deepEqual([(await show()).isNew, (await show()).addedTools], [false, []]);
});

test("a tool that is not declared is refused whatever was granted, and the story names it", async () => {
  await using kit = await hub(worker([Look], [Look, Write, Look]));
  done.length = 0;
  const end = await ended(kit, await begin(kit));
  assert.deepEqual((end.data as { output: unknown }).output, ["ok", UndeclaredTool.code, "ok"]);
  assert.deepEqual(done, ["world.look", "world.look"]);
  const refused = kit.events().find((each) => each.kind === "actions.refused")?.data as Record<string, unknown>;
  assert.deepEqual(
    [refused["tool"], refused["code"], refused["rule"]],
    ["world.write", UndeclaredTool.code, UndeclaredTool.code],
  );
});

test("a person who starts an agent accepts its tools: told before its first step, and again only when they change", async () => {
  const store = createMemoryStore();
  const first = await hub(worker([Look], [Look]), { store });
  const episode = await begin(first);
  await ended(first, episode);
  const own = first.events().filter((each) => each.corrId === episode && !each.kind.startsWith("task."));
  assert.deepEqual(
    own.map((each) => each.kind),
    ["agents.run.started", "agents.tools.accepted", "observations.recorded", "agents.run.finished"],
  );
  const [started] = own;
  assert.deepEqual((started?.data as { tools: unknown } | undefined)?.tools, ["world.look"]);
  await ended(first, await begin(first));
  assert.equal(accepted(first).length, 1);
  await first[Symbol.asyncDispose]();
  await using second = await hub(worker([Read, Write]), { store });
  await ended(second, await begin(second));
  assert.deepEqual(accepted(second).at(-1), {
    agent: "worker",
    isFirst: false,
    tools: ["world.read", "world.write"],
    added: ["world.read", "world.write"],
    removed: ["world.look"],
    needs: ["fs:read", "fs:write"],
  });
});

test("where no person starts it, one is asked before the first step whether it may have what is new", async () => {
  const store = createMemoryStore();
  const first = await hub(worker([Look], [Look]), { store });
  await ended(first, await begin(first));
  const episode = await beginAsPlugin(first);
  await ended(first, episode);
  await first[Symbol.asyncDispose]();
  await using kit = await hub(worker([Look, Write], [Write]), { store });
  done.length = 0;
  const refused = await beginAsPlugin(kit);
  assert.match(
    await answer(kit, refused, "deny"),
    /worker .* world\.write\. It writes files in folders that you grant/u,
  );
  const failed = await kit.next("agents.run.failed", (each) => each.corrId === refused);
  assert.equal((failed.data as { code: string }).code, "arw.approval-denied");
  assert.deepEqual(done, []);
  const allowed = await beginAsPlugin(kit);
  await answer(kit, allowed, "allow");
  await ended(kit, allowed);
  assert.deepEqual(done, ["world.write"]);
  await ended(kit, await beginAsPlugin(kit));
  assert.deepEqual(
    accepted(kit).map(({ added }) => added),
    [["world.look"], ["world.write"]],
  );
});

test("fewer tools are told and asked about by nobody, and what was given up is asked about anew", async () => {
  const store = createMemoryStore();
  const first = await hub(worker([Look, Write]), { store });
  await ended(first, await begin(first));
  await first[Symbol.asyncDispose]();
  const second = await hub(worker([Look]), { store });
  await ended(second, await beginAsPlugin(second));
  assert.deepEqual(
    accepted(second).map(({ removed }) => removed),
    [[], ["world.write"]],
  );
  await second[Symbol.asyncDispose]();
  await using third = await hub(worker([Look, Write]), { store });
  await answer(third, await beginAsPlugin(third), "deny");
  await until(() => third.kinds().includes("agents.run.failed"), "it ends");
});

test("persons accept beforehand; nobody accepts for another agent", async () => {
  await using kit = await hub(worker([Look]));
  const other: Caller = { kind: "agent", id: "other", grants: [{ key: "*" }] };
  assert.equal(await codeOf(kit.call("agents.accept", { agent: "worker" }, other)), "arw.denied");
  await kit.call("agents.accept", { agent: "worker" });
  await kit.call("agents.accept", { agent: "worker" });
  assert.equal(accepted(kit).length, 1);
  await ended(kit, await beginAsPlugin(kit));
});
