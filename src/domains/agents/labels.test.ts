import assert from "node:assert/strict";
import { test } from "vitest";
import { domainOf, makeKernel, until } from "../../../test/kit/kernel.ts";
import { createFailingStore } from "../../../test/kit/journal.ts";
import { createMemoryBlobs } from "../../adapters/files/memory-blobs.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import type { Label } from "../../contract/caller.ts";
import { bind, op } from "../../contract/operation.ts";
import { closed, Type } from "../../contract/schema.ts";
import type { AgentProgram } from "./contract.ts";
import { labelOf, labelsOf } from "./labels.ts";

const small = { input: closed({ n: Type.Integer() }), output: closed({}), about: "x" };
const Read = op({ id: "world.read", http: "POST /world/read", effect: "read", needs: ["fs:read"], ...small });
const Send = op({ id: "world.send", http: "POST /world/send", effect: "write", needs: ["net:send"], ...small });
const Keep = op({ id: "world.keep", http: "POST /world/keep", effect: "write", needs: ["fs:write"], ...small });
const tools = { read: Read, send: Send, keep: Keep };

const obedient: AgentProgram = {
  id: "obedient",
  about: "x",
  model: "none",
  tools: Object.values(tools),
  async run(input, hands) {
    for (const [n, word] of (input as (keyof typeof tools)[]).entries()) await hands.call(tools[word], { n }, word);
    return { outcome: "done", notDone: [], output: null };
  },
};
const start = { agent: "obedient", title: "x", grants: [{ key: "world:*" }] };

function world() {
  const done: string[] = [];
  const operations = Object.entries(tools).map(([word, each]) =>
    bind(each, ({ n }) => {
      done.push(`${word} ${n}`);
      return {};
    }),
  );
  return { done, domains: () => [domainOf("world", { operations })], programs: [obedient] };
}

test("whose words an answer may hold", () => {
  assert.deepEqual(
    [
      labelOf(Read),
      labelOf(Send),
      labelOf(Keep),
      labelOf({ needs: [], effect: "read" }),
      labelOf({ needs: ["net:fetch"], effect: "read" }),
    ],
    ["file", "web", null, "tool", "web"],
  );
});

test("an operation may say itself whose words one answer holds", () => {
  const said = (labels: readonly Label[]) =>
    labelsOf({ needs: ["hub:read"], effect: "read", labelsOf: () => labels }, {});
  assert.deepEqual([said([]), said(["user"]), said(["file", "user", "web"])], [[], [], ["web", "file"]]);
  assert.deepEqual(labelsOf(Read, null), ["file"]);
});

test("what a person said may leave by a grant; once a file was read, a person is asked, however many steps later", async () => {
  const { done, ...options } = world();
  await using kit = await makeKernel(options);
  await kit.call("agents.run", { ...start, input: ["read", "keep", "keep", "keep", "send"] });
  const asked = await kit.next("approvals.requested", () => true);
  assert.equal((asked.data as { rule: string }).rule, "ask-before-strangers-words-leave");
  assert.deepEqual(done, ["read 0", "keep 1", "keep 2", "keep 3"]);
  const told = world();
  await using other = await makeKernel(told);
  await other.call("agents.run", { ...start, input: ["send"] });
  await other.next("agents.run.finished", () => true);
  assert.deepEqual([told.done, other.kinds().includes("approvals.requested")], [["send 0"], false]);
});

test("a resume forgets nothing of what was read before", async () => {
  const { done, ...options } = world();
  const disk = createMemoryStore();
  const store = createFailingStore(disk);
  const blobs = createMemoryBlobs({ sizeBytesMaxEach: 1_000_000 });
  const first = await makeKernel({ ...options, store, blobs });
  const { corrId: episode } = await first.call("agents.run", { ...start, input: ["read", "keep", "send"] });
  await first.next("approvals.requested", () => true);
  store.failWith("failed");
  await using second = await makeKernel({ ...options, store: disk, blobs });
  await second.call("agents.resume", { episode });
  const questions = () => second.events().filter((each) => each.kind === "approvals.requested");
  await until(() => questions().length === 2, "it asks again");
  const rules = questions().map((each) => (each.data as { rule: string }).rule);
  assert.equal(rules[1], "ask-before-strangers-words-leave");
  assert.deepEqual(done, ["read 0", "keep 1"]);
});
