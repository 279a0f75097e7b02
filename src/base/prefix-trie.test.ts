import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createKeyTrie, createPrefixMatcher, isKeyPattern } from "./prefix-trie.ts";

const word = fc.string({ unit: fc.constantFrom("a", "A", "b", "."), maxLength: 5 });

test("a matcher answers like a filter over all prefixes, through adding and removing", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ prefix: word, isRemoved: fc.boolean() })), fc.array(word), (entries, keys) => {
      const matcher = createPrefixMatcher<number>();
      const removals = entries.map((entry, index) => matcher.add(entry.prefix, index));
      for (const key of keys) matcher.match(key);
      entries.forEach((entry, index) => {
        if (!entry.isRemoved) return;
        removals[index]?.();
        removals[index]?.();
      });
      for (const key of keys) {
        const expected = entries.flatMap((entry, index) =>
          !entry.isRemoved && key.toLowerCase().startsWith(entry.prefix.toLowerCase()) ? [index] : [],
        );
        assert.deepEqual(matcher.match(key), expected);
      }
      assert.equal(matcher.size, entries.filter((entry) => !entry.isRemoved).length);
    }),
  );
});

test("a value under several matching prefixes answers once", () => {
  const matcher = createPrefixMatcher<string>();
  matcher.add("models.", "panel");
  matcher.add("", "log");
  matcher.add("Models.download.", "panel");
  assert.deepEqual(matcher.match("models.download.progress"), ["panel", "log"]);
});

test("a warm key visits no node, and a change makes it cold", () => {
  const matcher = createPrefixMatcher<string>();
  matcher.add("models.", "a");
  const first = matcher.match("models.download.progress");
  const visits = matcher.visits;
  assert.equal(visits, 8);
  assert.equal(matcher.match("models.download.progress"), first);
  assert.equal(matcher.visits, visits);
  const remove = matcher.add("models.download.", "b");
  assert.deepEqual(matcher.match("models.download.progress"), ["a", "b"]);
  remove();
  assert.deepEqual(matcher.match("models.download.progress"), ["a"]);
  assert.deepEqual(first, ["a"]);
});

test("a key that is used stays warm while a flood of others passes", () => {
  const matcher = createPrefixMatcher<string>();
  matcher.add("k", "a");
  for (let index = 0; index < 20_000; index += 1) {
    matcher.match(`k${index}`);
    if (index % 100 === 0) matcher.match("known");
  }
  const visits = matcher.visits;
  matcher.match("known");
  assert.equal(matcher.visits, visits);
  matcher.match("k0");
  assert.ok(matcher.visits > visits);
});

test("the cost of a cold key follows its depth, not the number of subscribers", () => {
  const matcher = createPrefixMatcher<number>();
  for (let index = 0; index < 5_000; index += 1) matcher.add(`subject${index}.`, index);
  const before = matcher.visits;
  assert.deepEqual(matcher.match("subject4321.happened"), [4_321]);
  assert.equal(matcher.visits - before, "subject4321.".length + 1);
});

test("a prefix over the bound is refused", () => {
  assert.throws(() => createPrefixMatcher().add("a".repeat(257), 1), RangeError);
});

const pattern = fc
  .tuple(fc.string({ unit: fc.constantFrom("a", "b", ":"), maxLength: 5 }), fc.constantFrom("", "*"))
  .map((parts) => parts.join(""))
  .filter((text) => text.length > 0);

const covers = (text: string, key: string): boolean =>
  text.endsWith("*") ? key.startsWith(text.slice(0, -1)) : key === text;

test("a key trie answers like a filter over all patterns, through adding and removing", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ pattern, isRemoved: fc.boolean() })),
      fc.array(fc.string({ unit: fc.constantFrom("a", "b", ":"), maxLength: 6 })),
      (entries, keys) => {
        const trie = createKeyTrie<number>();
        const removals = entries.map((entry, index) => trie.add(entry.pattern, index));
        entries.forEach((entry, index) => {
          if (!entry.isRemoved) return;
          removals[index]?.();
          removals[index]?.();
        });
        for (const key of keys) {
          const expected = entries.flatMap((entry, index) =>
            !entry.isRemoved && covers(entry.pattern, key) ? [index] : [],
          );
          assert.deepEqual(trie.find(key), expected);
        }
        assert.equal(trie.size, entries.filter((entry) => !entry.isRemoved).length);
      },
    ),
  );
});

test("exact keys, segment prefixes, partial prefixes and everything", () => {
  const trie = createKeyTrie<string>();
  for (const text of ["models:download", "models:*", "mod*", "*", "models:down*", "tasks:*"]) trie.add(text, text);
  assert.deepEqual(trie.find("models:download"), ["models:download", "models:*", "mod*", "*", "models:down*"]);
  assert.deepEqual(trie.find("models"), ["mod*", "*"]);
  assert.deepEqual(trie.find("__proto__"), ["*"]);
});

test("a hundred thousand patterns are found as fast as they are deep", () => {
  const trie = createKeyTrie<number>();
  for (let index = 0; index < 100_000; index += 1) trie.add(index % 2 === 0 ? `s${index}:do` : `s${index}:*`, index);
  assert.deepEqual(trie.find("s99998:do"), [99_998]);
  assert.deepEqual(trie.find("s99999:do"), [99_999]);
  assert.deepEqual(trie.find("s99998:undo"), []);
  assert.deepEqual(trie.find(`${"x:".repeat(50_000)}y`), []);
});

test("a star anywhere but at the end is refused, for it would match nothing", () => {
  for (const text of ["", "*:download", "mo*els", "a**", "a".repeat(257)]) {
    assert.equal(isKeyPattern(text), false);
    assert.throws(() => createKeyTrie().add(text, 1), RangeError);
  }
});
