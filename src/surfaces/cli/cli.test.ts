import assert from "node:assert/strict";
import { expect, test } from "vitest";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, FolderPath, oneOf, Type } from "../../contract/schema.ts";
import { standardProblems } from "../../contract/standard-problems.ts";
import { TaskFailed, TaskFinished } from "../../contract/task.ts";
import type { Table } from "../../kernel/kernel.ts";
import {
  CallFailed,
  type CallResult,
  type CliParts,
  HubUnreachable,
  type Input,
  type Presentation,
  type Transport,
} from "./port.ts";
import { runCli } from "./run.ts";

const Gone = problem({ code: "notes.gone", status: 410, title: "Gone", about: "The note is no longer kept." });
const base = { http: "POST /x", effect: "write", output: closed({}) } as const;
const operations = [
  op({
    ...base,
    id: "notes.write",
    cli: "write <folder>",
    mode: "job",
    about: "Write the notes of a folder.",
    input: closed({
      folder: FolderPath,
      allowWrite: Type.Optional(Type.Boolean({ default: false, description: "Do not ask." })),
    }),
  }),
  op({
    ...base,
    id: "notes.find",
    effect: "read",
    about: "Find notes.",
    input: closed({
      limit: Type.Optional(Type.Integer({ default: 10, description: "How many." })),
      tag: Type.Optional(Type.Array(Type.String(), { description: "Only these." })),
      order: Type.Optional(oneOf(["asc", "desc"])),
      hasLinks: Type.Optional(Type.Boolean({ default: true })),
      where: Type.Optional(Type.Unknown()),
      port: Type.Optional(Type.Integer()),
      sinceMs: Type.Integer({ description: "From when on." }),
    }),
  }),
  op({
    ...base,
    id: "state.notes",
    cli: "state notes",
    about: "List: notes.",
    input: closed({ limit: Type.Optional(Type.Integer()) }),
  }),
  op({
    ...base,
    id: "notes.show",
    cli: "notes show <id>",
    about: "Show a note.",
    input: closed({ id: Type.String(), limit: Type.Optional(Type.Integer()) }),
  }),
  op({
    ...base,
    id: "notes.answer",
    cli: "notes answer <id> <decision>",
    about: "Answer.",
    input: closed({ id: Type.String(), decision: oneOf(["allow", "deny"]) }),
  }),
  op({
    ...base,
    id: "notes.question",
    cli: "",
    about: "Ask.",
    input: closed({ key: Type.String() }),
  }),
  op({ ...base, id: "notes.watch", mode: "many", about: "Watch.", input: closed({}) }),
  op({ ...base, id: "notes.hidden", cli: "", about: "Not offered.", input: closed({}) }),
];

// The command line reads operations and problems of the table, and nothing else of it.
const table = {
  operations: new Map(operations.map((operation) => [operation.id, { operation, run: () => assert.fail() }])),
  problems: new Map([...standardProblems, Gone].map((each) => [each.code, each])),
} as unknown as Table;

const presentation: Presentation = {
  shortcuts: [{ words: "notes", operation: "state.notes" }],
  answers: {},
  items: {},
  shortIds: { "notes.show": [{ field: "id", list: "state.notes", key: "id" }] },
  follow: {
    events: "notes.watch",
    progressKinds: ["run.progress"],
    askedKind: "asked",
    answeredKinds: ["answered"],
    question: "notes.question",
    decide: "notes.answer",
    decision: (id, isAllowed) => ({ id, decision: isAllowed ? "allow" : "deny" }),
    story: "notes.show",
    storyInput: (id, afterSeq) => ({ id, afterSeq }),
    storyLines: (output) => output as readonly { seq: number; text: string }[],
    stopCommand: (id) => `arw stop ${id}`,
    showCommand: (id) => `arw notes show ${id}`,
    answerCommand: (id) => `arw notes answer ${id} allow`,
  },
  groups: [
    { title: "Work", words: ["write", "notes", "notes show"] },
    { title: "Hub", words: ["hub", "completion"] },
  ],
  examples: [["arw write ~/notes", "write notes"]],
};

