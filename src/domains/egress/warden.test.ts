import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { parseWebAddress, type WebAddress } from "../../base/web-address.ts";
import type { Caller } from "../../contract/caller.ts";
import { isProblem } from "../../contract/problem.ts";
import type { Gate, Ruling } from "../../kernel/ports.ts";
import type { PostureState } from "./contract.ts";
import { checkedHeaders, withSecrets } from "./headers.ts";
import type { Rules } from "./openings.ts";
import { createWarden } from "./warden.ts";

const agent: Caller = { kind: "agent", id: "reader" };
const to = parseWebAddress("https://example.org/") as WebAddress;
const asking = { to, caller: agent, typed: null, isRuled: true };
const openGate: Gate = { check: () => null, admit: () => null };
const posture = (word: PostureState["posture"]): Rules => ({
  posture: { posture: word, hosts: [], source: "config" },
  leases: [],
  nowMs: 0,
});
const ruling = (effect: Ruling["effect"]): Ruling => ({ effect, rule: "mine", source: "home.cedar:3", reason: "so" });

async function ruleOf(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(
    () => null,
    (caught: unknown) => caught,
  );
  return isProblem(error) ? error.extra["rule"] : error;
}

test("where the policies decide, their yes is the opening, and nothing else is", async () => {
  const wardenOf = (effect: Ruling["effect"]) =>
    createWarden({ rules: () => posture("custom"), gate: openGate, policy: { rule: () => ruling(effect) } });
  const flight = await wardenOf("allow").admit(asking);
  assert.deepEqual(
    [flight.opening.rule, flight.opening.source, flight.opening.isNearOpen],
    ["mine", "home.cedar:3", false],
  );
  assert.equal(await ruleOf(wardenOf("deny").admit(asking)), "mine");
  assert.equal(await ruleOf(wardenOf("ask").admit(asking)), null, "a person was asked in the corridor");
  assert.equal(await ruleOf(wardenOf("ask").admit({ ...asking, isRuled: false })), "mine");
  const hub: Caller = { kind: "system", id: "hub" };
  assert.equal(await ruleOf(wardenOf("allow").admit({ ...asking, caller: hub })), "egress.closed");
  assert.equal(wardenOf("allow").isOpen(asking), false, "the policies are not told what they said");
});

test("a forbid closes an open host on the way", async () => {
  const warden = createWarden({
    rules: () => posture("public"),
    gate: openGate,
    policy: { rule: () => Promise.resolve(ruling("deny")) },
  });
  assert.equal(await ruleOf(warden.admit({ ...asking, isRuled: false })), "mine");
});

test("a lease of calls answers a question on the way, ends what it let pass, and opens no host", async () => {
  const lease = new AbortController();
  const leased = (otherwise: Ruling["effect"]): Ruling => ({
    ...ruling("allow"),
    leaseId: "l-1",
    otherwise: ruling(otherwise),
  });
  const wardenOf = (word: PostureState["posture"], answer: Ruling) =>
    createWarden({
      rules: () => posture(word),
      gate: openGate,
      policy: { rule: () => answer },
      ends: (leaseId) => (leaseId === "l-1" ? lease.signal : AbortSignal.abort()),
    });
  const onTheWay = { ...asking, isRuled: false };
  assert.equal(await ruleOf(wardenOf("custom", leased("deny")).admit(onTheWay)), "mine");
  assert.equal(await ruleOf(wardenOf("closed", leased("ask")).admit(onTheWay)), "egress.closed");
  const flights = [];
  for (const word of ["custom", "public"] as const) flights.push(await wardenOf(word, leased("ask")).admit(onTheWay));
  assert.deepEqual(
    flights.map(({ signal }) => signal.aborted),
    [false, false],
  );
  lease.abort();
  assert.deepEqual(
    flights.map(({ signal }) => signal.aborted),
    [true, true],
  );
});

test("a host that closes while others are asked stays closed", async () => {
  let now = posture("public");
  const answer = Promise.withResolvers<Ruling>();
  const warden = createWarden({ rules: () => now, gate: openGate, policy: { rule: () => answer.promise } });
  const work = ruleOf(warden.admit({ ...asking, isRuled: false }));
  now = posture("closed");
  warden.review();
  answer.resolve(ruling("allow"));
  assert.equal(await work, "egress.closed");
});

test("quotas count what goes out, and not what is only looked at", async () => {
  const counted: string[] = [];
  const gate: Gate = {
    check: () => null,
    admit(keys) {
      counted.push(...keys);
      return counted.length > 2 ? { rule: "quota", source: "gating.toml", reason: "used up", retryAfterMs: 5 } : null;
    },
  };
  const warden = createWarden({ rules: () => posture("public"), gate, policy: { rule: () => ruling("allow") } });
  await warden.foresee(asking);
  assert.deepEqual(counted, []);
  await warden.admit(asking);
  assert.deepEqual(counted, ["io:egress:net:example.org", "io:egress:net"]);
  assert.equal(await ruleOf(warden.admit(asking)), "quota");
});

test("whatever headers are given, what is sent breaks no line and names no host", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "-", ":", " ", "\r", "\n", "\0", "é", "Host", "cookie", "secret:T"),
  });
  fc.assert(
    fc.property(fc.dictionary(text, text, { maxKeys: 5 }), (given) => {
      let headers: Readonly<Record<string, string>>;
      try {
        headers = withSecrets(checkedHeaders(given), to, { secretFor: () => "value" }).headers;
      } catch (error) {
        assert.ok(isProblem(error), String(error));
        return;
      }
      for (const [name, value] of Object.entries(headers)) {
        assert.doesNotMatch(name, /^(host|cookie|connection|content-length|transfer-encoding)$/);
        assert.doesNotMatch(`${name}${value}`, /[\r\n\0]/);
      }
    }),
    runs(300),
  );
});

test("whatever is refused on the way says by what, and the nearest change", async () => {
  const extraOf = async (work: () => unknown): Promise<unknown> => {
    try {
      await work();
    } catch (error) {
      return isProblem(error) ? error.extra : error;
    }
    return null;
  };
  const key = "io:egress:net:example.org";
  const denying = { rule: () => ({ ...ruling("deny"), next: "let a person make the call" }) };
  const wardenOf = (word: PostureState["posture"]) =>
    createWarden({ rules: () => posture(word), gate: openGate, policy: denying });
  const onTheWay = { ...asking, isRuled: false };
  assert.deepEqual(await extraOf(() => wardenOf("closed").admit(onTheWay)), {
    key,
    rule: "egress.closed",
    source: "config",
    next: "arw egress allow example.org:443",
  });
  assert.deepEqual(await extraOf(() => wardenOf("public").admit(onTheWay)), {
    key,
    rule: "mine",
    source: "home.cedar:3",
    next: "let a person make the call",
  });
  const secretFor = () => null;
  const plain = parseWebAddress("http://example.org/") as WebAddress;
  const sent = (place: WebAddress) =>
    extraOf(() => withSecrets({ authorization: "secret:TOKEN" }, place, { secretFor }));
  assert.deepEqual(await sent(to), {
    key,
    rule: "egress.secret-not-bound",
    source: "built-in",
    next: "arw secret bind TOKEN example.org",
  });
  assert.deepEqual(await sent(plain), {
    key,
    rule: "egress.secret-unencrypted",
    source: "built-in",
    next: "ask for https://example.org, or for a number of this machine such as 127.0.0.1",
  });
});
