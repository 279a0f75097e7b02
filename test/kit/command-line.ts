/** A command line over a scripted hub: what it wrote, what it called, and with which code it ended. */
import assert from "node:assert/strict";
import { op } from "../../src/contract/operation.ts";
import { problem } from "../../src/contract/problem.ts";
import { closed, FolderPath, oneOf, Type } from "../../src/contract/schema.ts";
import { standardProblems } from "../../src/contract/standard-problems.ts";
import type { Table } from "../../src/kernel/kernel.ts";
import type { CallResult, CliParts, Input, Presentation, Transport } from "../../src/surfaces/cli/port.ts";
import { runCli } from "../../src/surfaces/cli/run.ts";

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
  op({ ...base, id: "notes.again", cli: "again <note>", about: "Go on.", input: closed({ note: Type.String() }) }),
  op({
    ...base,
    id: "notes.say",
    cli: "say <note> <text>",
    about: "Say something of a note.",
    input: closed({ note: Type.String(), text: Type.String(), isLoud: Type.Optional(Type.Boolean()) }),
  }),
  op({ ...base, id: "notes.check", about: "Check the notes.", input: closed({}) }),
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
  aliases: [{ word: "notes answer", flag: "--in-words", means: ["say"] }],
  answers: {},
  items: {},
  spoken: ["notes.say"],
  jobsLeft: { "notes.again": (output) => (output as { note: string }).note },
  failures: { "notes.check": (output) => (output as { wrong: number }).wrong > 0 },
  shortIds: { "notes.show": [{ field: "id", list: "state.notes", key: "id" }] },
  follow: {
    events: "notes.watch",
    newest: { operation: "notes.newest", input: {}, seqOf: (output) => (output as { seq: number }).seq },
    progressKinds: ["run.progress"],
    askedKind: "asked",
    answeredKinds: ["answered"],
    question: "notes.question",
    decide: "notes.answer",
    decision: (id, isAllowed) => ({ id, decision: isAllowed ? "allow" : "deny" }),
    runAnswer: ({ forRun }) =>
      typeof forRun === "string" ? { words: forRun, input: { decision: "allow for this run" } } : null,
    words: {
      askedKind: "wondered",
      endedKinds: ["settled"],
      waiting: {
        operation: "notes.wonderings",
        input: (id) => ({ id }),
        ids: (output) => (output as { ids?: readonly string[] }).ids ?? [],
      },
      question: "notes.wondering",
      answer: "notes.tell",
      input: (id, text) => ({ id, text }),
      answerCommand: (id) => `arw tell ${id} TEXT`,
    },
    story: "notes.show",
    storyInput: (id, afterSeq) => ({ id, afterSeq }),
    storyLines: (output) => output as readonly { seq: number; text: string; isEnd?: boolean }[],
    storyWaits: (output) => (output as { waits?: readonly string[] }).waits ?? [],
    storyOver: (output) => (output as { isOver?: boolean }).isOver === true,
    storyMore: (output) => (output as { more?: number }).more ?? null,
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

export interface Script {
  readonly call?: (id: string, input: Input) => CallResult | Promise<CallResult>;
  readonly items?: (signal: AbortSignal) => AsyncIterable<unknown>;
  readonly onStream?: (input: Input) => void;
  readonly faultDocument?: NonNullable<CliParts["faultDocument"]>;
  readonly isTty?: boolean;
  readonly hasColor?: boolean;
  readonly answer?: (signal: AbortSignal) => Promise<string>;
  /** Nothing that is waited for comes, unless the script says so. */
  readonly wait?: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly calls: readonly (readonly [string, Input])[];
  readonly questions: readonly string[];
}

export const answer = (output: unknown): CallResult => ({ kind: "answer", output });

export async function arw(
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
      script.onStream?.(input);
      calls.push([id, input]);
      return script.items?.(signal) ?? from([]);
    },
    async [Symbol.asyncDispose]() {},
  };
  const parts: CliParts = {
    table,
    presentation,
    version: "1.2.3",
    ...(script.faultDocument === undefined ? {} : { faultDocument: script.faultDocument }),
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
    wait: script.wait ?? ((_delayMs, signal) => aborted(signal)),
    startHub: async (flags) => {
      out += `hub ${flags.join(" ")}\n`;
      return 7;
    },
  };
  return { code: await runCli(parts, words), out, err, calls, questions };
}

export async function* from(items: readonly unknown[], signal?: AbortSignal): AsyncGenerator {
  yield* items;
  if (signal === undefined) return;
  await aborted(signal);
}

async function aborted(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}
