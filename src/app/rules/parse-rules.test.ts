import assert from "node:assert/strict";
import fc from "fast-check";
import { stringify } from "smol-toml";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { parseRules } from "./parse-rules.ts";

const faultsOf = (text: string): readonly string[] => {
  const read = parseRules(text, "gating.toml");
  return read.kind === "faults" ? read.faults : [];
};

test("contracts are read with the line that each begins on", () => {
  const text = `# The rules of this hub.
[[contract]]
id = "no-web"
patterns = ["io:egress:*"]
reason = """
Nothing leaves
this machine."""

[[contract]]
id = "ten"
patterns = ["fs:write"]
quotaLimit = 10
quotaWindowSecs = 3600
`;
  assert.deepEqual(parseRules(text, "gating.toml"), {
    kind: "rules",
    placed: [
      {
        contract: { id: "no-web", patterns: ["io:egress:*"], reason: "Nothing leaves\nthis machine." },
        place: "gating.toml:2",
      },
      {
        contract: { id: "ten", patterns: ["fs:write"], quotaLimit: 10, quotaWindowSecs: 3600 },
        place: "gating.toml:9",
      },
    ],
  });
  assert.deepEqual(parseRules("", "gating.toml"), { kind: "rules", placed: [] });
});

test("what is not understood is refused, all of it at once, with its line and what was meant", () => {
  const contract = (...lines: readonly string[]) =>
    ["[[contract]]", 'id = "a"', 'patterns = ["fs:*"]', ...lines].join("\n");
  const wrong: readonly [string, RegExp][] = [
    [contract('subjectRol = "edge"'), /^gating\.toml:4: subjectRol is not known\. Did you mean subjectRole\?$/],
    [contract("valid_to_ms = 5"), /^gating\.toml:4: valid_to_ms is not known\. Did you mean validToMs\?$/],
    [contract('validToMs = "tomorrow"'), /^gating\.toml:4: validToMs .*whole number/],
    [contract('subjectRole = "obsever"'), /^gating\.toml:1: a: subjectRole is "obsever"; roles are root/],
    [contract("quotaLimit = 3"), /^gating\.toml:1: a: quotaLimit and quotaWindowSecs go together$/],
    [`${contract()}\n${contract()}`, /^gating\.toml:4: the contract a is there already, at gating\.toml:1$/],
    ['[[contract]]\npatterns = ["fs:*"]', /^gating\.toml:1: the contract .*id/],
    ['[[contract]]\nid = "a"\npatterns = ["f*s"]', /^gating\.toml:3: patterns\.0 /],
    ['[[contrat]]\nid = "a"', /^gating\.toml:1: contrat is not known\. Did you mean \[\[contract\]\]\?$/],
    ['deny = ["fs:*"]', /^gating\.toml:1: deny is not known/],
    ['[contract]\nid = "a"', /^gating\.toml:1: write \[\[contract\]\] with two brackets/],
    ["contract = [", /^gating\.toml:1: not valid TOML/],
  ];
  for (const [text, told] of wrong) assert.match(faultsOf(text)[0] ?? "no fault", told);
  assert.equal(faultsOf(`${contract("a = 1", "b = 2")}\nc = 3`).length, 3);
});

test("no text makes it fail in another way, and none that it takes lets an unknown key through", () => {
  const field = fc.constantFrom("id", "patterns", "validFromMs", "immutable", "quotaLimit", "patern", "x");
  const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string(), { maxLength: 3 }));
  const contract = fc.dictionary(field, value, { noNullPrototype: true, maxKeys: 5 });
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.array(contract, { maxLength: 3 }).map((each) => stringify({ contract: each })),
  );
  fc.assert(
    fc.property(text, (given) => {
      const read = parseRules(given, "gating.toml");
      if (read.kind === "faults") assert.ok(read.faults.every((each) => /^gating\.toml:\d+: /.test(each)));
      else for (const { contract: each } of read.placed) assert.ok(!("patern" in each) && !("x" in each));
    }),
    runs(100),
  );
});
