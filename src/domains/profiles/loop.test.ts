import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { domainOf, type Kit, makeKernel } from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import { bind, op, type Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { closed, type Static, Type } from "../../contract/schema.ts";
import { BudgetExceeded } from "../../contract/standard-problems.ts";
import type { Tools, TurnAnswer } from "../agents/contract.ts";
import { Read as ReadFile } from "../fs/contract.ts";
import { Read as ReadByServer } from "../mcp/contract.ts";
import { Chat } from "../models/contract.ts";
import { childOf } from "./handing-on.ts";
import { serverTool } from "./offered-tools.ts";
import { type PlacedProfile, profileOf } from "./profile.ts";
import { createProfileProgram, operationsOf } from "./program.ts";

const worldOp = (name: string, effect: "read" | "write") =>
  op({
    id: `world.${name}`,
    http: `POST /world/${name}`,
    effect,
    isTool: true,
    about: "x",
    input: closed({ n: Type.Integer() }),
    output: closed({ text: Type.String() }),
  });
const world = { read: worldOp("read", "read"), write: worldOp("write", "write"), shut: worldOp("shut", "read") };
type Word = keyof typeof world;
const known = new Map<string, Operation>(Object.values(world).map((each) => [each.id, each]));

const placedWith = (more: Partial<Parameters<typeof profileOf>[0]>, agent = "helper@garden"): PlacedProfile => ({
  agent,
  folder: "/garden",
  project: "garden",
  digest: `sha256:${"0".repeat(64)}`,
  version: 1,
  profile: profileOf({ about: "x", instructions: "Do.", tools: [...known.keys()], ...more }),
});

interface Said {
  readonly text?: string;
  readonly name?: string;
  readonly argumentsText?: string;
}
const call = (name: string, argumentsText: string): Said => ({ name, argumentsText });

const answer: Static<typeof Chat.output> = {
  text: "done",
  thought: "",
  toolCalls: [],
  model: "localhost:1/m",
  finish: "stop",
  usage: { inputTokens: 10, outputTokens: 1, cachedTokens: null },
  microUsd: 0,
  durationMs: 1,
  firstMs: 1,
  isScripted: true,
  label: "tool",
};

/** A model that says one thing after the other. */
function modelsOf(said: readonly Said[]) {
  let round = 0;
  const chat = bind(Chat, (): Static<typeof Chat.output> => {
    const { text = "", name, argumentsText = "" } = said[round] ?? { text: "done" };
    round += 1;
    const toolCalls = name === undefined ? [] : [{ id: `c${round}`, name, argumentsText }];
    return { ...answer, text, toolCalls, finish: name === undefined ? "stop" : "tools" };
  });
  return domainOf("models", { operations: [chat], events: [...Chat.emits] });
}

/** A model that wants one word after the other, and a world in which each answer is long. */
function domains(words: readonly Word[]) {
  const acts = Object.values(world).map((each) => bind(each, () => ({ text: "long ".repeat(600) })));
  const said = words.map((word, place) => call(`world_${word}`, `{"n":${place}}`));
  return () => [modelsOf(said), domainOf("world", { operations: acts })];
}

async function runWith(placed: PlacedProfile, words: readonly Word[], meet: (kit: Kit) => void = () => {}) {
  const program = createProfileProgram(placed, known);
  await using kit = await makeKernel({ programs: [program], deny: ["world:shut"], domains: domains(words) });
  meet(kit);
  const ended = kit.next("agents.run.finished");
  await kit.call("agents.run", {
    agent: program.id,
    title: "Work",
    input: { turn: { task: "Work" }, placed },
    grants: [{ key: "world:*" }],
  });
  const { data } = await ended;
  const told = kit
    .events()
    .filter(({ kind }) => /^(observations|actions)\./u.test(kind))
    .map(({ kind, data: each }) => [kind, (each as { summary: string }).summary, (each as { rule?: string }).rule]);
  return { answer: (data as { output: TurnAnswer }).output, told };
}

test("whatever goes in and is left out, each call meets the same rules", async () => {
  const words = fc.array(fc.constantFrom<Word>("read", "write", "shut"), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(words, async (said) => {
      const small = await runWith(placedWith({ context: { tokens: 1024, answer: 64 } }), said);
      const large = await runWith(placedWith({ context: { tokens: 200_000, answer: 64 } }), said);
      assert.deepEqual(small.told, large.told);
      const refused = small.told.filter(([kind]) => kind === "actions.refused").length;
      assert.equal(refused, said.filter((word) => word === "shut").length);
    }),
    runs(10),
  );
});

test("a ceiling asks, a yes lets the run go on, and it is counted anew", async () => {
  let asked = 0;
  const { answer } = await runWith(
    placedWith({ ceilings: { steps: 4 } }),
    Array.from({ length: 5 }, () => "read" as const),
    (kit) =>
      void kit.kernel.bus.listen(["approvals.requested"], ({ data }) => {
        asked += 1;
        void kit.call("approvals.decide", {
          approvalId: (data as { approvalId: string }).approvalId,
          decision: "allow",
        });
      }),
  );
  assert.deepEqual([answer.text, answer.spent.steps, asked], ["done", 11, 2]);
  assert.deepEqual([answer.spent.inputTokens, answer.spent.outputTokens, answer.spent.microUsd], [60, 6, 0]);
});

test("a run whose model is refused before it answered fails with the reason; refused later, it ends in words", async () => {
  for (const answered of [0, 1]) {
    let round = 0;
    const placed = placedWith({});
    const program = createProfileProgram(placed, known);
    const chat = bind(Chat, (): Static<typeof Chat.output> => {
      round += 1;
      if (round > answered) throw new Problem(BudgetExceeded, "there is nothing left");
      return { ...answer, text: "", toolCalls: [{ id: "c1", name: "world_read", argumentsText: '{"n":1}' }] };
    });
    const read = bind(world.read, () => ({ text: "x" }));
    await using kit = await makeKernel({
      programs: [program],
      domains: () => [
        domainOf("models", { operations: [chat], events: [...Chat.emits] }),
        domainOf("world", { operations: [read] }),
      ],
    });
    const ended = kit.next(answered === 0 ? "agents.run.failed" : "agents.run.finished");
    const grants = [{ key: "world:*" }];
    await kit.call("agents.run", { agent: program.id, title: "x", input: { turn: { task: "x" }, placed }, grants });
    const { code, error, outcome } = (await ended).data as Record<string, string>;
    if (answered === 0) assert.deepEqual([code, error], [BudgetExceeded.code, "there is nothing left"]);
    else assert.equal(outcome, "Stopped: there is nothing left");
  }
});

test("a tool of a server is called with what the model said, under the grant of that tool alone", async () => {
  const given: unknown[] = [];
  const grow = { server: "files", tool: "grow", isReading: true, about: "x", input: { type: "object" } };
  const serverTools = [grow];
  assert.deepEqual(serverTool({ ...grow, isReading: false }).grant, { key: "mcp:call", tool: "files/grow" });
  const program = createProfileProgram({ ...placedWith({ tools: [] }), serverTools }, known);
  const words = [call("files_grow", '{"n":1}'), { text: "done" }];
  const read = bind(ReadByServer, (input) => {
    given.push(input);
    return { result: "grown", label: "tool" as const };
  });
  await using kit = await makeKernel({
    programs: [program],
    domains: () => [modelsOf(words), domainOf("mcp", { operations: [read] })],
  });
  const ended = kit.next("agents.run.finished");
  const placed = { ...placedWith({ tools: [] }), serverTools };
  const grants = [{ key: "mcp:read", tool: "files/grow" }];
  await kit.call("agents.run", { agent: program.id, title: "x", input: { turn: { task: "x" }, placed }, grants });
  await ended;
  assert.deepEqual(given, [{ server: "files", tool: "grow", params: { arguments: { n: 1 } } }]);
});

test("a file that changed since it was attached is read as it is now, and model and person are told", async () => {
  const [then, now] = ["1", "2"].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];
  const read = bind(ReadFile, ({ path }) => ({
    path,
    text: "red",
    fromLine: 1,
    toLine: 1,
    totalLines: 1,
    sizeBytes: 3,
    digest: path === "a.md" ? now : then,
    isTruncated: false,
  }));
  const tools = [ReadFile.id];
  const placed = placedWith({ tools });
  const program = createProfileProgram(placed, new Map([[ReadFile.id, ReadFile]]));
  const said = [call("fs_read", '{"path":"a.md"}'), call("fs_read", '{"path":"b.md"}')];
  await using kit = await makeKernel({
    programs: [program],
    domains: () => [modelsOf(said), domainOf("fs", { operations: [read] })],
  });
  const ended = kit.next("agents.run.finished");
  const turn = { task: "x", attachments: ["a.md", "b.md"].map((path) => ({ path, digest: then })) };
  const grants = [{ key: "fs:read", folder: placed.folder }];
  await kit.call("agents.run", { agent: program.id, title: "x", input: { turn, placed }, grants });
  const { notDone } = (await ended).data as { notDone: string[] };
  assert.deepEqual(notDone, ["a.md changed since it was attached, and was read as it is now"]);
});

