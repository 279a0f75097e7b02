import assert from "node:assert/strict";
import { test } from "vitest";
import { domainOf, type Kit, makeKernel, turn } from "../../../test/kit/kernel.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem, Problem, problem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";
import type { AgentProgram } from "../agents/contract.ts";
import type { Episode, StoryLine } from "./contract.ts";

const Torn = problem({ code: "paper.torn", status: 409, title: "Torn", about: "x" });
const paper = (name: string, effect: "read" | "write") =>
  op({
    id: `paper.${name}`,
    http: `POST /paper/${name}`,
    effect,
    about: "x",
    input: closed({ folder: Type.String(), path: Type.String() }),
    output: closed({ text: Type.String() }),
    problems: [Torn],
    scope: ({ folder, path }) => ({ folder, path }),
  });
const [Read, Write, Tear] = [paper("read", "read"), paper("write", "write"), paper("tear", "write")];
const folder = "/home/ada/garden";

/** Reads, concludes, tears a page, and wants to write what it may not. */
const writer: AgentProgram = {
  id: "writer",
  about: "x",
  model: "none",
  tools: [Read, Write, Tear],
  async run(_input, tools) {
    await tools.call(Read, { folder, path: "plan.md" }, "Read the plan");
    await tools.believe({ topic: "plan", statement: "Beans go first\u202e.", sources: [{ path: "plan.md", line: 3 }] });
    await tools.call(Tear, { folder, path: "old.md" }, "Tear the old page").catch(() => null);
    await tools.call(Write, { folder, path: "new.md" }, "Write the new page").catch(() => null);
    return { outcome: "Done what could be done.", notDone: ["new.md was not written"], output: null };
  },
};

async function played(): Promise<{ kit: Kit; episode: string }> {
  const operations = [
    bind(Read, () => ({ text: "beans" })),
    bind(Write, () => ({ text: "" })),
    bind(Tear, () => {
      throw new Problem(Torn, "it was torn already");
    }),
  ];
  const kit = await makeKernel({ programs: [writer], domains: () => [domainOf("paper", { operations })] });
  const grants = [
    { key: "paper:read", folder },
    { key: "paper:tear", folder },
  ];
  const { corrId } = await kit.call("agents.run", {
    agent: "writer",
    title: "Tidy the papers",
    folder,
    input: {},
    grants,
  });
  const asked = await kit.next("approvals.requested", () => true);
  await turn();
  await kit.call("approvals.decide", {
    approvalId: (asked.data as { approvalId: string }).approvalId,
    decision: "deny",
    reason: "not this page",
  });
  await kit.next("task.finished", () => true);
  return { kit, episode: corrId };
}

async function answer<T>(kit: Kit, operationId: string, input: unknown): Promise<T> {
  const { outcome } = await kit.call(operationId, input);
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: T }).output;
}
type Shown = { readonly episode: Episode; readonly story: StoryLine[]; readonly nextAfterSeq: number | null };

test("an episode is told as plain sentences, line by line, with what was refused and why", async () => {
  const { kit, episode } = await played();
  const { story } = await answer<Shown>(kit, "episodes.show", { id: episode });
  assert.deepEqual(
    story.map(({ family, text, isError }) => `${isError ? "! " : ""}${family}: ${text}`),
    [
      "run: writer begins: Tidy the papers (model: none)",
      "run: writer runs here for the first time. It needs nothing. Tools: paper.read, paper.write, paper.tear",
      "observation: Read the plan (plan.md), 16 B recorded",
      // A character that turns text around is shown, not obeyed.
      "belief: Beans go first⟨U+202E⟩. [plan.md:3]",
      "intent: Wants: Tear the old page (old.md)",
      "! action: Failed: Tear the old page (old.md): it was torn already",
      "intent: Wants: Write the new page (new.md)",
      "approval: Asks: paper.write: x (rule ask-before-change)",
      "approval: Denied: not this page",
      "action: Refused: Write the new page (new.md): not this page, by rule ask-before-change",
      "run: Done what could be done. Not done: new.md was not written",
    ],
  );
  assert.ok(!JSON.stringify(story).includes("beans"), "the recorded bytes are not part of a story");
  await kit[Symbol.asyncDispose]();
});

test("an episode counts what happened and shows how it stands", async () => {
  const { kit, episode } = await played();
  const row = (await answer<Shown>(kit, "episodes.show", { id: episode })).episode;
  const { observations, beliefs, intents, actions, approvals } = row.counts;
  assert.deepEqual(
    { observations, beliefs, intents, actions, approvals },
    { observations: 1, beliefs: 1, intents: 2, actions: 0, approvals: 1 },
  );
  assert.deepEqual(
    [row.status, row.errors, row.refusals, row.outcome, row.waitingApprovalIds, row.folder, row.agent],
    ["finished", 1, 1, "Done what could be done.", [], folder, "writer"],
  );
  await kit[Symbol.asyncDispose]();
});

test("while somebody is asked the episode waits, at any position of the journal it stands as it stood", async () => {
  const { kit, episode } = await played();
  const asked = kit.events().find((each) => each.kind === "approvals.requested");
  const statusAt = async (at: number) => {
    const { items } = await answer<{ items: Episode[] }>(kit, "state.episodes", { at });
    return items.find((each) => each.id === episode)?.status;
  };
  const begun = kit.events().find((each) => each.kind === "agents.run.started");
  assert.deepEqual(
    [
      await statusAt((begun?.seq ?? 0) - 1),
      await statusAt(begun?.seq ?? 0),
      await statusAt(asked?.seq ?? 0),
      await statusAt((asked?.seq ?? 0) + 1),
    ],
    [undefined, "running", "waiting", "running"],
  );
  await kit[Symbol.asyncDispose]();
});

test("stories come in pages that join without a seam", async () => {
  const { kit, episode } = await played();
  const whole = await answer<Shown>(kit, "episodes.show", { id: episode });
  const told: StoryLine[] = [];
  let afterSeq: number | null = 0;
  while (afterSeq !== null) {
    const page: Shown = await answer<Shown>(kit, "episodes.show", { id: episode, afterSeq, limit: 3 });
    told.push(...page.story);
    afterSeq = page.nextAfterSeq;
  }
  assert.deepEqual(told, whole.story);
  await kit[Symbol.asyncDispose]();
});

test("episodes are found by status, agent, text and errors; an unknown one is not there", async () => {
  const { kit, episode } = await played();
  const found = async (filter: object) =>
    (await answer<{ items: Episode[] }>(kit, "state.episodes", filter)).items.map((each) => each.id);
  for (const filter of [
    { status: "finished" },
    { agent: "writer" },
    { text: "PAPERS" },
    { errorsOnly: true },
    { since: 0 },
  ])
    assert.deepEqual(await found(filter), [episode]);
  for (const filter of [{ status: "running" }, { agent: "scout" }, { text: "potatoes" }, { since: 9e15 }])
    assert.deepEqual(await found(filter), []);
  const error = await kit.call("episodes.show", { id: "nobody" }).catch((reason: unknown) => reason);
  assert.ok(isProblem(error) && error.definition.status === 404);
  await kit[Symbol.asyncDispose]();
});
