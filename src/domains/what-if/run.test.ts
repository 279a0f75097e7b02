import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { domainOf, makeKernel } from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import type { Envelope } from "../../contract/event.ts";
import type { Context } from "../../contract/operation.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import { closed, type Static, Type } from "../../contract/schema.ts";
import { BudgetExceeded } from "../../contract/standard-problems.ts";
import type { PolicyCall, Ruling } from "../../kernel/ports.ts";
import { type AgentProgram, UnknownAgent } from "../agents/contract.ts";
import { createReplayer } from "../agents/replayer.ts";
import type { Recording } from "../capsules/contract.ts";
import { noDigest } from "../capsules/cut.ts";
import type { Recorded } from "../episodes/contract.ts";
import type { Run } from "./contract.ts";
import type { Rules, Trial } from "./port.ts";
import { whatIfRun } from "./run.ts";

const world = (name: string, effect: "read" | "write", needs: readonly string[] = []) =>
  op({
    id: `world.${name}`,
    http: `POST /world/${name}`,
    effect,
    needs,
    about: "x",
    input: closed({ n: Type.Integer(), model: Type.Optional(Type.String()), words: Type.Optional(Type.String()) }),
    output: closed({ text: Type.String(), microUsd: Type.Optional(Type.Integer()) }),
    scope: ({ n }) => ({ folder: `/${n % 2 === 0 ? "even" : "odd"}`, path: `${n}.md` }),
    spent: () => ({ tokens: { input: 5, output: 2 } }),
  });
const tools = {
  read: world("read", "read", ["fs:read"]),
  write: world("write", "write"),
  ask: world("ask", "write"),
  think: world("think", "read", ["model:ask"]),
  shut: world("shut", "read"),
};
type Word = keyof typeof tools;
type Script = readonly (readonly [Word, number])[];

/** Makes its calls in order, and tells the last one what the others said. */
const worker: AgentProgram = {
  id: "worker",
  about: "x",
  model: "none",
  tools: Object.values(tools),
  async run(input, hands) {
    const { script, task = "" } = input as { readonly script: Script; readonly task?: string };
    const said: string[] = [];
    for (const [word, n] of script) {
      const model = word === "think" ? { model: n > 9 ? "big" : "small", words: task } : {};
      const told = await hands.call(tools[word], { n: n % 10, ...model }, `${word} ${n}`).catch((error: unknown) => {
        if (!isProblem(error) || error.definition.code === "arw.cancelled") throw error;
        return { text: error.definition.code };
      });
      said.push(told.text);
    }
    if (said.length > 1) await hands.call(tools.read, { n: 9, words: said.join("\n") }, "sum up");
    return { outcome: said.join(" "), notDone: [], output: null };
  },
};

type Ruled = (call: PolicyCall) => Ruling["effect"];
/** As the kit rules: what it asks about by its configuration. */
const kitRules: Ruled = ({ operation }) => (operation === "world.ask" ? "ask" : "allow");
const trialOf = (ruled: Ruled): Trial => ({
  policies: [{ id: "mine", source: "mine.cedar:1", text: "", effect: "permit" }],
  rule: (call) => ({ effect: ruled(call), rule: "mine", source: "mine.cedar:1", reason: "so it says" }),
  [Symbol.dispose]: () => undefined,
});

