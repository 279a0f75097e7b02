import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createFailingStore } from "../../../test/kit/journal.ts";
import { admin, domainOf, type Kit, type KitOptions, makeKernel, until } from "../../../test/kit/kernel.ts";
import { runs as propertyRuns } from "../../../test/kit/runs.ts";
import { createMemoryBlobs } from "../../adapters/files/memory-blobs.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import type { Caller, Label } from "../../contract/caller.ts";
import { bind, type Context, op } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { closed, type Static, Type } from "../../contract/schema.ts";
import type { Episode } from "../episodes/contract.ts";
import { type AgentProgram, Declassify, type DeclassifiedValue } from "./contract.ts";
import { createHands, type Source, valueKey } from "./hands.ts";

const tool = (word: string, effect: "read" | "write", needs: readonly string[]) =>
  op({
    id: `world.${word}`,
    http: `POST /world/${word}`,
    effect,
    needs,
    input: closed({ n: Type.Integer() }),
    output: closed({ n: Type.Integer() }),
    about: "x",
  });
const tools = {
  file: tool("file", "read", ["fs:read"]),
  web: tool("web", "read", ["net:fetch"]),
  tool: tool("tool", "read", []),
  keep: tool("keep", "write", ["fs:write"]),
  send: tool("send", "write", ["net:send"]),
  pause: tool("pause", "write", []),
};
type Word = keyof typeof tools;

const obedient: AgentProgram = {
  id: "obedient",
  about: "x",
  model: "none",
  tools: [...Object.values(tools), Declassify],
  async run(input, hands) {
    for (const [n, word] of (input as readonly Word[]).entries())
      await hands.call(tools[word], { n }, `${word} ${n}`).catch((error: unknown) => {
        if (!isProblem(error)) throw error;
      });
    return { outcome: "done", notDone: [], output: null };
  },
};

/** What was done outside, and the pause that the test ends. It outlives every hub. */
function createWorld() {
  const done: string[] = [];
  const held: (() => void)[] = [];
  let isOpen = false;
  const operations = Object.entries(tools).map(([word, each]) =>
    bind(each, async ({ n }) => {
      if (word === "pause" && !isOpen) await new Promise<void>((resolve) => held.push(resolve));
      done.push(`${word} ${n}`);
      return { n };
    }),
  );
  return {
    done,
    isHeld: () => held.length > 0,
    release() {
      isOpen = true;
      for (const resolve of held.splice(0)) resolve();
    },
    options: { domains: () => [domainOf("world", { operations })], programs: [obedient] } satisfies KitOptions,
  };
}

const begin = async (kit: Kit, words: readonly Word[], as: Caller = admin): Promise<string> => {
  const asked = { agent: "obedient", title: "x", grants: [{ key: "world:*" }], input: words };
  return (await kit.call("agents.run", asked, as)).corrId;
};
const declassify = async (kit: Kit, episode: string, step: number): Promise<Static<typeof Declassify.output>> => {
  const { outcome } = await kit.call("agents.declassify", { episode, step, reason: "I read it" });
  return (outcome as { output: Static<typeof Declassify.output> }).output;
};
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );
const listed = async <Row>(kit: Kit, operation: string): Promise<readonly Row[]> => {
  const { outcome } = await kit.call(operation, {});
  return (outcome as { output: { items: readonly Row[] } }).output.items;
};
const questions = (kit: Kit): number => kit.kinds().filter((kind) => kind === "approvals.requested").length;

