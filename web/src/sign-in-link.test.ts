import assert from "node:assert/strict";
import { test } from "vitest";
import { takeCode } from "./sign-in-link.ts";

const open = (hash: string) => {
  const replaced: unknown[] = [];
  const history = { replaceState: (...args: unknown[]) => void replaced.push(args[2]) };
  return { code: takeCode({ hash, pathname: "/" }, history), replaced };
};

test("the code is taken and the address cleaned at once", () => {
  assert.deepEqual(open("#code=a%2Bb"), { code: "a+b", replaced: ["/"] });
  assert.deepEqual(open("#code=%"), { code: "%", replaced: ["/"] });
});

test("any other address is left alone", () => {
  for (const hash of ["", "#", "#canvas"]) assert.deepEqual(open(hash), { code: null, replaced: [] });
});
