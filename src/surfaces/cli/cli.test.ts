import assert from "node:assert/strict";
import { expect, test } from "vitest";
import { answer, arw, from } from "../../../test/kit/command-line.ts";
import { CallFailed, type CallResult, HubUnreachable } from "./port.ts";

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

test("a flag that means another command is told beside the options, and calls that one", async () => {
  const { out } = await arw(["notes", "answer", "--help"]);
  assert.match(out, /\nWith --in-words, as `arw say`:\n {2}\S/u);
  const { calls } = await arw(["notes", "answer", "n", "a", "--in-words"]);
  assert.deepEqual(calls, [["notes.say", { note: "n", text: "a" }]]);
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

test("what a person says needs no quotes, and options may stand before and behind it", async () => {
  const said = { note: "n", text: "what is due in  March" };
  for (const words of [
    ["n", "what is due in  March"],
    ["n", "what", "is", "due in  March"],
  ])
    assert.deepEqual((await arw(["say", ...words])).calls, [["notes.say", said]]);
  assert.deepEqual((await arw(["say", "--is-loud", "n", "a", "b"])).calls, [
    ["notes.say", { note: "n", text: "a b", isLoud: true }],
  ]);
  assert.equal((await arw(["say", "n"])).code, 2);
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
    ["write ", /Expected a path\./u],
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
  const times = await arw(["notes"], { call: () => answer({ validFromMs: 0, validToMs: 1000 }) });
  assert.equal(times.out, "validFromMs  1970-01-01T00:00:00.000Z\nvalidToMs    1970-01-01T00:00:01.000Z\n");
  assert.match((await arw(["notes"], { call: () => answer({ items: [] }) })).out, /Nothing here/u);
  const beside = await arw(["notes"], { call: () => answer({ rules: 1, held: [], idle: ["mistyped"] }) });
  assert.match(beside.out, /idle +mistyped/u);
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

test("what is told of an option, or of a place in a file, is not told a second time", async () => {
  const faults = [
    { at: "/limit", message: "must be >= 1" },
    { at: "policies/a.cedar:3", message: "unexpected end", hint: "close it" },
  ];
  const told = async (detail: string, given = faults): Promise<string> => {
    const call = (): never => {
      throw failed({ detail, faults: given });
    };
    return (await arw(["notes", "show", "0".repeat(36)], { call })).err;
  };
  const rest = "  The note is no longer kept.\n  notes.gone · c1\n";
  const lines = "  --limit: must be >= 1\n  policies/a.cedar:3: unexpected end (close it)\n";
  assert.equal(await told("notes.show: /limit must be >= 1"), `✗ Gone: notes.show\n${lines}${rest}`);
  assert.equal(
    await told("they do not hold:\npolicies/a.cedar:3: unexpected end (close it)\nand 1 more"),
    `✗ Gone: they do not hold\n${lines}${rest}`,
  );
  const typed = (): never => {
    throw failed({ code: "arw.invalid-input", detail: "notes.show: /limit must be >= 1", faults: faults.slice(0, 1) });
  };
  const { err } = await arw(["notes", "show", "0".repeat(36)], { call: typed });
  assert.match(err, /\n {2}--limit: must be >= 1\n {2}`arw help notes show` tells what it takes\.\n/);
  const many = Array.from({ length: 10 }, (_each, place) => ({ at: `/${place}`, message: "bad", hint: "none" }));
  assert.match(await told("bad", many), /\n {2}and 2 more\n/);
});

test("a file that the machine refuses is a problem, and a defect is none", async () => {
  const document = { type: "t", title: "No file", status: 503, code: "cli.file", detail: "/x: full", instance: "" };
  const faultDocument = (error: unknown) => (error instanceof RangeError ? document : null);
  const thrown = (error: Error) => ({
    call: () => {
      throw error;
    },
    faultDocument,
  });
  const { code, err } = await arw(["notes"], thrown(new RangeError("x")));
  assert.deepEqual([code, err], [1, "✗ No file: /x: full\n  cli.file\n"]);
  await assert.rejects(arw(["notes"], thrown(new TypeError("a defect"))), TypeError);
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

test("an answer that tells of a failure is printed, and ends as a problem does", async () => {
  for (const [wrong, code] of [
    [0, 0],
    [2, 1],
  ] as const) {
    const ran = await arw(["notes", "check", "--json"], { call: () => answer({ wrong }) });
    assert.deepEqual([ran.code, ran.out], [code, `{"wrong":${wrong}}\n`]);
  }
});
