import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { matchesHost, parseHostRule } from "../../base/web-address.ts";
import { type EgressLease, postures } from "./contract.ts";
import { openingOf, type Rules, type Wanted } from "./openings.ts";

const hosts = ["a.test", "b.a.test", "10.0.0.1", "1.1.1.1", "::1"];
const ruleTexts = ["a.test", "*.a.test", "a.test:8080", "10.0.0.1", "10.0.0.1:8080", "[::1]:80"];
const to = fc
  .record({ host: fc.constantFrom(...hosts), port: fc.constantFrom(80, 443, 8080) })
  .map((each) => ({ ...each, isLiteral: /^[\d.:]+$/.test(each.host) }));
const caller = fc.constantFrom(
  { kind: "person" as const, id: "admin" },
  { kind: "agent" as const, id: "one" },
  { kind: "agent" as const, id: "two" },
  { kind: "plugin" as const, id: "one" },
  { kind: "node" as const, id: "one" },
  { kind: "system" as const, id: "one" },
);
const lease: fc.Arbitrary<EgressLease> = fc
  .record({
    host: fc.constantFrom(...ruleTexts),
    isPrivate: fc.boolean(),
    agent: fc.constantFrom(undefined, "one"),
    endsAtMs: fc.integer({ min: 0, max: 20 }),
  })
  .map(({ agent, ...rest }) => ({
    leaseId: "l",
    grantedBy: "person:admin",
    grantedAtMs: 0,
    ...rest,
    ...(agent === undefined ? {} : { agent }),
  }));
const rules: fc.Arbitrary<Rules> = fc.record({
  posture: fc.record({
    posture: fc.constantFrom(...postures),
    hosts: fc.subarray(ruleTexts),
    source: fc.constant("config"),
  }),
  leases: fc.array(lease, { maxLength: 3 }),
  nowMs: fc.integer({ min: 0, max: 20 }),
});
const wanted: fc.Arbitrary<Wanted> = fc.record({ to, caller, typed: fc.option(to) });

/** The same in the words of the guide. */
function isOpenInWords({ to: at, caller: who, typed }: Wanted, { posture, leases, nowMs }: Rules): boolean {
  const names = (text: string): boolean => {
    const rule = parseHostRule(text);
    return rule !== null && matchesHost(rule, at);
  };
  if (typed?.host === at.host && (typed.port === at.port || (typed.port === 80 && at.port === 443))) return true;
  const running = leases.filter((each) => each.endsAtMs > nowMs && names(each.host));
  if (running.some((each) => each.agent === undefined || (who.kind === "agent" && who.id === each.agent))) return true;
  if (posture.posture === "custom") return true;
  if (posture.posture === "allowlist") return posture.hosts.some(names);
  return posture.posture === "public" && !at.isLiteral && at.port !== 8080;
}

test("what opens a host is what the guide says, for every caller, posture and lease", () => {
  fc.assert(
    fc.property(wanted, rules, (asked, now) => {
      assert.equal(openingOf(asked, now) !== null, isOpenInWords(asked, now));
    }),
    runs(500),
  );
});

test("a private address is open to nobody without a word about it", () => {
  fc.assert(
    fc.property(wanted, rules, (asked, now) => {
      const opening = openingOf(asked, now);
      if (opening?.isNearOpen !== true) return;
      const isTyped = asked.typed?.host === asked.to.host;
      assert.ok(isTyped || asked.to.isLiteral || now.leases.some(({ isPrivate }) => isPrivate));
      assert.notEqual(now.posture.posture === "closed" && !isTyped && now.leases.length === 0, true);
    }),
    runs(500),
  );
});

test("more leases never close anything, and time alone never opens anything", () => {
  fc.assert(
    fc.property(wanted, rules, lease, (asked, now, more) => {
      const isOpen = openingOf(asked, now) !== null;
      if (isOpen) assert.ok(openingOf(asked, { ...now, leases: [...now.leases, more] }));
      if (!isOpen) assert.equal(openingOf(asked, { ...now, nowMs: now.nowMs + 5 }), null);
    }),
    runs(200),
  );
});