test("a child never has a tool, a place or an allowance that its parent has not", () => {
  const tools = fc.subarray(["world.read", "world.write", "world.shut"]);
  const parts = fc.record({ parent: tools, child: tools, grandchild: tools, folder: fc.constantFrom("/", "/etc") });
  fc.assert(
    fc.property(parts, ({ parent, child, grandchild, folder }) => {
      const placed = placedWith({ tools: [...parent] });
      const top = {
        placed,
        turn: { task: "Work" },
        tools: {} as Tools,
        operations: operationsOf(placed, known),
        ceilings: { pass: () => Promise.resolve(), waited: () => {} },
        meter: {} as never,
        known: [],
        depth: 0,
      };
      const given = (own: readonly string[]) => ({
        turn: { task: "Help" },
        placed: { ...placedWith({ tools: [...own] }, "other@garden"), folder },
      });
      const below = childOf(top, given(child));
      const lowest = childOf(below, given(grandchild));
      for (const [each, above, own] of [
        [below, top, child],
        [lowest, below, grandchild],
      ] as const) {
        assert.deepEqual(
          [...each.operations.keys()],
          [...above.operations.keys()].filter((id) => own.includes(id as never)),
        );
        // The same hands, and so the grants, labels and allowances of the parent's run; the same count, the same place.
        assert.deepEqual([each.tools, each.ceilings, each.meter], [top.tools, top.ceilings, top.meter]);
        assert.equal(each.placed.folder, "/garden");
        assert.equal(each.depth, above.depth + 1);
      }
    }),
    runs(50),
  );
});

test("a run asks the model that it was given, and its agent's own where it was given none", async () => {
  const placed = placedWith({ model: "small" });
  const program = createProfileProgram(placed, known);
  const models: string[] = [];
  const asked = modelsOf([]);
  const chat = bind(Chat, (input) => (models.push(input.model), { ...answer, model: input.model }));
  await using kit = await makeKernel({ programs: [program], domains: () => [{ ...asked, operations: [chat] }] });
  for (const turn of [{ task: "Work" }, { task: "Work", model: "localhost:1/large" }]) {
    const ended = kit.next("agents.run.finished");
    await kit.call("agents.run", { agent: program.id, title: "Work", input: { turn, placed } });
    await ended;
  }
  assert.deepEqual(models, ["small", "localhost:1/large"]);
  const told = kit.events().filter(({ kind }) => kind === "agents.run.started");
  assert.deepEqual(
    told.map(({ data }) => (data as { model: string }).model),
    models,
  );
});
