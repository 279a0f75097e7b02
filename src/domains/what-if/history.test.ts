import assert from "node:assert/strict";
import { join } from "node:path";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { beforeAll, test } from "vitest";
import { isCounted, runs } from "../../../test/kit/runs.ts";
import { contractTable } from "../../app/domains.ts";
import { createPolicySeat } from "../../app/policy-seat.ts";
import { createTrialRules } from "../../app/what-if-seat.ts";
import { digestOf } from "../../base/canonical-json.ts";
import type { Label } from "../../contract/caller.ts";
import type { Envelope } from "../../contract/event.ts";
import { gateKey } from "../../contract/operation.ts";
import { labelOf } from "../agents/contract.ts";
import type { PolicyCall } from "../../kernel/ports.ts";
import type { PolicyEffect } from "./contract.ts";
import type { EachDecision } from "./answered-groups.ts";
import { benchOf, compared } from "./decision.ts";
import { createHistory } from "./history.ts";
import { createEffectSum } from "./policy-effect.ts";
import type { Candidate, Rules, Trial, World } from "./port.ts";
import { proposalsFrom } from "./proposals.ts";

const table = contractTable();
let names = 0;
const seat = createPolicySeat({
  folder: join(tmpdir(), "arw-no-such-folder-of-policies"),
  newId: () => `what-if-test-${(names += 1)}`,
});
let rules: Rules;
beforeAll(async () => {
  await seat.load([...table.operations.values()].map(({ operation }) => operation));
  rules = createTrialRules({ engine: () => seat.engine(), askPatterns: [] }, seat.trials);
});

const folder = "/home/ada/notes";
const grants = [{ key: "fs:read", folder }];

/** One call of an agent as a run makes it, in a world that nobody writes down. */
interface Call {
  readonly tool: string;
  readonly folder?: string;
  readonly path?: string;
  readonly host?: string;
  /** Not in the record of a step. */
  readonly model?: string;
  readonly world: World;
  readonly answer: "yes" | "no" | "edited" | "none";
}

const plainWorld: World = { isOpen: false, isShut: false, isUnconfined: false, isLeased: false };
const write = (more: Partial<Call> = {}): Call => ({
  tool: "fs.write",
  folder,
  path: "BRIEF.md",
  world: plainWorld,
  answer: "yes",
  ...more,
});

interface Made {
  readonly events: readonly Envelope[];
  /** What was ruled on in truth, by the positions of the events that tell of it. */
  readonly truth: ReadonlyMap<number, { readonly call: PolicyCall; readonly world: World }>;
}

const journalOf = async (trial: Trial, recorded: readonly (readonly Call[])[]): Promise<readonly Envelope[]> =>
  (await madeOf(trial, recorded)).events;

/** Writes the journal of runs as the corridor and the agent would have, under these rules. */
async function madeOf(trial: Trial, recorded: readonly (readonly Call[])[]): Promise<Made> {
  const events: Envelope[] = [];
  const truth = new Map<number, { readonly call: PolicyCall; readonly world: World }>();
  const say = (kind: string, corrId: string, data: unknown): void => {
    const seq = events.length + 1;
    const caller = "agent:scout";
    events.push({ seq, id: `e${seq}`, timeMs: seq, kind, version: 1, corrId, causeId: null, node: "n", caller, data });
  };
  const isLeased = recorded.flat().some((call) => call.world.isLeased);
  if (isLeased) say("leases.granted", "any", { leaseId: "l", holder: "agent:*" });
  for (const [place, calls] of recorded.entries()) {
    const corrId = `run-${place}`;
    const labels = new Set<Label>(["user"]);
    say("agents.run.started", corrId, {
      agent: "scout",
      model: "none",
      title: "t",
      input: {},
      grants,
      labels: ["user"],
    });
    for (const [index, { tool, world, answer, model, ...target }] of calls.entries()) {
      const operation = table.operations.get(tool)?.operation;
      assert.ok(operation);
      const { effect, needs } = operation;
      const step = index + 1;
      const argsDigest = digestOf({ tool, target, step });
      const caller = { kind: "agent" as const, id: "scout", grants, labels: [...labels] };
      const scope = model === undefined ? target : { ...target, model };
      const call = { operation: tool, key: gateKey(operation), caller, scope, effect, needs };
      const ruling = await trial.rule(call, world);
      const named = { agent: "scout", summary: "s", ...target };
      const approvalId = `q-${place}-${step}`;
      if (ruling.effect === "ask") {
        const asked = { approvalId, operation: tool, key: call.key, input: null, argsDigest, ...target };
        const { id, kind } = caller;
        const told = {
          ...asked,
          caller: { kind, id },
          rule: ruling.rule,
          ruleSource: ruling.source,
          labels: [...labels],
        };
        say("approvals.requested", corrId, told);
        truth.set(events.length, { call, world });
        const kinds = { yes: "granted", edited: "granted", no: "denied", none: "expired" } as const;
        say(`approvals.${kinds[answer]}`, corrId, { approvalId, ...(answer === "edited" ? { edited: {} } : {}) });
      }
      const isDone =
        ruling.effect === "allow" || (ruling.effect === "ask" && (answer === "yes" || answer === "edited"));
      const refused = { step, tool, argsDigest, code: ruling.effect === "deny" ? "arw.denied" : "arw.approval-denied" };
      const recordedStep = { step, tool, argsDigest, resultRef: digestOf(step), resultSizeBytes: 1, kept: "digest" };
      if (!isDone) say("actions.refused", corrId, { ...named, ...refused, rule: ruling.rule, reason: "no" });
      else
        say(effect === "read" ? "observations.recorded" : "actions.applied", corrId, {
          ...named,
          recorded: recordedStep,
        });
      truth.set(events.length, { call, world });
      const label = labelOf(operation);
      if (label !== null) labels.add(label);
    }
    say("agents.run.finished", corrId, { agent: "scout", outcome: "done", notDone: [] });
  }
  return { events, truth };
}

