import assert from "node:assert/strict";
import { test } from "vitest";
import { patternWords } from "./pattern-words.ts";
import { checkerOf, closed, Type } from "./schema.ts";

test.each([
  ["^[a-z][a-z0-9-]{0,39}$", 'must be 1 to 40 small letters, digits or "-", and begin with a small letter'],
  ["^[A-Z][A-Z0-9_]{0,63}$", 'must be 1 to 64 capitals, digits or "_", and begin with a capital'],
  ["^[A-Za-z0-9._:@-]{1,120}$", 'must be 1 to 120 letters, digits, ".", "_", ":", "@" or "-"'],
  ["^sha256:[0-9a-f]{64}$", 'must be "sha256:" and 64 digits or letters from a to f'],
  ["^[0-9a-f]{4,64}$", "must be 4 to 64 digits or letters from a to f"],
  ["^p-[0-9a-f]{12}$", 'must be "p-" and 12 digits or letters from a to f'],
  ["^(sha256:)?[0-9a-f]{8,64}$", 'must be 8 to 64 digits or letters from a to f, with or without "sha256:" in front'],
  ["^[A-Za-z0-9_-]{1,64}$", 'must be 1 to 64 letters, digits, "_" or "-"'],
  ["^[a-z]+$", "must be small letters"],
  ["\\S", "must not be blank"],
])("%s is said in words", (pattern, words) => {
  assert.equal(patternWords(pattern), words);
});

test.each([
  "^(\\*|[a-z][A-Za-z0-9_.:-]*\\*?)$",
  "^[1-9][0-9]{0,5}[mhd]$",
  "^[^\\u0000]+$",
  "^[x-z]{2}$",
  "^[a\\]]$",
  "^a|b$",
])("%s has no such words", (pattern) => {
  assert.equal(patternWords(pattern), null);
});

test("limits and choices are told in words, too", () => {
  const schema = closed({
    limit: Type.Integer({ minimum: 1, maximum: 9 }),
    more: Type.Integer({ maximum: 9 }),
    kind: Type.Literal("a"),
    name: Type.String({ minLength: 1 }),
    either: Type.Union([Type.Null(), Type.Integer()]),
  });
  const faults = checkerOf(schema).faults({ limit: 0, more: 10, kind: "b", name: "", either: "x" });
  assert.deepEqual(
    new Set(faults.map(({ at, message }) => `${at} ${message}`)),
    new Set([
      "/limit must be at least 1",
      "/more must be at most 9",
      '/kind must be "a"',
      "/name must not be empty",
      "/either must be null",
      "/either must be a whole number",
      "/either has none of the forms that it may have",
    ]),
  );
});

test("what is missing, and what is of another kind, is told in words, too", () => {
  const schema = closed({
    text: Type.String(),
    share: Type.Number(),
    isOn: Type.Boolean(),
    names: Type.Array(Type.String()),
    inner: closed({ a: Type.Integer(), b: Type.Integer() }),
    more: Type.Unsafe<unknown>({ type: ["string", "null"] }),
  });
  const wrong = { text: 1, share: "x", isOn: "yes", names: {}, inner: [], more: 1 };
  const said = (value: object): readonly string[] =>
    checkerOf(schema)
      .faults(value)
      .map(({ at, message }) => `${at} ${message}`.trim())
      .toSorted();
  assert.deepEqual(said(wrong), [
    "/inner must be an object",
    "/isOn must be true or false",
    "/more must be a text or null",
    "/names must be a list",
    "/share must be a number",
    "/text must be a text",
  ]);
  const { text: _text, ...rest } = { ...wrong, share: 1, isOn: true, names: [], inner: {}, more: null };
  assert.deepEqual(said(rest), ['/inner must have the fields "a", "b"', 'must have the field "text"']);
});

test("a value of another form is told what its author says of the form, wherever it stands", () => {
  const time = { pattern: "^[1-9][0-9]{0,5}(s|m|h|d)$", description: "How long, as `90s` or `15m`." };
  const schema = closed({
    name: Type.String({ pattern: "^[A-Z][A-Z0-9_]{0,63}$" }),
    "a/b": Type.Array(Type.String(time)),
    hosts: Type.Array(Type.String({ pattern: "^(a|b)$" }), { description: "Hosts, `a` or `b`." }),
    bare: Type.String({ pattern: "^(a|b)$", examples: ["a"] }),
  });
  assert.deepEqual(checkerOf(schema).faults({ name: "later", "a/b": ["15m", "soon"], hosts: ["c"], bare: "c" }), [
    { at: "/name", message: 'must be 1 to 64 capitals, digits or "_", and begin with a capital' },
    { at: "/a~1b/1", message: "does not have the form that it takes: How long, as `90s` or `15m`" },
    { at: "/hosts/0", message: "does not have the form that it takes: Hosts, `a` or `b`" },
    { at: "/bare", message: "does not have the form that it takes, such as a" },
  ]);
});
