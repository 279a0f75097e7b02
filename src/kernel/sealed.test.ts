import assert from "node:assert/strict";
import { test } from "vitest";
import { event } from "../contract/event.ts";
import { isProblem } from "../contract/problem.ts";
import { closed, Type } from "../contract/schema.ts";
import { InvalidInput } from "../contract/standard-problems.ts";
import type { Journal } from "./kernel.ts";
import { sealedJournal } from "./sealed.ts";

const Named = event({
  kind: "things.named",
  about: "x",
  data: closed({ name: Type.String({ pattern: "^[a-z0-9]+$" }), note: Type.Optional(Type.String()) }),
});
const clean = <T>(value: T): T => {
  const text = JSON.stringify(value);
  return text.includes("hunter2") ? (JSON.parse(text.replaceAll("hunter2", "[redacted]")) as T) : value;
};

test("an event is written without secrets, and refused in words where its name would be one", async () => {
  const written: unknown[] = [];
  const journal = { emit: (_definition: unknown, data: unknown) => (written.push(data), Promise.resolve({})) };
  const sealed = sealedJournal(journal as unknown as Journal, { clean, text: clean });
  const emit = (data: object) => sealed.emit(Named, data, {} as never);
  await emit({ name: "ann", note: "it is hunter2" });
  assert.deepEqual(written, [{ name: "ann", note: "it is [redacted]" }]);
  await assert.rejects(emit({ name: "hunter2" }), (error) => isProblem(error, InvalidInput));
  assert.equal(written.length, 1);
});