/** `answers` are what a person says to the questions, in turn. */
async function recorded(input: unknown, answers: readonly object[] = [], isKnown = true) {
  const act = (word: Word) => bind(tools[word], ({ n }) => ({ text: `${word} ${n}`, microUsd: 3 }));
  const kit = await makeKernel({
    programs: [worker],
    deny: ["world:shut"],
    ask: ["world:ask"],
    domains: () => [domainOf("world", { operations: (Object.keys(tools) as Word[]).map(act) })],
  });
  let asked = 0;
  kit.kernel.bus.listen(["approvals.requested"], ({ data }) => {
    const { approvalId } = data as { readonly approvalId: string };
    const answer = answers[asked++ % answers.length] ?? { decision: "allow" };
    void kit.call("approvals.decide", { approvalId, ...answer }).catch(() => undefined);
  });
  const ended = kit.next("task.finished", () => true);
  const grants = ["read", "write", "think", "shut"].map((name) => ({ key: `world:${name}`, folder: "/even" }));
  const odd = grants.map((grant) => ({ ...grant, folder: "/odd" }));
  const call = { agent: "worker", title: "Work", input, grants: [...grants, ...odd] };
  const { corrId: episode } = await kit.call("agents.run", call);
  await ended;
  const events = kit.events().filter(({ corrId }) => corrId === episode);
  const manifest = {
    run: { episode, agent: "worker", title: "Work" },
    inForce: { conditions: null },
    cuts: { events: 0, blobs: 0 },
    replayable: { toStep: 0, ofSteps: 0, reason: null },
    counts: { steps: events.filter(({ data }) => (data as { recorded?: unknown } | null)?.recorded).length },
  };
  const blob = (ref: string) => kit.blobs.get(ref);
  let recording = { manifest, events, blob } as unknown as Recording;
  /** The record as it is once something of it is gone, from the first step that it does not answer. */
  const damage = (
    change: (event: Envelope) => Envelope,
    says: { readonly replayable?: object; readonly cuts?: object } = {},
  ): void => {
    const replayable = { ...manifest.replayable, ...says.replayable } as Recording["manifest"]["replayable"];
    const gapSeq = events.find(
      ({ data }) => (data as { recorded?: Recorded } | null)?.recorded?.step === replayable.toStep + 1,
    )?.seq;
    const said = { ...manifest, ...says, replayable: { ...replayable, gapSeq } };
    recording = { manifest: said, events: events.map(change), blob } as unknown as Recording;
  };
  const nobody = () => {
    throw new Problem(UnknownAgent, "no such agent");
  };
  const replayer = createReplayer({
    programs: isKnown ? [worker] : [],
    finder: { find: async () => null, list: async () => ({ agents: [], faulty: [] }), recorded: nobody },
    problems: () => kit.kernel.table.problems,
    redact: (value) => value,
    soon: (run) => void setImmediate(run),
  });
  const ask = (change: Partial<Static<typeof Run.input>>, candidate: Ruled = kitRules) => {
    const rules: Rules = {
      inForce: () => trialOf(kitRules),
      over: async () => trialOf(candidate),
      recorded: async () => null,
      recordedOver: async () => trialOf(candidate),
    };
    const ctx = { signal: new AbortController().signal } as Context;
    return whatIfRun({ run: episode, ...change }, ctx, {
      rules,
      replayer,
      recordings: { of: async () => recording },
      table: () => kit.kernel.table,
      budgetOf: ([text = "0"]) => callsOf(Number(text)),
    });
  };
  return { kit, ask, damage, headSeq: () => kit.kernel.journal.headSeq() };
}

/** So many calls, and no more. */
function callsOf(max: number) {
  let calls = 0;
  return {
    enter() {
      calls += 1;
      if (calls > max) throw new Problem(BudgetExceeded, "used up", { allowance: `${max} calls/run` });
      return { settle: () => undefined };
    },
  };
}

const scripts = fc.array(fc.tuple(fc.constantFrom("read", "write", "ask", "think", "shut"), fc.nat(9)), {
  minLength: 1,
  maxLength: 5,
}) as fc.Arbitrary<Script>;
const yesNo = [{ decision: "allow" }, { decision: "deny" }];

test("the rules that were in force change nothing; a forbid of everything blocks the first step that was not refused", async () => {
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const { kit, ask, headSeq } = await recorded({ script }, yesNo);
      await using _kit = kit;
      const before = headSeq();
      const same = await ask({ policy: "" });
      assert.deepEqual([same.differences, same.firstChangedStep, same.unknownAfterStep], [[], null, null]);
      assert.deepEqual([same.outcomeNow, same.spentNow], [same.outcomeThen, same.spentThen]);
      assert.equal(same.exactToStep, same.steps);
      const none = await ask({ policy: "" }, () => "deny");
      const first = script.findIndex(([word]) => word !== "shut");
      const place = first < 0 && script.length < 2 ? undefined : first < 0 ? script.length : first;
      assert.equal(none.differences[0]?.step, place === undefined ? undefined : place + 1);
      assert.equal(headSeq(), before, "nothing was done");
    }),
    runs(15),
  );
}, 120_000);