interface Script {
  readonly call?: (id: string, input: Input) => CallResult | Promise<CallResult>;
  readonly items?: (signal: AbortSignal) => AsyncIterable<unknown>;
  readonly isTty?: boolean;
  readonly hasColor?: boolean;
  readonly answer?: (signal: AbortSignal) => Promise<string>;
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly calls: readonly (readonly [string, Input])[];
  readonly questions: readonly string[];
}

const answer = (output: unknown): CallResult => ({ kind: "answer", output });

async function arw(
  words: readonly string[],
  script: Script = {},
  interrupt?: (press: () => void) => void,
): Promise<Ran> {
  const calls: (readonly [string, Input])[] = [];
  const questions: string[] = [];
  let [out, err] = ["", ""];
  const handlers = new Set<() => void>();
  interrupt?.(() => {
    for (const run of handlers) run();
  });
  const transport: Transport = {
    async call(id, input, signal) {
      calls.push([id, input]);
      signal.throwIfAborted();
      return (await script.call?.(id, input)) ?? answer({});
    },
    stream(id, input, signal) {
      calls.push([id, input]);
      return script.items?.(signal) ?? from([]);
    },
    async [Symbol.asyncDispose]() {},
  };
  const parts: CliParts = {
    table,
    presentation,
    version: "1.2.3",
    terminal: {
      write: (text) => void (out += text),
      writeError: (text) => void (err += text),
      columns: 80,
      isTty: script.isTty ?? false,
      isScreen: script.isTty ?? false,
      hasColor: script.hasColor ?? false,
      ask: (question, signal) => {
        questions.push(question);
        return script.answer?.(signal) ?? Promise.reject(new RangeError("nobody answers"));
      },
      onInterrupt(run) {
        handlers.add(run);
        return () => void handlers.delete(run);
      },
      timeText: (ms) => new Date(ms).toISOString(),
      resolvePath: (path) => `/here/${path}`,
    },
    connect: async () => transport,
    startHub: async (flags) => {
      out += `hub ${flags.join(" ")}\n`;
      return 7;
    },
  };
  return { code: await runCli(parts, words), out, err, calls, questions };
}