test("a value that a person declassified gives no label any more, and the ledger says who, which and why", async () => {
  const world = createWorld();
  await using kit = await makeKernel(world.options);
  const episode = await begin(kit, ["file", "file", "pause", "send"]);
  await until(world.isHeld, "it pauses");
  const first = await declassify(kit, episode, 1);
  assert.deepEqual([first.isLabelGone, first.openSteps, first.openStepsMore], [false, [2], 0]);
  const second = await declassify(kit, episode, 2);
  assert.deepEqual([second.isLabelGone, second.openSteps], [true, []]);
  const [row] = await listed<Episode>(kit, "state.episodes");
  assert.deepEqual(
    row?.sources.map(({ label, step, summary, isDeclassified }) => [label, step, summary, isDeclassified]),
    [
      ["file", 1, "file 0", true],
      ["file", 2, "file 1", true],
    ],
  );
  world.release();
  await kit.next("agents.run.finished", () => true);
  assert.deepEqual([world.done, questions(kit)], [["file 0", "file 1", "pause 2", "send 3"], 0]);
  const ledger = await listed<DeclassifiedValue>(kit, "state.declassified");
  assert.deepEqual(
    ledger.map(({ episode: of, step, tool: by, label, reason, by: who }) => [of, step, by, label, reason, who]),
    [2, 1].map((step) => [episode, step, "world.file", "file", "I read it", "person:admin"]),
  );
});

test("a label leaves a run exactly when every value that gives it was declassified, whatever the agent does", async () => {
  const words = fc.array(fc.constantFrom<Word>("file", "web", "tool", "keep"), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(words, fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), async (script, wanted) => {
      const world = createWorld();
      await using kit = await makeKernel(world.options);
      const episode = await begin(kit, [...script, "pause", "send"]);
      await until(world.isHeld, "it pauses");
      const sources = [...script.entries()].filter(([, word]) => word !== "keep").map(([n]) => n);
      const left = new Set(sources);
      for (const n of sources) {
        if (wanted[n] !== true) continue;
        left.delete(n);
        const { openSteps } = await declassify(kit, episode, n + 1);
        assert.deepEqual(
          openSteps,
          [...left].filter((other) => script[other] === script[n]).map((other) => other + 1),
        );
      }
      world.release();
      await until(() => questions(kit) > 0 || kit.kinds().includes("agents.run.finished"), "it asks or ends");
      assert.equal(questions(kit), left.size > 0 ? 1 : 0);
    }),
    propertyRuns(12),
  );
});

test("the hands hold what was given and every value learned that is not declassified, in any order", () => {
  const source = fc.record({
    step: fc.integer({ min: 1, max: 4 }),
    label: fc.constantFrom<Label>("file", "web", "tool"),
    digest: fc.constantFrom("a", "b", null),
  });
  const pardon = fc.record({ step: fc.integer({ min: 1, max: 4 }), digest: fc.constantFrom("a", "b") });
  const deed = fc.oneof(
    source.map((value) => ({ learn: value }) as const),
    pardon.map((value) => ({ declassify: value }) as const),
  );
  fc.assert(
    fc.property(fc.subarray<Label>(["user", "web"]), fc.array(deed, { maxLength: 20 }), (labels, deeds) => {
      const hands = createHands({ labels, declassified: new Map(), actorOf: (held) => [...held] as never });
      const learned: Source[] = [];
      const left = new Map<string, number>();
      const wantedAt = (seq: number): Label[] => {
        const open = learned.filter(
          ({ step, digest }) => digest === null || (left.get(valueKey(step, digest)) ?? Number.POSITIVE_INFINITY) > seq,
        );
        return [...new Set([...labels, ...open.map(({ label }) => label)])].toSorted();
      };
      const held = (context: Context): Label[] => [...(context as never as Label[])].toSorted();
      for (const [seq, each] of deeds.entries()) {
        if ("learn" in each) {
          hands.learn(each.learn);
          learned.push(each.learn);
        } else {
          hands.declassify({ ...each.declassify, seq });
          left.set(valueKey(each.declassify.step, each.declassify.digest), seq);
        }
        assert.deepEqual(held(hands.now()), wantedAt(deeds.length));
        assert.deepEqual(held(hands.asOf(seq - 1)), wantedAt(seq - 1), "a call made before stays labelled");
      }
    }),
  );
});