test("a saved question keeps its answer where it was yes, and ends in the unknown where it was no or changed", async () => {
  const input = {
    script: [
      ["ask", 1],
      ["read", 2],
    ],
  };
  const allow: Ruled = () => "allow";
  const yes = await recorded(input);
  await using _yes = yes.kit;
  const saved = await yes.ask({ policy: "" }, allow);
  assert.deepEqual(
    [saved.approvals, saved.unknownAfterStep, saved.outcomeNow],
    [{ asked: 1, saved: 1, added: 0 }, null, "ask 1 read 2"],
  );
  const blocked = await yes.ask({ policy: "" }, ({ operation }) => (operation === "world.ask" ? "deny" : "allow"));
  assert.deepEqual([blocked.approvals, blocked.blocked], [{ asked: 1, saved: 1, added: 0 }, 1]);
  const same = await yes.ask({ policy: "" });
  assert.deepEqual(same.approvals, { asked: 1, saved: 0, added: 0 });
  const no = await recorded(input, [{ decision: "deny" }]);
  await using _no = no.kit;
  const opened = await no.ask({ policy: "" }, allow);
  assert.deepEqual(
    [opened.opened, opened.unknownAfterStep, opened.outcomeNow, opened.spentNow.tokens],
    [1, 0, null, "unknown"],
  );
  assert.match(opened.horizon, /nobody allowed the call then/);
  const edited = await recorded(input, [{ decision: "allow", input: { n: 3 } }]);
  await using _edited = edited.kit;
  const changed = await edited.ask({ policy: "" }, allow);
  assert.deepEqual([changed.differences[0]?.result, changed.unknownAfterStep], ["saved", 0]);
  assert.match(changed.horizon, /you changed the call then/);
});

test("a question more holds if it is allowed; a refusal is told to the agent, and what it altered is not taken from the record", async () => {
  const { kit, ask } = await recorded({
    script: [
      ["read", 2],
      ["write", 4],
      ["read", 1],
      ["read", 6],
    ],
  });
  await using _kit = kit;
  const added = await ask({ policy: "" }, ({ operation }) => (operation === "world.write" ? "ask" : "allow"));
  assert.deepEqual([added.exactToStep, added.unknownAfterStep, added.approvals.added], [1, null, 1]);
  assert.match(added.horizon, /From step 2 on it holds if you would have allowed/);
  const blocked = await ask({ policy: "" }, ({ operation }) => (operation === "world.write" ? "deny" : "allow"));
  // The odd folder is another one; the even one may have been changed by the write.
  assert.deepEqual([blocked.blocked, blocked.firstChangedStep, blocked.unknownAfterStep], [1, 2, 3]);
  assert.match(blocked.horizon, /read after world\.write, which was not done now/);
});

test("a budget cuts off, and its refusal is told like any other", async () => {
  const { kit, ask } = await recorded({
    script: [
      ["read", 1],
      ["read", 2],
      ["read", 3],
    ],
  });
  await using _kit = kit;
  const cut = await ask({ budget: ["2"] });
  assert.deepEqual(
    cut.differences.map(({ step, result, now }) => [step, result, now.rule]),
    [[3, "cut-off", "allowance:2 calls/run"]],
  );
  assert.equal(cut.unknownAfterStep, 3, "what it says of that, the run never said");
  assert.match(cut.diffs[0]?.diff ?? "", /-read 3\n\+arw\.budget-exceeded/);
  assert.deepEqual((await ask({ budget: ["4"] })).differences, []);
});

test("another model is unknown unless the record holds the same call to it; a hint is behind the task", async () => {
  const twice = await recorded({
    script: [
      ["think", 11],
      ["think", 1],
    ],
  });
  await using _twice = twice.kit;
  const small = await twice.ask({ model: "small" });
  assert.deepEqual([small.unknownAfterStep, small.outcomeNow], [null, "think 1 think 1"]);
  assert.deepEqual([small.firstChangedStep, small.spentNow.tokens], [1, small.spentThen.tokens]);
  const huge = await twice.ask({ model: "huge" });
  assert.deepEqual([huge.unknownAfterStep, huge.exactToStep], [0, 0]);
  assert.match(huge.horizon, /^Step 1 is the first that differs\..* nobody knows what huge would have said/);
  // Its person may say what the other model would have answered.
  const told = await twice.ask({ model: "huge", edit: ["1=words"] });
  assert.deepEqual([told.firstChangedStep, told.unknownAfterStep, told.spentNow.tokens], [1, 1, "unknown"]);
  const worded = await recorded({
    script: [
      ["read", 1],
      ["think", 1],
    ],
    task: "Sum up.",
  });
  await using _worded = worded.kit;
  const hinted = await worded.ask({ hint: "Be short." });
  assert.deepEqual([hinted.firstChangedStep, hinted.unknownAfterStep], [2, 1]);
  assert.match(hinted.diffs[0]?.diff ?? "", /\+Be short\./);
  const wordless = await recorded({ script: [["read", 1]] });
  await using _wordless = wordless.kit;
  await assert.rejects(wordless.ask({ hint: "x" }), /no task in words/);
  await assert.rejects(wordless.ask({ model: "small" }), /no step of the run asked a model/);
  await assert.rejects(worded.ask({ model: "small" }), /asked no model but small/);
  assert.deepEqual(hinted.spentThen, { tokens: 7, microUsd: 3, workedMs: hinted.spentThen.workedMs });
});

