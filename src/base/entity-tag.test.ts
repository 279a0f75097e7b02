import assert from "node:assert/strict";
import { test } from "vitest";
import { isAnyTag, listsTag } from "./entity-tag.ts";

test("a tag is found alone and in a list, weak or strong, and nowhere else", () => {
  for (const header of [`"a"`, `W/"a"`, `"x", "a"`, `"x,y",W/"a" , "z"`, ` "a"`])
    assert.ok(listsTag(header, `"a"`) && listsTag(header, `W/"a"`), header);
  for (const header of ["", "a", "*", `"b"`, `"A"`, `"x a"`, `"x", "aa"`, `"a`, `a"`])
    assert.ok(!listsTag(header, `"a"`), header);
});

test("only the star alone stands for whatever there is", () => {
  assert.ok(isAnyTag("*") && isAnyTag(" * "));
  for (const header of [`"*"`, `*, "a"`, ""]) assert.ok(!isAnyTag(header), header);
});
