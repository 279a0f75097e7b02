import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { isObject } from "./reading.ts";
import { flatChoice, flatTools } from "./tool-names.ts";

const namesOf = (tools: readonly unknown[]): unknown[] => tools.map((each) => (isObject(each) ? each["name"] : null));

test("functions of namespaces are functions of the one list, and tools of a vendor's machines are left out", () => {
  const echo = { type: "function", name: "echo", parameters: { type: "object" } };
  const flat = flatTools([
    { type: "function", name: "shell" },
    { type: "namespace", name: "mcp__every", tools: [echo, { type: "custom", name: "x" }] },
    { type: "web_search", external_web_access: false },
  ]);
  assert.deepEqual(flat.tools, [
    { type: "function", name: "shell" },
    { ...echo, name: "mcp__every__echo" },
  ]);
  assert.deepEqual(flat.names.own("mcp__every__echo"), { name: "echo", namespace: "mcp__every" });
  assert.deepEqual(flat.names.own("shell"), { name: "shell" });
  assert.equal(flat.names.flat("echo", "mcp__every"), "mcp__every__echo");
  const chosen = flatChoice({ type: "function", name: "echo", namespace: "mcp__every" }, flat);
  assert.deepEqual(chosen, { tool_choice: { type: "function", name: "mcp__every__echo" } });
  assert.throws(() => flatChoice({ type: "web_search" }, flat), /names no function of the list/);
  assert.deepEqual(flatChoice({ type: "function", name: "any" }, flatTools(undefined)), {});
});

test("whatever they are called, each has a name that servers take, that no other has, and that leads back", () => {
  const word = fc.string({ minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(word, word), { maxLength: 12, selector: String }), (pairs) => {
      const given = pairs.map(([namespace, name]) => ({
        type: "namespace",
        name: namespace,
        tools: [{ type: "function", name }],
      }));
      const { tools, names } = flatTools(given);
      const flat = namesOf(tools).map(String);
      assert.equal(new Set(flat).size, pairs.length);
      for (const [place, [namespace, name]] of pairs.entries()) {
        assert.match(flat[place] ?? "", /^[A-Za-z0-9_-]{1,64}$/);
        assert.deepEqual(names.own(flat[place] ?? ""), { name, namespace });
        assert.equal(names.flat(name, namespace), flat[place]);
      }
    }),
    runs(100),
  );
});