async function* from(items: readonly unknown[], signal?: AbortSignal): AsyncGenerator {
  yield* items;
  if (signal === undefined) return;
  signal.throwIfAborted();
  await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

test("the overview, the help of a command and the completions are what they were", async () => {
  const texts = await Promise.all(
    [
      ["--help"],
      ["help", "notes", "find"],
      ["write", "--help"],
      ["completion", "bash"],
      ["completion", "zsh"],
      ["completion", "fish"],
    ].map(async (words) => {
      const { code, out } = await arw(words);
      assert.equal(code, 0, words.join(" "));
      return `$ arw ${words.join(" ")}\n${out}`;
    }),
  );
  await expect(texts.join("\n")).toMatchFileSnapshot("cli.golden.txt");
  assert.match((await arw(["--version"])).out, /^1\.2\.3$/mu);
});

test("options become the input: typed, repeated, negated, renamed where a common option has the name", async () => {
  const words = "notes find --since-ms 5 --limit 3 --tag a --tag b --order desc --no-has-links --input-port 9".split(
    " ",
  );
  const { calls } = await arw([...words, "--where", '{"a":[1]}']);
  assert.deepEqual(calls, [
    [
      "notes.find",
      { sinceMs: 5, limit: 3, tag: ["a", "b"], order: "desc", hasLinks: false, port: 9, where: { a: [1] } },
    ],
  ]);
  assert.deepEqual((await arw(["notes", "find", "--since-ms", "5"])).calls, [["notes.find", { sinceMs: 5 }]]);
});

test("what does not parse is refused with exit code 2 and the allowed values", async () => {
  for (const [words, said] of [
    ["notes find", /required option '--since-ms/u],
    ["notes find --since-ms x", /Expected a whole number\./u],
    ["notes find --since-ms 1 --order up", /Expected asc, desc\./u],
    ["notes find --since-ms 1 --where {", /Expected JSON\./u],
    ["notes answer a maybe", /Expected allow, deny\./u],
    ["nots", /Did you mean notes\?/u],
    ["notes hidden", /too many arguments|unknown command/u],
    ["write", /missing required argument 'folder'/u],
  ] as const) {
    const { code, err, calls } = await arw(words.split(" "));
    assert.equal(code, 2, words);
    assert.match(err, said);
    assert.deepEqual(calls, []);
  }
});

test("an option belongs to the command that it stands behind", async () => {
  const id = "0".repeat(36);
  assert.deepEqual((await arw(["notes", "show", id, "--limit", "2"])).calls, [["notes.show", { id, limit: 2 }]]);
  assert.deepEqual((await arw(["notes", "--limit", "2"])).calls, [["state.notes", { limit: 2 }]]);
  assert.deepEqual((await arw(["--json", "notes"], { call: () => answer({ a: 1 }) })).out, '{"a":1}\n');
  assert.deepEqual((await arw(["notes", "--json"], { call: () => answer({ a: 1 }) })).out, '{"a":1}\n');
});

test("answers are tables and pairs, with units read from the names and no escape sequence let through", async () => {
  const items = [
    { id: "a", sizeBytes: 1_200, startedAtMs: 0, tookMs: 3_200, isDone: true, text: "x\u001B[31my", deep: { no: 1 } },
    { id: "b", sizeBytes: 5, startedAtMs: 1000, tookMs: 5, isDone: false, text: "two\nlines" },
  ];
  const { out } = await arw(["notes"], { call: () => answer({ view: "notes", items, nextCursor: "c1" }) });
  assert.equal(
    out,
    [
      "id  sizeBytes  startedAtMs               tookMs  isDone  text",
      "a   1.2 kB     1970-01-01T00:00:00.000Z  3.2 s   yes     xy",
      "b   5 B        1970-01-01T00:00:01.000Z  5 ms    no      two lines",
      "More: --cursor c1",
      "",
    ].join("\n"),
  );
  const pairs = await arw(["notes"], { call: () => answer({ name: "n", list: ["a", "b"], none: null }) });
  assert.equal(pairs.out, "name  n\nlist  a, b\nnone  –\n");
  assert.match((await arw(["notes"], { call: () => answer({ items: [] }) })).out, /Nothing here/u);
});

test("short ids are completed from the list; one that fits several is refused", async () => {
  const ids = ["aaaa-1111", "aaaa-2222", "bbbb-3333"];
  const call = (id: string): CallResult =>
    answer(id === "state.notes" ? { items: ids.map((each) => ({ id: each })) } : {});
  const shown = async (given: string): Promise<unknown> =>
    (await arw(["notes", "show", given], { call })).calls.at(-1)?.[1]["id"];
  assert.equal(await shown("2222"), "aaaa-2222");
  assert.equal(await shown("bb"), "bbbb-3333");
  assert.equal(await shown("none"), "none");
  const { code, err } = await arw(["notes", "show", "aaaa"], { call });
  assert.equal(code, 1);
  assert.match(err, /aaaa is short for 2 ids: aaaa-1111, aaaa-2222/u);
});

const failed = (extra: object): CallFailed =>
  new CallFailed({
    type: "t",
    title: "Gone",
    status: 410,
    code: "notes.gone",
    detail: "note 7 is gone",
    instance: "c1",
    ...extra,
  });

test("a problem says what happened, why, and what is wrong with which option", async () => {
  const call = (): never => {
    throw failed({
      rule: "built-in",
      faults: [
        { at: "/limit", message: "must be >= 1" },
        { at: "/id", message: "bad" },
      ],
    });
  };
  const { code, out, err } = await arw(["notes", "show", "0".repeat(36)], { call });
  assert.equal(code, 1);
  assert.equal(out, "");
  assert.equal(
    err,
    [
      "✗ Gone: note 7 is gone",
      "  --limit: must be >= 1",
      "  <id>: bad",
      "  rule: built-in",
      "  The note is no longer kept.",
      "  notes.gone · c1",
      "",
    ].join("\n"),
  );
  assert.equal(JSON.parse((await arw(["notes", "--json"], { call })).err).code, "notes.gone");
});

test("a hub that is not there is exit code 3 and a next step", async () => {
  const call = (): never => {
    throw new HubUnreachable("http://127.0.0.1:1");
  };
  const { code, err } = await arw(["notes"], { call });
  assert.equal(code, 3);
  assert.match(err, /The hub is not running\..*\n {2}Start it with `npm start`/u);
});

test("the hub is started with the flags as they are", async () => {
  const { code, out } = await arw(["hub", "start", "--port", "1", "--portable"]);
  assert.deepEqual([code, out], [7, "hub --port 1 --portable\n"]);
});

test("a stream prints one item per line, and Ctrl-C ends it", async () => {
  assert.equal((await arw(["notes", "watch"], { items: () => from([{ a: 1 }, "x"]) })).out, "a 1\nx\n");
  assert.equal((await arw(["notes", "watch", "--json"], { items: () => from([{ a: 1 }, "x"]) })).out, '{"a":1}\n"x"\n');
  let press = (): void => {};
  async function* items(signal: AbortSignal): AsyncGenerator {
    yield 1;
    press();
    yield* from([], signal);
  }
  const ran = await arw(["notes", "watch"], { items }, (given) => (press = given));
  assert.deepEqual([ran.code, ran.out], [130, "1\n"]);
});

const accepted: CallResult = { kind: "accepted", taskId: "t1", corrId: "c1" };
const waiting = {
  status: "waiting",
  summary: "create a.md",
  rule: "r",
  diff: "--- a\n+++ b\n@@ -0,0 +1 @@\n+hi\n",
  canUndo: true,
};
const finished = { seq: 9, kind: TaskFinished.kind, data: { taskId: "t1", output: { written: true } } };
const asked = { seq: 2, kind: "asked", data: { approvalId: "p1" } };

/** A hub whose job asks once and ends when it got its answer. */
function askingHub(): Script & { readonly decisions: string[] } {
  const decided = Promise.withResolvers<void>();
  const decisions: string[] = [];
  return {
    decisions,
    call(id, input) {
      if (id === "notes.write") return accepted;
      if (id === "notes.question") return answer(waiting);
      if (id === "notes.show") return answer(input["afterSeq"] === 0 ? [{ seq: 2, text: "story" }] : []);
      decisions.push(String(input["decision"]));
      decided.resolve();
      return answer({});
    },
    async *items(signal) {
      yield { kind: "run.progress", data: { phase: "read", done: 1, total: 4, unit: "files", etaMs: 2000 } };
      yield { kind: "run.progress", data: { phase: "read", done: 1, total: 4, unit: "files", etaMs: 1900 } };
      yield asked;
      await Promise.race([decided.promise, from([], signal).next()]);
      yield { seq: 8, kind: TaskFinished.kind, data: { taskId: "another" } };
      yield finished;
    },
  };
}

test("a person is shown the exact change and asked; y allows, anything else denies", async () => {
  for (const [typed, decision] of [
    ["y", "allow"],
    ["YES ", "allow"],
    ["", "deny"],
    ["yep", "deny"],
  ] as const) {
    const hub = askingHub();
    const ran = await arw(["write", "f"], { ...hub, isTty: true, answer: async () => typed });
    assert.deepEqual([ran.code, hub.decisions, ran.questions], [0, [decision], ["Allow once? [y/N] "]]);
    assert.deepEqual(ran.calls[0], ["notes.write", { folder: "/here/f" }]);
    assert.equal(ran.out, "story\n? create a.md\n  asked by r\n--- a\n+++ b\n@@ -0,0 +1 @@\n+hi\nwritten  yes\n");
  }
});

test("--yes allows without asking, and colours come only when wanted", async () => {
  const hub = askingHub();
  const ran = await arw(["write", "f", "--yes"], { ...hub, isTty: true, hasColor: true });
  assert.deepEqual([ran.code, hub.decisions, ran.questions], [0, ["allow"], []]);
  assert.ok(ran.out.includes("\u001B[32m+hi\u001B[39m"));
});

test("without a person the question says how to answer it, and following goes on", async () => {
  const hub = askingHub();
  let press = (): void => {};
  const call: NonNullable<Script["call"]> = (id, input) => {
    if (id === "notes.question") queueMicrotask(() => setImmediate(() => press()));
    return hub.call?.(id, input) ?? answer({});
  };
  const ran = await arw(["write", "f"], { ...hub, call }, (given) => (press = given));
  assert.equal(ran.code, 130);
  assert.deepEqual(hub.decisions, []);
  assert.match(
    ran.err,
    /^read: 1\/4 files, about 2 s left\nIt waits for an answer: `arw notes answer p1 allow`\n\nNo longer following; it goes on\. Stop it with `arw stop c1`/u,
  );
});

test("Ctrl-C at the question detaches and answers nothing", async () => {
  const hub = askingHub();
  let press = (): void => {};
  const given = (signal: AbortSignal): Promise<string> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      setImmediate(() => press());
    });
  const ran = await arw(["write", "f"], { ...hub, isTty: true, answer: given }, (run) => (press = run));
  assert.deepEqual([ran.code, hub.decisions], [130, []]);
});

