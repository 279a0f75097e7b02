/** What if: a policy over what happened, rules that answers suggest, and one run under other rules and answers; through a real hub. */
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { scriptedModel, serveScript } from "../kit/scripted-chat.ts";
import { runArw } from "./kit/arw.ts";
import { type Exit, type Json, programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { beginBrief, briefToEnd, decide, episodeEnded, episodeWaits } from "./kit/scout-run.ts";

let room: Room;
let hub: RunningHub;
let folder: string;
const episodes: string[] = [];

beforeAll(async () => {
  room = await createRoom();
  hub = await startHub({ stateDir: room.stateDir });
  folder = await room.sample("garden");
  for (let count = 0; count < 3; count += 1) episodes.push(await briefed("allow"));
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

async function briefed(decision: "allow" | "deny", at = folder): Promise<string> {
  const { episode } = await beginBrief(hub, { folder: at });
  const { approvalId } = await episodeWaits(hub, episode);
  await decide(hub, approvalId, decision);
  await episodeEnded(hub, episode);
  return episode;
}

const arw = (...words: readonly string[]): Promise<Exit> => runArw(words, room);

/** The last item of a stream of lines. */
async function policyEffect(policy: string): Promise<Json> {
  const response = await fetch(`${hub.url}/what-if/policy`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${hub.token}`,
      "content-type": "application/json",
      accept: "application/x-ndjson",
    },
    body: JSON.stringify({ policy }),
  });
  assert.equal(response.status, 200, await response.clone().text());
  const lines = (await response.text()).trim().split("\n");
  return JSON.parse(lines.at(-1) ?? "{}");
}

const whatIf = (run: string, change: object): Promise<Json> => hub.post("/what-if", { run, ...change });
const answersIt = (path: string): string => `@id("brief") @answers("ask-before-change")
permit (principal == Agent::"scout", action == Action::"fs.write", resource == Folder::"${folder}")
when { context.path == "${path}" };`;
const forbidAll = '@id("none") forbid (principal is Agent, action, resource);';

test("a policy is held against everything that happened, and the one that was in force changes nothing", async () => {
  const nothing = await policyEffect("");
  assert.equal(nothing.isDone, true);
  assert.match(nothing.effect.words, /^This policy would have changed nothing of \d+ calls\.$/);
  const answered = await policyEffect(answersIt("brief.md"));
  assert.equal(answered.effect.words, "This policy would have answered 3 of your 3 prompts, and changed nothing else.");
  const [rule] = answered.effect.rules;
  assert.deepEqual([rule.rule, rule.answered, rule.examples[0].target.path], ["brief", 3, "brief.md"]);
  const blocked = await policyEffect(forbidAll);
  assert.equal(blocked.effect.blocked, blocked.effect.decisions);
  assert.equal(blocked.effect.unknown, 0);
  const wrong = await hub.call("POST", "/what-if/policy", { policy: "permit (principal, action resource);" });
  assert.deepEqual([wrong.status, wrong.body.code], [409, "policy.invalid-policies"]);
});

test("one run under other rules: exact where nothing changes, and blocked from the first step where everything is forbidden", async () => {
  const [run = ""] = episodes;
  const same = await whatIf(run, { policy: "" });
  assert.deepEqual(
    [same.policyThen, same.firstChangedStep, same.unknownAfterStep, same.differences, same.outcomeNow],
    ["recorded", null, null, [], same.outcomeThen],
  );
  assert.equal(same.exactToStep, same.steps);
  const saved = await whatIf(run, { policy: answersIt("brief.md") });
  assert.deepEqual(
    [saved.approvals, saved.blocked, saved.unknownAfterStep, saved.outcomeNow],
    [{ asked: 1, saved: 1, added: 0 }, 0, null, saved.outcomeThen],
  );
  assert.deepEqual(
    saved.differences.map((each: Json) => [each.tool, each.was.rule, each.now.rule, each.result]),
    [["fs.write", "ask-before-change", "brief", "saved"]],
  );
  const none = await whatIf(run, { policy: forbidAll });
  assert.deepEqual([none.firstChangedStep, none.differences[0].result], [1, "blocked"]);
  assert.deepEqual(none.differences[0].now.rule, "none");
  assert.deepEqual([none.unknownAfterStep, none.spentNow.workedMs], [null, 0]);
  assert.deepEqual(none.approvals, { asked: 1, saved: 1, added: 0 }, "it never came to its question");
  assert.match(none.outcomeNow, /^failed: the policy none forbids fs:list on /);
});

test("a kept capsule is asked under the rules that it brings along", async () => {
  const [episode = ""] = episodes;
  const { capsule } = await hub.post("/capsules/export", { episode, keep: true });
  const saved = await whatIf(capsule.digest, { policy: answersIt("brief.md") });
  assert.deepEqual([saved.episode, saved.policyThen, saved.approvals.saved], [episode, "recorded", 1]);
  const absent = await hub.call("POST", "/what-if", { run: "nothing-of-this-name", policy: "" });
  assert.deepEqual([absent.status, absent.body.code], [404, "arw.not-found"]);
});

test.each(["approval", "brief", "denied-injection", "stopped-loop"])(
  "%s: nothing changes under its own rules",
  async (name) => {
    const run = join(programRoot, "examples", "capsules", `${name}.capsule`);
    const same = await whatIf(run, { policy: "" });
    assert.deepEqual(
      [same.policyThen, same.differences, same.unknownAfterStep, same.outcomeNow],
      ["recorded", [], null, same.outcomeThen],
    );
    const none = await whatIf(run, { policy: forbidAll });
    assert.deepEqual([none.firstChangedStep, none.differences[0].result], [1, "blocked"]);
  },
);

test("a budget cuts the run off, an edit shows what would have been written, and both end where the record does", async () => {
  const [run = ""] = episodes;
  const cut = await whatIf(run, { budget: ["2 calls/run"] });
  assert.deepEqual([cut.firstChangedStep, cut.differences[0].result], [3, "cut-off"]);
  const wide = await whatIf(run, { budget: ["1000 calls/run"] });
  assert.deepEqual([wide.firstChangedStep, wide.unknownAfterStep], [null, null]);
  const bad = await hub.call("POST", "/what-if", { run, budget: ["much"] });
  assert.deepEqual([bad.status, bad.body.code], [400, "budgets.bad-allowance"]);
  const nothing = await hub.call("POST", "/what-if", { run });
  assert.deepEqual([nothing.status, nothing.body.code], [400, "whatif.nothing-changed"]);
  const { events } = await hub.get("/events/journal?limit=100&prefix=observations.");
  const outline = events.find((each: Json) => each.corrId === run && each.data.recorded.tool === "text.outline");
  const { step, result } = outline.data.recorded;
  const told = JSON.stringify(result).replaceAll("shed", "lighthouse");
  const other = await whatIf(run, { edit: [`${step}=${told}`] });
  assert.deepEqual([other.firstChangedStep, other.outcomeNow, other.spentNow.workedMs], [step, null, "unknown"]);
  assert.ok(other.unknownAfterStep >= step && other.unknownAfterStep < other.steps, other.horizon);
  const written = other.diffs.find((each: Json) => each.what === "call" && each.tool === "fs.write");
  assert.match(written?.diff ?? "", /\n\+.*lighthouse/);
  assert.match(other.horizon, /what comes behind is unknown: the record holds no answer to this call of fs\.write\.$/);
  const edit = await hub.call("POST", "/what-if", { run, edit: ["1=no such answer"] });
  assert.deepEqual([edit.status, edit.body.code], [400, "whatif.bad-edit"]);
  const [, answered = ""] = /It answered (.*) Fields that are left out stay/.exec(edit.body.detail) ?? [];
  assert.ok(answered.length > 0 && answered.length <= 200, edit.body.detail);
  assert.match(edit.body.detail, /what is given is not JSON\. Its answer is an object of /);
});

test("a run with a model: its role is costed and ruled on by the model that answered, and nobody guesses what another would say", async () => {
  await using server = await serveScript(({ round }) =>
    round === 0
      ? { calls: [{ name: "fs_read", arguments: { path: "beds.md" } }] }
      : { text: "They need water, see beds.md:1." },
  );
  const { server: name, url, model } = scriptedModel(server);
  const beds = await room.folder("beds", { "beds.md": "Water the beans.\n" });
  await mkdir(join(beds, ".arw", "agents"), { recursive: true });
  const profile = 'about = "Helps."\ninstructions = "Read."\ntools = ["fs.read"]\n';
  await writeFile(join(beds, ".arw", "agents", "helper.toml"), profile);
  for (const [request, body] of [
    [`PUT /models/servers/${name}`, { url }],
    ["PUT /models/roles/chat", { models: [model] }],
    ["POST /projects", { project: "beds", folder: beds }],
  ] as const)
    assert.equal((await hub.send(request, body)).status, 200);
  const run = (await hub.send("POST /agents/run", { agent: "helper@beds", task: "Sum up" })).body.corrId;
  assert.equal((await episodeEnded(hub, run)).status, "finished");
  const told = await whatIf(run, { budget: ["1 token/run"] });
  assert.deepEqual([told.spentThen.tokens, told.differences[0].result, told.unknownAfterStep], [220, "cut-off", 0]);
  const wide = await whatIf(run, { budget: ["1000000 tokens/run"] });
  assert.deepEqual([wide.firstChangedStep, wide.spentNow.tokens], [null, 220]);
  const closed = await whatIf(run, { policy: `forbid (principal is Agent, action, resource == Model::"${model}");` });
  assert.deepEqual([closed.differences[0].result, closed.unknownAfterStep], ["blocked", null]);
  for (const same of ["chat", model]) {
    const idle = await hub.call("POST", "/what-if", { run, model: same });
    assert.deepEqual([idle.status, idle.body.code], [400, "whatif.nothing-changed"]);
  }
  const huge = await whatIf(run, { model: "localhost:1/huge" });
  assert.deepEqual([huge.firstChangedStep, huge.unknownAfterStep, huge.outcomeNow], [1, 0, null]);
  const given = await whatIf(run, { model: "localhost:1/huge", edit: ["1=I would leave it."] });
  assert.deepEqual([given.unknownAfterStep, given.outcomeNow], [null, "I would leave it."]);
  const other = await whatIf(run, { edit: ['2={"text":"Beans are dead."}'] });
  assert.deepEqual([other.firstChangedStep, other.unknownAfterStep], [2, 2]);
  const hinted = await whatIf(run, { hint: "Be short." });
  assert.match(hinted.diffs[0].diff, /\+Be short\./);
});

test("the command line takes a file, a short id and an answer of a step, and says what nothing was done about", async () => {
  const [run = ""] = episodes;
  await writeFile(join(room.path, "mine.cedar"), answersIt("brief.md"));
  const effect = await arw("policy", "what-if", "mine.cedar");
  assert.equal(effect.code, 0, effect.stderr);
  assert.match(
    effect.stdout,
    /would have answered 3 of your 3 prompts, and changed nothing else\.\n\nbrief {2}mine\.cedar:1 {2}3 answered\n/,
  );
  await writeFile(join(room.path, "answer.json"), '{"manifest":null,"atMs":1}');
  const told = await arw("what-if", run.slice(-8), "--policy", "mine.cedar", "--alone", "--edit", "2=@answer.json");
  assert.equal(told.code, 0, told.stderr);
  assert.match(told.stdout, /Step 2, answer of scout\.recall\n(.*\n)+-atMs: null\n\+atMs: 1\n/);
  assert.match(told.stdout, /Questions: 1 then, 0 now \(1 saved\)\. Blocked: 0\./);
  await writeFile(
    join(room.path, "none.cedar"),
    '@id("none") forbid (principal, action == Action::"fs.write", resource);',
  );
  const blocked = await arw("what-if", run.slice(-8), "--policy", "none.cedar");
  assert.match(blocked.stdout, /Questions: 1 then, 0 now \(1 call is blocked instead\)\. Blocked: 1\./);
  assert.match(blocked.stdout, /ask \(.* → deny \(none, none\.cedar:1\)\n/);
  const twice = await arw("what-if", run.slice(-8), "--edit", "2=this", "--edit", "2=@answer.json");
  assert.equal(twice.code, 1, twice.stdout);
  assert.match(twice.stderr, /what is given is not JSON/);
  const both = await arw("what-if", run.slice(-8), "--edit", "2={}", "--edit", "2=@answer.json");
  assert.match(both.stderr, /step 2 is given two answers, "2=\{\}" and "2=\{\\"manifest.*; a step gives one/);
  const bad = join(room.path, "bad.cedar");
  await writeFile(
    bad,
    'permit (principal, action, resource);\npermit (principal, action == Action::"fs.wirte", resource);',
  );
  const faulty = await arw("policy", "what-if", "bad.cedar");
  assert.equal(faulty.code, 1, faulty.stdout);
  const [head, place, ...rest] = faulty.stderr.split("\n");
  assert.equal(head, "✗ The policies do not hold");
  assert.match(place ?? "", /^ {2}bad\.cedar:2:30: .*fs\.wirte.*did you mean/);
  assert.ok(!rest.some((line) => line.includes("wirte") || line.includes("policies/")), faulty.stderr);
  assert.match(faulty.stderr, /Nothing was changed/);
  const model = await arw("what-if", run.slice(-8), "--model", "huge");
  assert.notEqual(model.code, 0);
  assert.match(model.stderr, /no step of the run asked a model/);
  const proposed = await arw("policy", "proposals");
  assert.match(
    proposed.stdout,
    /^p-[0-9a-f]{12}  Let pass without a question: fs\.write by agent scout of brief\.md in /,
  );
});

test("answers suggest a rule; adopted it answers, and withdrawn it is gone", async () => {
  const { proposals } = await hub.get("/what-if/proposals");
  assert.equal(proposals.length, 1);
  const [proposal] = proposals;
  assert.deepEqual(
    [proposal.agent, proposal.tool, proposal.target.folder, proposal.allowed],
    ["scout", "fs.write", folder, 3],
  );
  assert.match(
    proposal.effect.words,
    /^This policy would have answered 3 of your 3 prompts, and changed nothing else\.$/,
  );
  const before = await readdir(join(room.stateDir, "policies")).catch(() => []);
  assert.deepEqual(before, []);
  const adopted = await hub.post(`/what-if/proposals/${proposal.proposal}/adopt`, {});
  assert.match(adopted.place, /^policies\/adopted\.cedar:3$/);
  const text = await readFile(join(room.stateDir, "policies", "adopted.cedar"), "utf8");
  assert.ok(text.includes(adopted.text) && text.includes("// This policy would have answered 3 of your 3 prompts"));
  assert.deepEqual((await hub.get("/what-if/proposals")).proposals, [], "it is gone at once");
  const again = await hub.call("POST", `/what-if/proposals/${proposal.proposal}/adopt`, {});
  assert.deepEqual([again.status, again.body.code], [409, "whatif.rules-changed"]);
  // In force at once: nobody is asked.
  const row = await briefToEnd(hub, { folder });
  assert.deepEqual([row.status, row.counts.approvals], ["finished", 0]);
  // A run is held against the rules of its own time, whatever was adopted or withdrawn since.
  const calm = async (run: string): Promise<unknown> => {
    const { policyThen, differences, unknownAfterStep } = await whatIf(run, { policy: "" });
    return [policyThen, differences, unknownAfterStep];
  };
  assert.deepEqual(await calm(episodes[0] ?? ""), ["recorded", [], null]);
  // Another file is asked about still, and so is another folder.
  const { episode } = await beginBrief(hub, { folder, output: "other.md" });
  const asked = await episodeWaits(hub, episode);
  assert.equal(asked.rule, "ask-before-change");
  await decide(hub, asked.approvalId, "deny");
  await episodeEnded(hub, episode);
  assert.deepEqual((await hub.get("/what-if/proposals")).proposals, [], "what is in force is not proposed again");
  const gone = await hub.call("POST", `/what-if/proposals/${proposal.proposal}/adopt`, {});
  assert.deepEqual([gone.status, gone.body.code], [409, "whatif.rules-changed"]);
  const withdrawn = await hub.post(`/what-if/adopted/${adopted.rule}/withdraw`, {});
  assert.equal(withdrawn.place, adopted.place);
  assert.deepEqual(await calm(row.id), ["recorded", [], null]);
  assert.equal(await briefed("allow").then((each) => typeof each), "string");
  const twice = await hub.call("POST", `/what-if/adopted/${adopted.rule}/withdraw`, {});
  assert.deepEqual([twice.status, twice.body.code], [404, "whatif.not-adopted"]);
  const { rows } = await hub.get("/audit?limit=1000");
  const audited = rows.filter((each: Json) => JSON.stringify(each).includes("whatif"));
  assert.ok(audited.length >= 4, "what was adopted, withdrawn, and refused is in the audit log");
  const { events } = await hub.get("/events/journal?prefix=whatif.");
  assert.deepEqual(events.map((each: Json) => each.kind).toSorted(), ["whatif.rule.adopted", "whatif.rule.withdrawn"]);
});

/** Stands in the sample folder, and nobody knew yet that it is one. */
const lateSecret = "Drain the water tank";

test("behind a secret that was cut out of a capsule all is unknown, and a change before it is tried", async () => {
  const [episode = ""] = episodes;
  const file = join(room.path, "cut.capsule");
  assert.equal((await hub.send("PUT /secrets/LATE", { value: lateSecret })).status, 200);
  const { capsule } = await hub.post("/capsules/export", { episode, file });
  const { toStep, ofSteps, reason } = capsule.manifest.replayable;
  assert.ok(toStep > 0 && toStep < ofSteps, `${toStep} of ${ofSteps}`);
  const same = await whatIf(file, { policy: "" });
  assert.deepEqual(
    [same.steps, same.firstChangedStep, same.unknownAfterStep, same.outcomeNow],
    [ofSteps, null, toStep, null],
  );
  assert.ok(
    same.horizon.endsWith(`unknown after step ${toStep}, as the record goes no further: ${reason}.`),
    same.horizon,
  );
  const none = await whatIf(file, { policy: forbidAll });
  assert.deepEqual([none.firstChangedStep, none.differences[0].result], [1, "blocked"]);
  const told = await arw("what-if", "cut.capsule", "--policy", "none.cedar");
  assert.equal(told.code, 0, told.stderr);
  assert.match(told.stdout, new RegExp(`unknown after step ${toStep}, as the record goes no further`));
});