const eachOf =
  (events: readonly Envelope[]): EachDecision =>
  async (add) => {
    const history = createHistory(table);
    for (const event of events) for (const item of history.take(event)) await add(item);
    for (const item of history.rest()) await add(item);
  };

async function effectOf(events: readonly Envelope[], candidate: Candidate): Promise<PolicyEffect> {
  using tried = await rules.over(candidate);
  return await effectUnder(events, tried);
}

async function effectUnder(events: readonly Envelope[], tried: Trial): Promise<PolicyEffect> {
  using before = rules.inForce();
  const sum = createEffectSum(benchOf(before, tried));
  await eachOf(events)((item) => sum.add(item));
  return sum.effect();
}

const world = fc.record({
  isOpen: fc.boolean(),
  isShut: fc.constant(false),
  isUnconfined: fc.boolean(),
  isLeased: fc.boolean(),
});
const anyCall: fc.Arbitrary<Call> = fc
  .tuple(
    fc.constantFrom(
      { tool: "fs.write", folder, path: "a.md" },
      { tool: "fs.write", folder: "/srv", path: "b.md" },
      { tool: "fs.read", folder, path: "a.md" },
      { tool: "fs.read", folder: "/srv", path: "a.md" },
      { tool: "web.fetch", host: "example.org:443" },
      { tool: "shell.run", folder },
      { tool: "models.chat", model: "localhost:11434/small" },
      { tool: "models.chat", model: "far.example/large" },
      { tool: "notes.search" },
      { tool: "episodes.show" },
    ),
    world,
    fc.constantFrom("yes", "no", "edited", "none"),
  )
  .map(([call, in_, answer]) => ({ ...call, world: in_, answer }));
const anyRuns = fc.array(fc.array(anyCall, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 });

/** Reading a set of policies takes Cedar long on a busy machine. */
const limits = { timeout: 120_000 };

test("rules that are as they were change nothing, whatever the record leaves out", limits, async () => {
  using same = await rules.over({ text: "" });
  await fc.assert(
    fc.asyncProperty(anyRuns, async (recorded) => {
      using trial = rules.inForce();
      const events = await journalOf(trial, recorded);
      const effect = await effectUnder(events, same);
      assert.equal(effect.decisions, recorded.flat().length);
      assert.deepEqual([effect.unchanged, effect.unknown, effect.rules], [effect.decisions, 0, []]);
      assert.match(effect.words, /^This policy would have changed nothing of \d+ calls?\.$/);
    }),
    runs(20),
  );
});

test("a rule that forbids everything blocks everything that was not refused before", limits, async () => {
  using none = await rules.over({ text: '@id("all") forbid (principal is Agent, action, resource);' });
  await fc.assert(
    fc.asyncProperty(anyRuns, async (recorded) => {
      using trial = rules.inForce();
      const events = await journalOf(trial, recorded);
      const effect = await effectUnder(events, none);
      const refused = events.filter(
        ({ kind, data }) => kind === "actions.refused" && (data as { code: string }).code === "arw.denied",
      ).length;
      const { decisions, blocked, declined, answered, answeredNo, unchanged, unknown } = effect;
      assert.deepEqual([blocked + declined, unchanged, unknown], [decisions - refused, refused, 0]);
      // A question that nobody said yes to is answered by it as it was; all that was done is kept back.
      const noes = events.filter(({ kind }) => kind === "approvals.denied" || kind === "approvals.expired").length;
      assert.deepEqual([answered, answeredNo, declined], [noes, 0, noes]);
    }),
    runs(20),
  );
});