test("an edit is an answer that the tool could give, and what the agent makes of it is shown", async () => {
  const { kit, ask } = await recorded({
    script: [
      ["read", 1],
      ["read", 2],
    ],
  });
  await using _kit = kit;
  const edited = await ask({ edit: ["1=other words"] });
  assert.deepEqual([edited.firstChangedStep, edited.unknownAfterStep, edited.exactToStep], [1, 2, 2]);
  assert.deepEqual(
    edited.diffs.map(({ step, what }) => [step, what]),
    [
      [1, "answer"],
      [3, "call"],
    ],
  );
  assert.match(edited.diffs[1]?.diff ?? "", /-read 1\n\+other words/);
  await assert.rejects(ask({ edit: ["9=x"] }), /no answer of step 9/);
  await assert.rejects(ask({ edit: ["nine"] }), /is not STEP=ANSWER/);
  const twice = /^step 1 is given two answers, "1=this" and "1=that"; a step gives one, so leave one of them out$/;
  await assert.rejects(ask({ edit: ["1=this", "1=that"] }), (error) => isProblem(error) && twice.test(error.message));
  await assert.rejects(ask({ edit: ['1={"no":1}'] }), {
    message:
      'world.read cannot answer this: unknown field "no". Its answer is an object of text (a text) and microUsd (a whole number, may be left out). It answered {"text":"read 1","microUsd":3}. Fields that are left out stay as they were; a file is given as 1=@FILE',
  });
  await assert.rejects(ask({ edit: ['1={"text":1}'] }), /this: text has to be a text\./);
  await assert.rejects(ask({ edit: ['1={"text":"x","microUsd":1.5}'] }), /this: microUsd has to be a whole number\./);
  const part = await ask({ edit: ['1={"microUsd":4}'] });
  assert.deepEqual([part.firstChangedStep, part.unknownAfterStep, part.outcomeNow], [1, null, "read 1 read 2"]);
  await assert.rejects(ask({}), /nothing is said to be different/);
});

test("calls of a program whose code is elsewhere are ruled again, up to the first that comes to something else", async () => {
  const script = {
    script: [
      ["read", 1],
      ["ask", 2],
      ["write", 4],
    ],
  };
  const { kit, ask, damage } = await recorded(script, [], false);
  await using _kit = kit;
  const same = await ask({ policy: "" });
  assert.deepEqual([same.differences, same.unknownAfterStep, same.exactToStep], [[], null, same.steps]);
  const saved = await ask({ policy: "" }, () => "allow");
  assert.deepEqual([saved.approvals, saved.unknownAfterStep], [{ asked: 1, saved: 1, added: 0 }, null]);
  const blocked = await ask({ policy: "" }, ({ operation }) =>
    operation === "world.write" ? "deny" : kitRules({ operation } as PolicyCall),
  );
  assert.deepEqual([blocked.firstChangedStep, blocked.unknownAfterStep, blocked.outcomeNow], [3, 3, null]);
  assert.match(blocked.horizon, /its calls are ruled again up to step 3/);
  const hinted = await ask({ model: "small" });
  assert.deepEqual([hinted.exactToStep, hinted.unknownAfterStep], [0, 0]);
  const reason = "a secret was cut out of step 3";
  damage((event) => event, { cuts: { events: 1, blobs: 0 }, replayable: { toStep: 2, ofSteps: 4, reason } });
  const cut = await ask({ policy: "" }, ({ operation }) =>
    operation === "world.write" ? "deny" : kitRules({ operation } as PolicyCall),
  );
  assert.deepEqual([cut.differences, cut.exactToStep, cut.unknownAfterStep], [[], 2, 2]);
  assert.match(cut.horizon, /unknown after step 2, as the record goes no further: a secret was cut out of step 3\.$/);
});

/** An event that tells what a step of at least this number answered, changed; others as they are. */
const fromStep =
  (first: number, change: (data: { recorded: Recorded }) => object) =>
  (event: Envelope): Envelope => {
    const data = event.data as { readonly recorded?: Recorded } | null;
    const { recorded } = data ?? {};
    return recorded === undefined || recorded.step < first ? event : { ...event, data: change({ ...data, recorded }) };
  };

const gapScript = {
  script: [
    ["read", 1],
    ["write", 4],
    ["read", 3],
  ],
  task: "Sum up.",
};

