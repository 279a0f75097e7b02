import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { admin, domainOf, type Kit, makeKernel, turn } from "../../test/kit/kernel.ts";
import { runs } from "../../test/kit/runs.ts";
import { applyPatch, type Patch } from "../base/json-patch.ts";
import { event } from "../contract/event.ts";
import { isProblem } from "../contract/problem.ts";
import { closed, Type } from "../contract/schema.ts";
import { on, view } from "../contract/view.ts";

const Key = Type.String();
const Put = event({ kind: "plants.put", about: "x", data: closed({ key: Key, height: Type.Integer() }) });
const Pulled = event({ kind: "plants.pulled", about: "x", data: closed({ key: Key }) });
const Plant = closed({ key: Key, height: Type.Integer(), past: Type.Array(Type.Integer()) });
const plant = on<{ key: string; height: number; past: number[] }>();
const plants = view(Plant)({
  name: "plants",
  version: 1,
  about: "Plants.",
  rowsMax: 4,
  filters: {
    tall: { schema: Type.Boolean(), matches: (row: { height: number }, value: boolean) => row.height > 2 === value },
  },
  folds: [
    plant(
      Put,
      (e) => e.data.key,
      (row, e) => ({ ...e.data, past: [...(row?.past ?? []), e.data.height].slice(-3) }),
    ),
    plant(
      Pulled,
      (e) => e.data.key,
      () => null,
    ),
  ],
});

const open = () => makeKernel({ domains: () => [domainOf("plants", { events: [Put, Pulled], views: [plants] })] });
const origin = { caller: admin, corrId: "c", causeId: null };

interface Item {
  readonly kind: "snapshot" | "patch";
  readonly seq: number;
  readonly rows?: Record<string, unknown>;
  readonly patch?: Patch[];
}

async function watch(kit: Kit, after?: number) {
  const controller = new AbortController();
  const { outcome } = await kit.kernel.dispatch({
    operationId: "state.plants.watch",
    input: after === undefined ? {} : { after },
    credentials: { kind: "caller", caller: admin },
    signal: controller.signal,
  });
  const items: Item[] = [];
  const ended = (async () => {
    if (outcome.kind === "stream") for await (const item of outcome.items) items.push(item as Item);
  })();
  await turn();
  return {
    items,
    async stop() {
      await turn();
      controller.abort();
      await ended;
      return items;
    },
  };
}

const rowsNow = (kit: Kit) =>
  Object.fromEntries(kit.kernel.views.list(plants, { limit: 100 }).rows.map(({ key, row }) => [key, row]));
const follow = (state: unknown, items: readonly Item[]) =>
  items.reduce(
    (rows, item) => (item.kind === "snapshot" ? { rows: item.rows } : applyPatch(rows, item.patch ?? [])),
    state,
  );

const key = fc.constantFrom("a", "b", "c/d", "e~f", "g", "h");
const group = fc.array(fc.oneof(fc.record({ key, height: fc.nat(4) }), fc.record({ key })), {
  minLength: 1,
  maxLength: 5,
});
const change = (kit: Kit, changes: readonly ({ key: string } | { key: string; height: number })[]) =>
  Promise.all(changes.map((each) => kit.kernel.journal.emit("height" in each ? Put : Pulled, each, origin)));

test("whoever follows the patches has the rows, also when it was away in between", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(group, { maxLength: 4 }),
      fc.array(group, { maxLength: 4 }),
      fc.array(group, { maxLength: 4 }),
      async (before, away, after) => {
        await using kit = await open();
        for (const each of before.slice(0, 2)) await change(kit, each);
        const first = await watch(kit);
        for (const each of before.slice(2)) await change(kit, each);
        const seen = await first.stop();
        const state = follow({}, seen);
        assert.deepEqual(state, { rows: rowsNow(kit) });
        for (const each of away) await change(kit, each);
        const second = await watch(kit, seen.at(-1)?.seq);
        for (const each of after) await change(kit, each);
        const more = await second.stop();
        assert.deepEqual(follow(state, more), { rows: rowsNow(kit) });
        assert.equal(more.filter((item) => item.kind === "snapshot").length, 0);
        const seqs = [...seen, ...more].map((item) => item.seq);
        assert.deepEqual(
          seqs,
          seqs.toSorted((a, b) => a - b),
        );
      },
    ),
    runs(40),
  );
});

