import assert from "node:assert/strict";
import { test } from "vitest";
import { admin, domainOf, type Kit, makeKernel, turn, until } from "../../../test/kit/kernel.ts";
import { createMemoryBlobs } from "../../adapters/files/memory-blobs.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import { bind, op } from "../../contract/operation.ts";
import { closed, Type } from "../../contract/schema.ts";
import type { Store } from "../../kernel/ports.ts";
import type { AgentProgram } from "../agents/contract.ts";
import type { Approval } from "./contract.ts";

const Put = op({
  id: "disk.put",
  http: "POST /disk/put",
  effect: "write",
  about: "Put.",
  input: closed({ folder: Type.String(), path: Type.String() }),
  output: closed({ path: Type.String() }),
  scope: ({ folder, path }) => ({ folder, path }),
});

/** Puts two files, and answers where they came to lie. */
const putter: AgentProgram = {
  id: "putter",
  about: "x",
  model: "none",
  tools: [Put],
  async run(_input, tools) {
    const first = await tools.call(Put, { folder: "/a", path: "one" }, "Put one");
    const second = await tools.call(Put, { folder: "/a", path: "two" }, "Put two");
    return { outcome: "done", notDone: [], output: [first.path, second.path] };
  },
};

async function hub({
  store,
  blobs,
  put,
}: {
  store: Store;
  blobs: ReturnType<typeof createMemoryBlobs>;
  put: string[];
}) {
  const handler = bind(Put, ({ path }) => (put.push(path), { path }));
  return await makeKernel({
    store,
    blobs,
    programs: [putter],
    domains: () => [domainOf("disk", { operations: [handler] })],
  });
}

const waiting = (kit: Kit): Promise<Approval[]> =>
  kit
    .call("state.approvals", { status: "waiting" })
    .then(({ outcome }) => (outcome.kind === "answer" ? (outcome.output as { items: Approval[] }).items : []));

async function allow(kit: Kit, path: string): Promise<void> {
  await until(() => kit.kernel.queue.depth().running > 0, "the run goes");
  let open = await waiting(kit);
  for (let turns = 0; open.length === 0 && turns < 1000; turns += 1) {
    await turn();
    open = await waiting(kit);
  }
  const approvalId = open[0]?.approvalId ?? "";
  await kit.call("approvals.decide", { approvalId, decision: "allow", input: { path } }, admin);
}

test("a resumed run finds the step that a person changed, and learns again what came of it", async () => {
  const place = {
    store: createMemoryStore(),
    blobs: createMemoryBlobs({ sizeBytesMaxEach: 1_000_000 }),
    put: [] as string[],
  };
  const first = await hub(place);
  const began = await first.kernel.dispatch({
    operationId: "agents.run",
    input: { agent: "putter", title: "Put", input: {}, grants: [] },
    credentials: { kind: "caller", caller: admin },
  });
  await allow(first, "moved/one");
  await first.next("actions.applied", () => true);
  const applied = first.events().find(({ kind }) => kind === "actions.applied")?.data as Record<string, unknown>;
  assert.deepEqual([applied["summary"], applied["path"]], ["Put one (with changes by a person)", "moved/one"]);
  await until(() => first.kinds().filter((kind) => kind === "approvals.requested").length === 2, "two is asked for");
  await first[Symbol.asyncDispose]();

  await using second = await hub(place);
  await second.call("agents.resume", { episode: began.corrId });
  await allow(second, "moved/two");
  const finished = await second.next("agents.run.finished", () => true);
  assert.deepEqual((finished.data as { output: unknown }).output, ["moved/one", "moved/two"]);
  assert.deepEqual(place.put, ["moved/one", "moved/two"]);
});
