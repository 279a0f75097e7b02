import assert from "node:assert/strict";
import { test } from "vitest";
import { watchView } from "./view-watch.ts";

const frames = (...items: readonly object[]): Response =>
  new Response(items.map((item) => `data: ${JSON.stringify(item)}\n\n`).join(""));

/** Answers each request with the next of these, then aborts. */
async function script(answers: readonly (() => Response)[]) {
  const control = new AbortController();
  const asked: string[] = [];
  const pauses: number[] = [];
  const view = watchView<{ readonly n: number }>({
    path: "/state/things/-/watch",
    fetch: async (url) => {
      asked.push(typeof url === "string" ? url : "");
      const answer = answers[asked.length - 1];
      if (asked.length >= answers.length) control.abort();
      return answer?.() ?? new Response();
    },
    pause: async (ms) => void pauses.push(ms),
    notifier: { now: () => 0, after: (_ms, run) => run(), isHidden: () => false },
  });
  await view.follow(control.signal);
  return { view, asked, pauses };
}

test("a snapshot, then patches, and after a break on from where it was", async () => {
  const { view, asked } = await script([
    () =>
      frames(
        { kind: "snapshot", seq: 4, rows: { a: { n: 1 } } },
        { kind: "patch", seq: 6, patch: [{ op: "replace", path: "/rows/a/n", value: 2 }] },
      ),
    () => frames({ kind: "patch", seq: 8, patch: [{ op: "add", path: "/rows/b", value: { n: 3 } }] }),
    () => frames(),
  ]);
  assert.deepEqual(asked, ["/state/things/-/watch", "/state/things/-/watch?after=6", "/state/things/-/watch?after=8"]);
  assert.deepEqual(Object.fromEntries(view.rows() ?? []), { a: { n: 2 }, b: { n: 3 } });
});

test("a patch that does not fit asks for a fresh snapshot", async () => {
  const { view, asked } = await script([
    () =>
      frames(
        { kind: "snapshot", seq: 4, rows: {} },
        { kind: "patch", seq: 6, patch: [{ op: "replace", path: "/rows/gone/n", value: 2 }] },
      ),
    () => frames({ kind: "snapshot", seq: 7, rows: { gone: { n: 2 } } }),
  ]);
  assert.deepEqual(asked, ["/state/things/-/watch", "/state/things/-/watch"]);
  assert.deepEqual(Object.fromEntries(view.rows() ?? []), { gone: { n: 2 } });
});

test("a hub that is gone is asked ever less often; a locked one not again", async () => {
  const gone = (): Response => new Response("", { status: 503 });
  const { pauses } = await script([gone, gone, gone, gone, gone, gone]);
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 4000]);
  const locked = await script([() => new Response("", { status: 401 }), gone]);
  assert.deepEqual([locked.asked.length, locked.view.phase()], [1, "locked"]);
});
