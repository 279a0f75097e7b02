import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { withoutRule, withRule } from "./adopted-text.ts";

const rule = (id: string, note = "") =>
  `// Why ${id}; and how.\n@id("${id}")\n@answers("a;b")\npermit (principal, action, resource)${note}\nwhen { context.path == "x;\\"y" };`;

test("a rule is put behind the others with its line, and taken out with its comment and nothing else", () => {
  const one = withRule(null, rule("one"));
  assert.equal(one.line, 3);
  assert.equal(one.text.split("\n")[one.line - 1], "// Why one; and how.");
  const two = withRule(one.text, `\n${rule("two", " // not; here")}\n`);
  assert.equal(two.text.split("\n")[two.line - 1], "// Why two; and how.");
  const left = withoutRule(two.text, "one");
  assert.deepEqual([left?.line, left?.rule], [3, rule("one")]);
  assert.equal(withoutRule(left?.text ?? "", "two")?.rule, rule("two", " // not; here"));
  assert.equal(withoutRule(two.text, "three"), null);
});

test("rules that a person moved together are told apart still", () => {
  const text = `// mine\nforbid (principal, action, resource);\n${rule("one")}\n${rule("two")}\nforbid (principal is Node, action, resource);\n`;
  const left = withoutRule(text, "one");
  assert.equal(
    left?.text,
    `// mine\nforbid (principal, action, resource);\n\n${rule("two")}\nforbid (principal is Node, action, resource);\n`,
  );
});

test("what was put is taken out again, in whatever order", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 6 }),
      fc.nat(),
      (ids, pick) => {
        const names = ids.map((id) => `adopted-${id}`);
        const full = names.reduce<string | null>((text, name) => withRule(text, rule(name)).text, null) ?? "";
        const gone = names[pick % names.length] ?? "";
        const others = names.filter((name) => name !== gone);
        const kept = others.reduce<string | null>((text, name) => withRule(text, rule(name)).text, null);
        assert.equal(withoutRule(full, gone)?.text.trimEnd(), (kept ?? full.slice(0, full.indexOf("\n"))).trimEnd());
      },
    ),
    runs(50),
  );
});