test("an answer that is no longer kept ends a what-if there, and what is decided before it is told", async () => {
  const { kit, ask, damage } = await recorded(gapScript);
  await using _kit = kit;
  const whole = await ask({ policy: "" });
  damage(
    fromStep(2, (data) => {
      const { result: _gone, ...recorded } = data.recorded;
      return recorded.step === 2 ? { ...data, recorded: { ...recorded, kept: "blob", resultRef: noDigest } } : data;
    }),
    { replayable: { toStep: 1, ofSteps: 4, reason: "the answer of step 2 is no longer kept" } },
  );
  const same = await ask({ policy: "" });
  assert.deepEqual(
    [same.steps, same.firstChangedStep, same.exactToStep, same.unknownAfterStep, same.outcomeNow],
    [4, null, 1, 1, null],
  );
  assert.equal(
    same.horizon,
    "Up to step 1 of 4 nothing would have come out differently; unknown after step 1, as the record goes no further: the answer of step 2 is no longer kept.",
  );
  assert.deepEqual([same.spentThen, same.spentNow.workedMs], [whole.spentThen, "unknown"]);
  const added = await ask({ policy: "" }, ({ scope }) => (scope.path === "1.md" ? "ask" : "allow"));
  assert.deepEqual(
    [added.differences.map(({ step, result }) => [step, result]), added.unknownAfterStep],
    [[[1, "added"]], 1],
  );
  // What a refused call would have answered nobody needs to know.
  const blocked = await ask({ policy: "" }, ({ operation }) => (operation === "world.write" ? "deny" : "allow"));
  assert.deepEqual([blocked.firstChangedStep, blocked.blocked, blocked.unknownAfterStep], [2, 1, 3]);
  const edited = await ask({ edit: ["1=other words"] });
  assert.deepEqual([edited.firstChangedStep, edited.unknownAfterStep], [1, 1]);
  await assert.rejects(ask({ edit: ["2=x"] }), /the record holds no answer of step 2/);
});

test("behind a secret that was cut out nothing is compared and nothing made up; what differs before it is refused", async () => {
  const { kit, ask, damage } = await recorded(gapScript);
  await using _kit = kit;
  const cut = fromStep(3, (data) => ({
    ...data,
    recorded: { ...data.recorded, argsDigest: noDigest, resultRef: noDigest, result: { text: "[cut]" } },
  }));
  const says = { cuts: { events: 1, blobs: 0 } };
  const reason = "a secret was cut out of step 3";
  damage(cut, { ...says, replayable: { toStep: 2, ofSteps: 4, reason } });
  const same = await ask({ policy: "" });
  assert.deepEqual([same.differences, same.firstChangedStep, same.unknownAfterStep], [[], null, 2]);
  assert.match(same.horizon, /unknown after step 2, as the record goes no further: a secret was cut out of step 3\.$/);
  const blocked = await ask({ policy: "" }, ({ operation }) => (operation === "world.write" ? "deny" : "allow"));
  assert.deepEqual([blocked.firstChangedStep, blocked.blocked, blocked.unknownAfterStep], [2, 1, 2]);
  // The steps behind it are there, and what was called at them is not: no rule is asked about them.
  const none = await ask({ policy: "" }, ({ scope }) => (scope.path === "3.md" ? "deny" : "allow"));
  assert.deepEqual([none.differences, none.unknownAfterStep], [[], 2]);
  const edited = await ask({ edit: ["2=other words"] });
  assert.deepEqual([edited.firstChangedStep, edited.unknownAfterStep, edited.diffs.length], [2, 2, 1]);
  assert.match(edited.horizon, /^Step 2 is the first that differs\. Exact up to step 2 of 4; unknown after step 2, as/);
  // The hint reached nobody before the cut.
  const hinted = await ask({ hint: "Be short." });
  assert.deepEqual([hinted.firstChangedStep, hinted.unknownAfterStep, hinted.diffs], [null, 2, []]);
  assert.match(hinted.horizon, /nothing would have come out differently; unknown after step 2, as the record goes/);
  const model = ask({ model: "huge" });
  await assert.rejects(model, /no step of the run asked a model/);
  // Without a cut, and before one, the same is another run.
  damage(cut);
  await assert.rejects(ask({ policy: "" }), /does not replay: it differs at step 3/);
  damage(cut, { ...says, replayable: { toStep: 3, ofSteps: 4, reason } });
  await assert.rejects(ask({ policy: "" }), /does not replay: it differs at step 3/);
});
