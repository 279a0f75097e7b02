import assert from "node:assert/strict";
import { test } from "vitest";
import { commandOf } from "./command-of.ts";

test("a command is found where it is all there is, and within backticks", () => {
  assert.equal(commandOf("arw egress allow example.org"), "arw egress allow example.org");
  assert.equal(
    commandOf("grant it for a while: `arw lease grant fs:write --holder agent:scout --ttl 15m`."),
    "arw lease grant fs:write --holder agent:scout --ttl 15m",
  );
});

test("a sentence that only speaks of arw names no command", () => {
  assert.equal(commandOf("let a person make the call, or permit it in a policy"), undefined);
  assert.equal(commandOf("ask whoever runs arw for it"), undefined);
});