test("a list has pages, filters, a past and a tag; a row that is not there is not found", async () => {
  await using kit = await open();
  for (const [name, height] of [
    ["a", 1],
    ["b", 3],
    ["c", 5],
  ] as const)
    await change(kit, [{ key: name, height }]);
  const list = async (input: object) => {
    const { outcome } = await kit.call("state.plants", input);
    assert.equal(outcome.kind, "answer");
    return outcome as {
      output: { items: { key: string }[]; nextCursor: string | null; seq: number; version: number };
      etag: string;
    };
  };
  const keys = async (input: object) => (await list(input)).output.items.map((each) => each.key);
  assert.deepEqual(await keys({}), ["c", "b", "a"]);
  assert.deepEqual(
    [await keys({ tall: true }), await keys({ tall: false }), await keys({ at: 2 })],
    [["c", "b"], ["a"], ["b", "a"]],
  );
  const { output, etag } = await list({ limit: 2 });
  assert.deepEqual([output.seq, output.version, await keys({ limit: 2, cursor: output.nextCursor })], [3, 1, ["a"]]);
  const foreign = Buffer.from("trees\nb").toString("base64url");
  for (const cursor of ["", "b", "%%%", foreign, `${output.nextCursor}=`])
    await assert.rejects(
      list({ cursor }),
      (fault) => isProblem(fault) && fault.definition.code === "arw.invalid-input",
    );
  await assert.rejects(list({ at: 4 }), /after the newest event/);
  const again = {
    operationId: "state.plants",
    input: { limit: 2 },
    credentials: { kind: "caller", caller: admin },
    ifNoneMatch: etag,
  } as const;
  assert.equal((await kit.kernel.dispatch(again)).outcome.kind, "unchanged");
  assert.notEqual((await list({ limit: 3 })).etag, etag);
  await change(kit, [{ key: "a" }]);
  assert.equal((await kit.kernel.dispatch(again)).outcome.kind, "answer");
  const error = await kit.call("state.plants.get", { key: "a" }).catch((reason: unknown) => reason);
  assert.ok(isProblem(error) && error.definition.code === "arw.not-found");
});

test("the past of a list and of a row is told at a position, and at both ends of an episode", async () => {
  await using kit = await open();
  const put = (height: number, corrId: string) =>
    kit.kernel.journal.emit(Put, { key: "rose", height }, { ...origin, corrId });
  await put(1, "first");
  await put(2, "second");
  await put(3, "second");
  await put(4, "third");
  const heightOf = async (time: object): Promise<unknown> => {
    const { outcome } = await kit.call("state.plants.get", { key: "rose", ...time });
    const { outcome: listed } = await kit.call("state.plants", time);
    const { height } = (outcome as { output: { height: number } }).output;
    const { items } = (listed as { output: { items: readonly { height: number }[] } }).output;
    assert.deepEqual(
      items.map((item) => item.height),
      [height],
    );
    return height;
  };
  assert.deepEqual(
    [
      await heightOf({}),
      await heightOf({ at: 1 }),
      await heightOf({ beforeEpisode: "second" }),
      await heightOf({ afterEpisode: "second" }),
      await heightOf({ afterEpisode: "third" }),
    ],
    [4, 1, 1, 3, 4],
  );
  await assert.rejects(heightOf({ beforeEpisode: "first" }), /no row rose/);
  await assert.rejects(heightOf({ beforeEpisode: "never" }), /nothing of never/);
  await assert.rejects(heightOf({ at: 1, afterEpisode: "first" }), /one moment too many/);
});