test("a declassification outlives the hub; what was refused before it stays refused, and nothing is done twice", async () => {
  const { options, ...world } = createWorld();
  const disk = createMemoryStore();
  const blobs = createMemoryBlobs({ sizeBytesMaxEach: 1_000_000 });
  const store = createFailingStore(disk);
  const first = await makeKernel({ ...options, store, blobs });
  const episode = await begin(first, ["file", "send", "pause", "send"]);
  const asked = await first.next("approvals.requested", () => true);
  const { approvalId } = asked.data as { approvalId: string };
  await first.call("approvals.decide", { approvalId, decision: "deny" });
  await until(world.isHeld, "it pauses");
  store.failWith("failed");
  const between = createFailingStore(disk);
  const second = await makeKernel({ ...options, store: between, blobs });
  // What a refusal told is a value, too.
  for (const step of [1, 2]) assert.equal((await declassify(second, episode, step)).isLabelGone, true);
  between.failWith("failed");
  await using third = await makeKernel({ ...options, store: disk, blobs });
  assert.equal(await codeOf(declassify(third, episode, 1)), "agents.already-declassified");
  world.release();
  await third.call("agents.resume", { episode });
  await third.next("agents.run.finished", () => true);
  assert.equal(questions(third), 1, "only before");
  assert.deepEqual(
    world.done.filter((each) => !each.startsWith("pause")),
    ["file 0", "send 3"],
  );
});

test("who resumes a run makes what it was given no more their own words", async () => {
  const { options, ...world } = createWorld();
  const disk = createMemoryStore();
  const store = createFailingStore(disk);
  const first = await makeKernel({ ...options, store });
  await begin(first, []);
  await first.next("agents.run.finished", () => true);
  const episode = await begin(first, ["pause", "send"], { ...admin, labels: ["web"] });
  await until(world.isHeld, "it pauses");
  store.failWith("failed");
  await using second = await makeKernel({ ...options, store: disk });
  world.release();
  await second.call("agents.resume", { episode });
  const asked = await second.next("approvals.requested", () => true);
  assert.equal((asked.data as { rule: string }).rule, "ask-before-strangers-words-leave");
});

test("what cannot be declassified says why", async () => {
  const world = createWorld();
  await using kit = await makeKernel(world.options);
  const episode = await begin(kit, ["file", "keep", "pause"]);
  await until(world.isHeld, "it pauses");
  const come = (step: number, as: Caller = admin, of = episode): Promise<string> =>
    codeOf(kit.call("agents.declassify", { episode: of, step, reason: "x" }, as));
  assert.equal(await come(9), "agents.unknown-step");
  assert.equal(await come(2), "agents.not-labelled");
  assert.equal(await come(1, admin, "nobody"), "arw.not-found");
  for (const kind of ["agent", "plugin", "node"] as const)
    assert.equal(await come(1, { kind, id: "obedient", grants: [{ key: "*" }] }), "arw.denied", kind);
  assert.deepEqual((await Promise.all([come(1), come(1)])).toSorted(), ["agents.already-declassified", "ok"]);
  assert.equal(kit.kinds().filter((kind) => kind === "agents.value.declassified").length, 1);
  world.release();
  await kit.next("agents.run.finished", () => true);
  assert.equal(await come(1), "agents.not-running");
});

test("an agent that is told to declassify is refused, and its value keeps the label", async () => {
  const { options, ...world } = createWorld();
  const liar: AgentProgram = {
    ...obedient,
    async run(_input, hands) {
      await hands.call(tools.file, { n: 0 }, "read");
      const order = { episode: "x", step: 1, reason: "the page says so" };
      const said = await codeOf(hands.call(Declassify, order, "obey"));
      world.done.push(said);
      await hands.call(tools.send, { n: 1 }, "send");
      return { outcome: "done", notDone: [], output: null };
    },
  };
  await using kit = await makeKernel({ ...options, programs: [liar] });
  await kit.call("agents.run", { agent: "obedient", title: "x", grants: [{ key: "*" }], input: [] });
  const asked = await kit.next("approvals.requested", () => true);
  assert.equal((asked.data as { rule: string }).rule, "ask-before-strangers-words-leave");
  assert.deepEqual(world.done, ["file 0", "arw.denied"]);
});
