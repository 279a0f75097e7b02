/** Names in counterexamples, against what requests can say. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { decide } from "../../src/domains/prove/decide.ts";
import { fits } from "../../src/domains/prove/fits.ts";
import { all, choice, type Formula, not, textIs, textWithin } from "../../src/domains/prove/formula.ts";
import { accepts, anything, sequence, word } from "../../src/domains/prove/language.ts";
import { createSpace, isPlainFolder, names, witnessOf } from "../../src/domains/prove/space.ts";
import { groupsOf } from "../../src/domains/policy/engine-port.ts";
import { runs } from "../kit/runs.ts";
import { valuesOf } from "../story/schema-values.ts";
import { nowMs, operations, space } from "./kit.ts";

const linux = createSpace({ operations, groupsOf, nowMs, platform: "linux" });
const windows = createSpace({ operations, groupsOf, nowMs, platform: "win32" });
const rows = new Map(operations.map((each) => [each.id, each]));

test("whatever a request names is a name that proofs know", () => {
  for (const operation of operations) {
    const { scope } = operation;
    if (scope === undefined) continue;
    fc.assert(
      fc.property(valuesOf(operation.input), (input) => {
        const { tool, project, host } = scope(input as never);
        if (host !== undefined) assert.ok(accepts(names.Host, host), `${operation.id}: ${host}`);
        if (tool !== undefined) assert.ok(accepts(names.Tool, tool), `${operation.id}: ${tool}`);
        if (project !== undefined) assert.ok(accepts(names.Project, project), `${operation.id}: ${project}`);
      }),
      runs(30),
    );
  }
});

/** A call of the operation that reaches this, made up where nothing of it is given. */
function drawn(operation: string, reached: string, besides: Formula = true) {
  const asked = all([space.possible, choice("action", [operation]), choice("reached", [reached]), besides]);
  const decided = decide(asked, space.domains);
  return decided.kind === "point" ? witnessOf(decided.point, { nowMs, runs: new Set() }) : assert.fail(decided.kind);
}

test("hosts of every spelling come out as ones that proofs know", () => {
  const { scope } = rows.get("web.fetch") ?? assert.fail();
  const letters = fc.string({ unit: fc.constantFrom(...Array.from("az09_-.x:[]")), minLength: 1, maxLength: 12 });
  const url = fc.tuple(fc.constantFrom("http", "https"), letters).map(([scheme, host]) => `${scheme}://${host}/`);
  const said = fc.oneof(
    url,
    fc.webUrl(),
    fc.ipV4().map((ip) => `http://${ip}`),
    fc.ipV6().map((ip) => `http://[${ip}]`),
  );
  fc.assert(
    fc.property(said, (each) => {
      const host = scope?.({ url: each }).host ?? assert.fail(each);
      assert.ok(accepts(names.Host, host), `${each}: ${host}`);
    }),
    runs(120),
  );
});

test("names that are made up are ones that the operation takes", () => {
  const unusual = [
    drawn("mcp.call", "Tool", not(textIs("resource", "server/tool"))),
    drawn("mcp.call", "Tool", not(textWithin("resource", sequence(word("s"), anything)))),
    drawn("notes.write", "Project", not(textIs("resource", "project"))),
    drawn("web.fetch", "Host", not(textWithin("resource", sequence(word("e"), anything)))),
    drawn("models.chat", "Model", not(textWithin("resource", sequence(word("e"), anything)))),
  ];
  for (const call of unusual) assert.ok(fits(call, rows), JSON.stringify(call));
});

test("what no request can name is no call", () => {
  const call = (operation: string, type: string, id: string) =>
    fits({ operation, reached: { type, id }, path: type === "Folder" ? "a.md" : "" }, rows);
  assert.deepEqual(
    [
      call("mcp.call", "Tool", "files/read"),
      call("mcp.call", "Tool", "a:/."),
      call("mcp.call", "Tool", `${"a".repeat(65)}/read`),
      call("mcp.call", "Tool", `files/${"a".repeat(201)}`),
      call("web.fetch", "Host", "example.org:443"),
      call("web.fetch", "Host", "example.org:80"),
      call("web.fetch", "Host", "999.1.1.1:443"),
      call("web.fetch", "Host", "example.org:70000"),
      call("fs.write", "Folder", "/home/ada"),
      call("fs.write", "Folder", `/${"a".repeat(4096)}`),
      call("halt.engage", "Hub", "hub"),
    ],
    [true, false, false, false, true, true, false, false, true, false, true],
  );
});

test("on each platform folders begin as they do there", () => {
  const found = ({ here }: typeof space, folder: string) =>
    decide(all([space.possible, here, choice("reached", ["Folder"]), textIs("resource", folder)]), space.domains).kind;
  const folders = ["/home/ada", "a:/a", "C:\\Users"];
  assert.deepEqual(
    [linux, windows].map((each) => folders.map((folder) => found(each, folder))),
    [
      ["point", "none", "none"],
      ["none", "point", "point"],
    ],
  );
});

test("a folder is plain as the rules are asked about it", () => {
  assert.deepEqual(["/", "/a/b", "C:\\", "/a/", "/a//b", "/a/../b", "a"].map(isPlainFolder), [
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