test("an answer from elsewhere takes the question away", async () => {
  const shown = Promise.withResolvers<void>();
  async function* items(): AsyncGenerator {
    yield asked;
    await shown.promise;
    yield { seq: 3, kind: "answered", data: { approvalId: "p1" } };
    yield finished;
  }
  const hub = askingHub();
  const given = (signal: AbortSignal): Promise<string> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      shown.resolve();
    });
  const ran = await arw(["write", "f"], { ...hub, items, isTty: true, answer: given });
  assert.deepEqual([ran.code, hub.decisions], [0, []]);
});

test("a question that was answered before is not asked again", async () => {
  const call: NonNullable<Script["call"]> = (id) => {
    if (id === "notes.write") return accepted;
    return answer(id === "notes.question" ? { ...waiting, status: "granted" } : []);
  };
  const ran = await arw(["write", "f"], { call, items: () => from([asked, finished]), isTty: true });
  assert.deepEqual([ran.code, ran.questions, ran.out], [0, [], "written  yes\n"]);
});

test("a job that fails is exit code 1 with its reason", async () => {
  const event = { seq: 3, kind: TaskFailed.kind, data: { taskId: "t1", code: "x.y", detail: "no luck" } };
  const call: NonNullable<Script["call"]> = (id) => (id === "notes.write" ? accepted : answer([]));
  const ran = await arw(["write", "f"], { call, items: () => from([event]) });
  assert.deepEqual([ran.code, ran.err], [1, "✗ Failed: no luck (x.y)\n"]);
});

test("--detach starts and returns, with ids a program can read", async () => {
  const call = (): CallResult => accepted;
  assert.match(
    (await arw(["write", "f", "--detach"], { call })).out,
    /^Started c1\. Look at it with `arw notes show c1`\.\n$/u,
  );
  assert.equal((await arw(["write", "f", "--detach", "--json"], { call })).out, '{"taskId":"t1","corrId":"c1"}\n');
});

test("a call that is held is asked about, then followed until its task ends", async () => {
  const hub = askingHub();
  const call: NonNullable<Script["call"]> = (id, input) =>
    id === "notes.write" ? { kind: "held", approvalId: "p1", corrId: "c1" } : (hub.call?.(id, input) ?? answer({}));
  const ran = await arw(["write", "f", "--yes"], { ...hub, call });
  assert.deepEqual([ran.code, hub.decisions], [0, ["allow"]]);
});