test(
  "a permit that answers a question is counted with what the person said, and with its examples",
  limits,
  async () => {
    using trial = rules.inForce();
    const events = await journalOf(trial, [
      [write(), write({ path: "other.md" }), write({ answer: "no" })],
      [write({ tool: "fs.read", path: "a.md" }), write({ folder: "/srv" })],
    ]);
    const text = `@id("notes") @answers("ask-before-change")
permit (principal == Agent::"scout", action == Action::"fs.write", resource == Folder::"${folder}");
@id("no-srv") forbid (principal is Agent, action, resource in Folder::"/srv");`;
    const effect = await effectOf(events, { text });
    assert.equal(
      effect.words,
      "This policy would have answered 3 of your 4 prompts (you had said no to 1 of them), blocked 1 call, and changed nothing else.",
    );
    assert.deepEqual(
      effect.rules.map(({ rule, answered, answeredNo, blocked }) => [rule, answered, answeredNo, blocked]),
      [
        ["notes", 3, 1, 0],
        ["no-srv", 0, 0, 1],
      ],
    );
    assert.deepEqual(
      effect.rules[0]?.examples.map(({ episode, target, was, now }) => [episode, target?.path, was, now]),
      [
        ["run-0", "BRIEF.md", "you said yes", "allow"],
        ["run-0", "other.md", "you said yes", "allow"],
        ["run-0", "BRIEF.md", "you said no", "allow"],
      ],
    );
  },
);

test("what the record does not say is unknown where the answer hangs on it, and only there", limits, async () => {
  using trial = rules.inForce();
  const open = { ...plainWorld, isOpen: true };
  const events = await journalOf(trial, [
    [{ tool: "models.chat", world: plainWorld, answer: "yes" }],
    [{ tool: "web.fetch", host: "example.org:443", world: open, answer: "yes" }],
  ]);
  const named = await effectOf(events, {
    text: '@id("m") forbid (principal, action, resource == Model::"localhost:11434/small");',
  });
  assert.deepEqual([named.unknown, named.unknowns], [1, [{ why: "which model was asked", decisions: 1 }]]);
  const every = await effectOf(events, { text: '@id("m") forbid (principal, action, resource is Model);' });
  assert.deepEqual([every.unknown, every.blocked], [1, 0]);
  // The host must have been open, or the call would have been refused: so this is known.
  const closed = await effectOf(events, {
    text: '@id("h") forbid (principal is Agent, action, resource is Host) when { context.open };',
  });
  assert.deepEqual([closed.unknown, closed.blocked], [0, 1]);
});

test(
  "a proposal is as narrow as what was seen, and its effect is what adopting it would have had",
  limits,
  async () => {
    using trial = rules.inForce();
    const events = await journalOf(trial, [
      [write(), write(), write({ path: "b.md" }), write({ tool: "fs.read" }), write()],
      [write({ folder: "/srv", answer: "yes" }), write({ folder: "/srv" }), write({ folder: "/srv", answer: "no" })],
      [
        write({ folder: "/opt", answer: "edited" }),
        write({ folder: "/opt" }),
        write({ folder: "/opt" }),
        write({ folder: "/opt" }),
      ],
    ]);
    const { proposals, skipped } = await proposalsFrom(eachOf(events), rules, { allowedMin: 3 });
    assert.deepEqual(
      proposals.map(({ agent, tool, answersRule, allowed }) => [agent, tool, answersRule, allowed]),
      [["scout", "fs.write", "ask-before-change", 4]],
    );
    const [proposal] = proposals;
    assert.ok(proposal);
    assert.equal(
      proposal.text.split("\n").slice(2).join("\n"),
      `@answers("ask-before-change")
permit (principal == Agent::"scout", action == Action::"fs.write", resource == Folder::"${folder}")
when { ["BRIEF.md", "b.md"].contains(context.path) && ["user", "file"].containsAll(context.labels) };`,
    );
    const { text: candidate, effect } = proposal;
    const alone = await effectOf(events, { text: candidate });
    assert.deepEqual(effect, alone);
    assert.equal(effect.words, "This policy would have answered 4 of your 11 prompts, and changed nothing else.");
    assert.deepEqual(
      skipped.map(({ why, questions }) => [why, questions]),
      [
        ["you said no at least once, and not every time", 3],
        ["you changed what would be done at least once", 4],
      ],
    );
  },
);

