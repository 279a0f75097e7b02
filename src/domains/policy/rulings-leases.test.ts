import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import type { PolicyCall, Ruling } from "../../kernel/ports.ts";
import { covers } from "../leases/coverage.ts";
import type { NamedPolicy, PolicyEngine, Verdict } from "./engine-port.ts";
import { nextFor } from "./next-step.ts";
import { createRulings } from "./rulings.ts";

const policy = (effect: NamedPolicy["effect"]): NamedPolicy => ({
  // As somebody may well name a rule of their own.
  id: "policy.no-permit",
  source: "policies",
  text: "",
  effect,
});
const verdicts = {
  allow: { effect: "allow", policy: policy("permit") },
  ask: { effect: "ask", policy: policy("ask"), question: "may it?" },
  forbid: { effect: "forbid", policy: policy("forbid") },
  fault: { effect: "fault", policy: policy("permit"), message: "no such attribute" },
  none: { effect: "none" },
} as const satisfies Record<string, Verdict>;

interface Asked {
  /** What the policies say of each thing that is reached: a folder, a host. */
  readonly said: readonly [Verdict, Verdict];
  readonly kind: "person" | "agent" | "plugin" | "node";
  readonly isForPersons: boolean;
  readonly isLeased: boolean;
  readonly askPatterns: readonly string[];
}

function rule({ said, kind, isForPersons, isLeased, askPatterns }: Asked): Ruling {
  const engine: PolicyEngine = {
    policies: [],
    decide: ({ resource }) => said[resource.type === "Folder" ? 0 : 1],
  };
  const call: PolicyCall = {
    operation: "fs.write",
    key: "fs:write",
    caller: { kind, id: "x" },
    scope: { folder: "/a", host: "example.org:443" },
    effect: "write",
    needs: [],
    isForPersons,
  };
  const leases = { covering: () => (isLeased ? { leaseId: "l-1", grantedBy: "person:admin" } : null) };
  const answer = createRulings({ engine: () => engine, askPatterns, leases }).rule(call);
  assert.ok(!(answer instanceof Promise));
  return answer;
}

const words = Object.keys(verdicts) as (keyof typeof verdicts)[];
const asked = fc.record({
  first: fc.constantFrom(...words),
  second: fc.constantFrom(...words),
  kind: fc.constantFrom("person" as const, "agent" as const, "plugin" as const, "node" as const),
  isForPersons: fc.boolean(),
  askPatterns: fc.constantFrom<readonly string[]>([], ["fs:*"]),
});

test("whatever is leased, what is forbidden stays so, and a lease only ever opens an ask or a missing permit", () => {
  fc.assert(
    fc.property(asked, ({ first, second, ...rest }) => {
      const said = [verdicts[first], verdicts[second]] as const;
      const before = rule({ said, ...rest, isLeased: false });
      const after = rule({ said, ...rest, isLeased: true });
      const both = new Set([first, second]);
      const isClosed = both.has("forbid") || both.has("fault");
      const isMissing = both.has("none");
      const canOpen = !isClosed && !rest.isForPersons && (isMissing ? rest.kind !== "person" : before.effect === "ask");
      assert.equal(before.leaseId, undefined);
      if (!canOpen) return assert.deepEqual(after, before);
      const { otherwise, ...opened } = after;
      assert.deepEqual(
        [opened.effect, opened.rule, opened.source, opened.leaseId],
        ["allow", "lease:l-1", "person:admin", "l-1"],
      );
      assert.deepEqual(otherwise, before);
    }),
    runs(500),
  );
});

test("every no and every question names the nearest change", () => {
  const next = (word: keyof typeof verdicts, given: Partial<Asked> = {}) =>
    rule({
      said: [verdicts[word], verdicts.allow],
      kind: "agent",
      isForPersons: false,
      isLeased: false,
      askPatterns: [],
      ...given,
    }).next;
  const command = "arw lease grant fs:write --holder agent:x --folder /a --host example.org:443 --ttl 15m";
  assert.equal(next("ask"), command);
  assert.equal(next("none"), command);
  assert.match(next("forbid") ?? "", /^change the policy policy\.no-permit \(policies\)/);
  assert.equal(next("none", { isForPersons: true }), "let a person make the call");
  assert.equal(next("none", { kind: "person" }), "let a person make the call, or permit it in a policy");
  assert.equal(next("ask", { said: [verdicts.allow, verdicts.none] }), "arw egress allow example.org:443");
  assert.equal(next("ask", { isForPersons: true, kind: "person" }), "make the call; a person is asked about it");
  assert.equal(next("allow"), undefined);
});

/** As a shell takes words apart. */
const wordsOf = (line: string): readonly string[] =>
  [...line.matchAll(/(?:[^\s'\\]|\\.|'[^']*')+/gu)].map(([word]) =>
    word.replace(/\\(.)|'([^']*)'/gu, (_match, one: string | undefined, many: string | undefined) => one ?? many ?? ""),
  );

test("the command that a refusal names covers the refused call, whatever its folder is called", () => {
  const name = fc.string({ minLength: 1, maxLength: 12 }).map((text) => `/${text.replaceAll("\0", "")}`);
  const reached = fc.record({ folder: name, path: name, host: fc.constant("example.org:8443") }, { requiredKeys: [] });
  fc.assert(
    fc.property(reached, (scope) => {
      const call: PolicyCall = {
        operation: "fs.write",
        key: "fs:write",
        caller: { kind: "agent", id: "scout" },
        scope,
        effect: "write",
        needs: [],
      };
      const ruling: Ruling = { effect: "ask", rule: "r", source: "s", reason: "" };
      const line = nextFor({ call, ruling, canLease: true, isUnpermitted: false, isClosed: false });
      const [, , , capability = "", ...options] = wordsOf(line);
      const given = Object.fromEntries(options.flatMap((word, at) => (at % 2 === 0 ? [[word, options[at + 1]]] : [])));
      const { "--holder": holder = "", "--folder": folder, "--path": path, "--host": host } = given;
      assert.equal(folder, scope.folder);
      const narrowed = Object.entries({ folder, path, host }).filter(([, value]) => value !== undefined);
      assert.ok(covers({ capability, holder, scope: Object.fromEntries(narrowed) }, call), line);
    }),
    runs(300),
  );
});

test("to ask about one tool of a server asks about that tool alone, from an agent's file and from the configuration", () => {
  const engine: PolicyEngine = { policies: [], decide: () => verdicts.allow };
  const ruled = (tool: string, asks: readonly string[], askPatterns: readonly string[] = []): Ruling => {
    const answer = createRulings({ engine: () => engine, askPatterns }).rule({
      operation: "mcp.read",
      key: "mcp:read",
      caller: { kind: "agent", id: "helper@garden", asks: [...asks] },
      scope: { tool },
      effect: "read",
      needs: ["tool:read"],
      isForPersons: false,
    });
    assert.ok(!(answer instanceof Promise));
    return answer;
  };
  const one = ["mcp:read:files:read/all"];
  assert.deepEqual(
    ["files/read/all", "files/list", "mail/read/all"].map((tool) => ruled(tool, one).effect),
    ["ask", "allow", "allow"],
  );
  assert.equal(ruled("files/read/all", one).rule, "agent.ask:mcp:read:files:read/all");
  assert.equal(ruled("mail/send", ["mcp:read"]).effect, "ask");
  assert.deepEqual(
    ["files/a", "mail/a"].map((tool) => ruled(tool, [], ["mcp:read:files:*"]).effect),
    ["ask", "allow"],
  );
});
