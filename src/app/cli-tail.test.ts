import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "vitest";
import { CallFailed, HubUnreachable, type Input, type Transport } from "../surfaces/cli/port.ts";
import { tailCommand } from "./cli-tail.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "arw-tail-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const event = (seq: number) => ({ seq, kind: "notes.written", data: {} });
const gap = (fromSeq: number, toSeq: number) => ({ kind: "bus.gap", data: { fromSeq, toSeq, skipped: 1 } });

/** What a stream does when it is opened: items, and then an error, a clean end, or the person leaving. */
interface Script {
  readonly items: readonly object[];
  readonly end: "leave" | "close" | Error;
}

interface Told {
  readonly code: number;
  readonly printed: readonly { readonly seq?: number; readonly kind: string }[];
  readonly err: string;
  /** Positions that streams were opened behind. */
  readonly opened: readonly unknown[];
  readonly asked: readonly Input[];
}

/** A hub with events 1 to `headSeq`, and streams that follow the scripts one after the other. */
async function tailed(
  scripts: readonly Script[],
  options: {
    readonly flags?: Readonly<Record<string, readonly string[]>>;
    readonly node?: string;
    readonly headSeq?: number;
  } = {},
): Promise<Told> {
  const { flags = {}, node = "hub-a", headSeq = 9 } = options;
  const [opened, asked]: [unknown[], Input[]] = [[], []];
  let [out, err] = ["", ""];
  let leave = (): void => undefined;
  const transport: Transport = {
    async call(operationId, input) {
      if (operationId === "system.about") return { kind: "answer", output: { node } };
      asked.push(input);
      const { afterSeq = 0, toSeq = headSeq, limit = 200 } = input as Record<string, number>;
      const seqs = Array.from({ length: Math.min(limit, toSeq - afterSeq) }, (_none, index) => toSeq - index);
      return { kind: "answer", output: { events: seqs.map(event), headSeq, nextCursor: null } };
    },
    async *stream(_operationId, input, signal) {
      const script = scripts[opened.length];
      assert.ok(script, "no more streams than were scripted");
      opened.push(input["after"]);
      yield { kind: "service.connected", data: {} };
      yield* script.items;
      if (script.end instanceof Error) throw script.end;
      if (script.end === "leave") leave();
      signal.throwIfAborted();
    },
    async [Symbol.asyncDispose]() {},
  };
  const code = await tailCommand({
    terminal: {
      write: (text) => void (out += text),
      writeError: (text) => void (err += text),
      columns: 80,
      isTty: false,
      isScreen: false,
      hasColor: false,
      ask: () => Promise.reject(new RangeError("nobody answers")),
      onInterrupt: (run) => {
        leave = run;
        return () => undefined;
      },
      timeText: String,
      resolvePath: (path) => join(folder, path),
    },
    connect: async () => transport,
    wait: () => Promise.resolve(),
    lineOf: () => "line",
  }).run({ argument: "", flags, globals: {} });
  const printed = out.split("\n").filter(Boolean);
  return { code, err, opened, asked, printed: printed.map((line) => JSON.parse(line)) };
}

const seqs = ({ printed }: Told): unknown[] => printed.map((each) => each.seq ?? each.kind);

test("a broken connection is taken up behind the last event, and nothing is printed twice", async () => {
  const told = await tailed([
    { items: [event(10), event(11)], end: new HubUnreachable("http://hub") },
    { items: [event(11), event(12)], end: new TypeError("terminated") },
    { items: [event(13)], end: "leave" },
  ]);
  assert.deepEqual([told.opened, seqs(told), told.code], [[9, 11, 12], [10, 11, 12, 13], 0]);
});

test("a gap is shown and filled from the journal, in order and in pages", async () => {
  const toSeq = 2500;
  const told = await tailed([{ items: [event(10), gap(11, toSeq), event(toSeq + 1)], end: "leave" }]);
  const expected = Array.from({ length: toSeq - 8 }, (_none, index) => index + 10);
  assert.deepEqual(seqs(told), [10, "bus.gap", ...expected.slice(1)]);
  assert.deepEqual(
    told.asked.slice(1).map((each) => each["toSeq"]),
    [1010, 2010, 2500],
  );
});

test("live events have no position: they are shown and move nothing", async () => {
  const told = await tailed([
    { items: [{ kind: "notes.progress", data: {} }], end: "close" },
    { items: [], end: "leave" },
  ]);
  assert.deepEqual([seqs(told), told.opened], [["notes.progress"], [9, 9]]);
});

test("replay shows the newest first once; a cursor that is known goes before it", async () => {
  const flags = { replay: ["3"], cursor: ["here.json"], prefix: ["notes.,other."] };
  const first = await tailed([{ items: [event(10)], end: "leave" }], { flags });
  assert.deepEqual([seqs(first), first.opened], [[7, 8, 9, 10], [9]]);
  assert.deepEqual(first.asked[0]?.["prefix"], ["notes.", "other."]);
  assert.deepEqual(JSON.parse(await readFile(join(folder, "here.json"), "utf8")), { node: "hub-a", seq: 10 });
  const second = await tailed([{ items: [event(11)], end: "leave" }], { flags });
  assert.deepEqual([seqs(second), second.opened], [[11], [10]]);
});

test("the position is kept when the hub refuses, and a refusal is not tried again", async () => {
  const document = { type: "", title: "Denied", status: 403, code: "arw.denied", detail: "no", instance: "" };
  const items = [event(10), event(11)];
  const flags = { cursor: ["here.json"] };
  await assert.rejects(tailed([{ items, end: new CallFailed(document) }], { flags }), CallFailed);
  assert.equal(JSON.parse(await readFile(join(folder, "here.json"), "utf8")).seq, 11);
});

test("a cursor of another hub is refused, a damaged one is kept aside, and a bad number is told", async () => {
  const flags = { cursor: ["here.json"] };
  await tailed([{ items: [], end: "leave" }], { flags });
  await assert.rejects(tailed([], { flags, node: "hub-b" }), /hub hub-a, and this is hub hub-b/);
  await writeFile(join(folder, "torn.json"), '{"node":"hub-a","se');
  const torn = await tailed([{ items: [], end: "leave" }], { flags: { cursor: ["torn.json"] } });
  assert.match(torn.err, /torn\.json was damaged and is kept as .*\.corrupt-/);
  assert.equal((await tailed([], { flags: { replay: ["many"] } })).code, 2);
});

test("a position that cannot be written ends with an error", async () => {
  const told = await tailed([{ items: [event(10)], end: "leave" }], { flags: { cursor: ["missing/here.json"] } });
  assert.equal(told.code, 1);
  assert.match(told.err, /position cannot be kept/);
});