test(
  "what a person never allowed is proposed to be forbidden, and that blocks nothing that was done",
  limits,
  async () => {
    using trial = rules.inForce();
    const no = write({ answer: "no" });
    const events = await journalOf(trial, [
      // Another file of the same folder may be allowed; one that was allowed once suggests nothing.
      [no, no, write({ path: "b.md" }), write({ path: "c.md", answer: "no" }), write({ path: "c.md" })],
      [no, write({ folder: "/srv", answer: "no" }), write({ folder: "/opt" })],
    ]);
    const { proposals } = await proposalsFrom(eachOf(events), rules, { allowedMin: 3 });
    assert.deepEqual(
      proposals.map(({ kind, about, allowed, denied: noed, opens }) => [kind, about, allowed, noed, opens]),
      [["forbid", `Refuse without a question: fs.write by agent scout of BRIEF.md in ${folder}.`, 0, 3, []]],
    );
    const [proposal] = proposals;
    assert.ok(proposal);
    assert.match(proposal.text, /^\/\/ You said no to this 3 times .*, and never yes\.\n@id\("adopted-/);
    assert.match(proposal.text, /\nforbid \(principal == Agent::"scout", .*\nwhen \{ \["BRIEF\.md"\]\.contains/);
    assert.match(proposal.effect.words, /^This policy would have answered 3 of your 8 prompts \(with no, and you had /);
    assert.deepEqual(proposal.effect, await effectOf(events, { text: proposal.text }));
  },
);

test(
  "calls behind a wrapper are ruled with what their session is, and with what they asked for where it is kept",
  limits,
  async () => {
    const session = { corrId: "s", causeId: null, node: "n", version: 1, timeMs: 1, caller: "agent:desk" };
    const recordedStep = { tool: "mcp.call", argsDigest: digestOf(1), resultRef: digestOf(1), kept: "digest" };
    const asked = { value: { server: "files", tool: "write_file", params: {} } };
    const told: readonly (readonly [string, object])[] = [
      ["agents.run.started", { agent: "desk", grants: [] }],
      ["mcp.session.opened", { server: "files", agent: "desk" }],
      ["observations.recorded", { agent: "desk", recorded: { ...recordedStep, step: 1, tool: "mcp.read" } }],
      ["leases.granted", { leaseId: "l", holder: "agent:desk" }],
      ["actions.applied", { agent: "desk", asked, recorded: { ...recordedStep, step: 2 } }],
    ];
    const events = told.map(
      ([kind, data], index): Envelope => ({ ...session, seq: index + 1, id: `e${index}`, kind, data }),
    );
    const calm = await effectOf(events, { text: "" });
    assert.deepEqual([calm.decisions, calm.unchanged, calm.differentToday], [2, 2, 0]);
    // Which tool the first one read by nobody wrote down; the second one was kept with its step.
    const one = await effectOf(events, {
      text: '@id("w") forbid (principal, action, resource == Tool::"files/write_file");',
    });
    assert.deepEqual([one.blocked, one.unknown, one.unknowns[0]?.why], [1, 1, "which tool of a server was called"]);
  },
);

const ruleHeads = fc.constantFrom(
  "permit (principal is Agent, action, resource)",
  "forbid (principal is Agent, action, resource is Host)",
  'forbid (principal is Agent, action, resource == Model::"localhost:11434/small")',
  'forbid (principal is Agent, action, resource in Machine::"another")',
  'permit (principal == Agent::"scout", action == Action::"fs.write", resource in Folder::"/srv")',
  'forbid (principal, action in Action::"exec", resource)',
  'forbid (principal is Agent, action in [Action::"write", Action::"hub:books"], resource)',
);
const ruleNotes = fc.constantFrom(
  "",
  "",
  '@ask("sure?") ',
  '@answers("ask-before-change") ',
  '@answers("ask-before-unconfined") ',
);
const ruleConditions = fc.constantFrom(
  "",
  "when { context.open }",
  "unless { context.granted }",
  'when { context.labels.contains("file") }',
  "when { context has unconfined && context.unconfined }",
  'when { context.path like "a*" }',
);
const ruleSets = fc
  .array(fc.tuple(ruleNotes, ruleHeads, ruleConditions), { minLength: 1, maxLength: 3 })
  .map((rules) =>
    rules.map(([note, head, when]) => `${head.startsWith("permit") ? note : ""}${head} ${when};`).join("\n"),
  );

test("an answer that is known is what the rules would have said, whatever the record left out", limits, async () => {
  let known = 0;
  await fc.assert(
    fc.asyncProperty(anyRuns, anyRuns, ruleSets, async (some, more, text) => {
      using before = rules.inForce();
      using candidate = await rules.over({ text });
      const bench = benchOf(before, candidate);
      const { events, truth } = await madeOf(before, [...some, ...more]);
      await eachOf(events)(async (item) => {
        assert.ok(item.kind === "decision");
        const real = truth.get(item.decision.seq);
        assert.ok(real);
        const { now, unknown, isDifferentToday } = await compared(item.decision, bench);
        assert.equal(isDifferentToday, false);
        if (unknown !== null) return;
        known += 1;
        const said = await candidate.rule(real.call, real.world);
        assert.equal(now.effect, said.effect, `${JSON.stringify(real)} under ${text}`);
      });
    }),
    runs(12),
  );
  if (isCounted) assert.ok(known > 50, `${known} answers were known`);
});
