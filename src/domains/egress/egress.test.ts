import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, test } from "vitest";
import { createFakeWire, type FakeWire, type FakeWireOptions } from "../../../test/kit/fake-wire.ts";
import { admin, type Kit, type KitOptions, makeKernel, startMs, until } from "../../../test/kit/kernel.ts";
import { createWire } from "../../adapters/egress/wire.ts";
import type { Caller } from "../../contract/caller.ts";
import { isProblem, type Problem } from "../../contract/problem.ts";
import type { EgressLease, LedgerEntry, PreviewAnswer } from "./contract.ts";

type Answering = NonNullable<FakeWireOptions["answer"]>;
const agent: Caller = { kind: "agent", id: "reader" };
const hourMs = 3_600_000;

async function world(wireOptions: FakeWireOptions = {}, more: KitOptions & { egress?: never } = {}, egress = {}) {
  const wire = createFakeWire(wireOptions);
  const kit = await makeKernel({ ...more, egress: { wire, ...egress } });
  return { wire, kit, [Symbol.asyncDispose]: () => kit[Symbol.asyncDispose]() };
}

async function answerOf<T>(kit: Kit, [operation, input, caller]: readonly [string, unknown, Caller?]): Promise<T> {
  const { outcome } = await kit.call(operation, input, caller);
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: T }).output;
}
const fetchAs = (kit: Kit, caller: Caller, page: string | { url: string; headers: Record<string, string> }) =>
  answerOf<{ text: string; status: number; url: string }>(kit, [
    "web.fetch",
    typeof page === "string" ? { url: page } : page,
    caller,
  ]);
const allow = (kit: Kit, input: object) => answerOf<EgressLease>(kit, ["egress.allow", input]);

async function problemOf(work: Promise<unknown>): Promise<Problem> {
  const error = await work.then(
    () => assert.fail("it went through"),
    (caught: unknown) => caught,
  );
  assert.ok(isProblem(error), String(error));
  return error;
}
async function ruleOf(work: Promise<unknown>): Promise<unknown> {
  return (await problemOf(work)).extra["rule"];
}
const ledger = async (kit: Kit, filter: object = {}): Promise<readonly LedgerEntry[]> =>
  (await answerOf<{ items: LedgerEntry[] }>(kit, ["state.egressLedger", { limit: 100, ...filter }])).items.toReversed();
const sentTo = ({ hops }: FakeWire) => hops.map(({ to }) => `${to.scheme}://${to.host}:${to.port}`);

test("closed, nothing of an agent leaves: no look-up, no connection, and the refusal says what would open it", async () => {
  await using it = await world();
  const problem = await problemOf(fetchAs(it.kit, agent, "https://example.org/"));
  assert.equal(problem.extra["rule"], "policy.no-permit");
  assert.match(problem.message, /arw egress allow example\.org:443/);
  for (const url of ["http://127.0.0.1/", "http://[::1]/", "nonsense", "ftp://example.org/", "http://u:p@example.org/"])
    await problemOf(fetchAs(it.kit, agent, url));
  assert.deepEqual([it.wire.hops, it.wire.looked], [[], []]);
});

test("closed, not one socket is made, whoever calls and however the address is spelled", async () => {
  const sockets: unknown[] = [];
  const count = (message: unknown): void => void sockets.push(message);
  subscribe("net.client.socket", count);
  try {
    const wire = createWire({ resolver: () => assert.fail("a name was looked up") });
    await using kit = await makeKernel({ egress: { wire } });
    const hosts = [
      "example.org",
      "127.0.0.1",
      "2130706433",
      "0x7f.1",
      "[::1]",
      "[::ffff:127.0.0.1]",
      "localhost",
      "a.b.c.",
    ];
    const callers: readonly Caller[] = [
      agent,
      { kind: "plugin", id: "p" },
      { kind: "node", id: "n" },
      { ...admin, labels: ["web"] },
    ];
    const urls = hosts.flatMap((host) => [`http://${host}/`, `https://${host}:8443/`]);
    for (const [caller, url] of callers.flatMap((each) => urls.map((url) => [each, url] as const)))
      assert.equal((await problemOf(fetchAs(kit, caller, url))).definition.code, "arw.denied", `${caller.kind} ${url}`);
    assert.equal(sockets.length, 0);
    // A person's own word makes one, so they are counted.
    await problemOf(fetchAs(kit, admin, "http://127.0.0.1:1/"));
    assert.equal(sockets.length, 1);
  } finally {
    unsubscribe("net.client.socket", count);
  }
});

describe("a person's own word", () => {
  test("opens that host and port once, on this machine, too, and the ledger says whose word it was", async () => {
    await using it = await world({ answer: () => ({ text: "hello" }) });
    assert.equal((await fetchAs(it.kit, admin, "http://127.0.0.1:11434/api?key=abc")).text, "hello");
    const [entry] = await ledger(it.kit);
    assert.deepEqual(
      { rule: entry?.rule, source: entry?.source, url: entry?.url, address: entry?.address, outcome: entry?.outcome },
      {
        rule: "typed",
        source: "person:admin",
        url: "http://127.0.0.1:11434/api?…",
        address: "127.0.0.1",
        outcome: "sent",
      },
    );
    await problemOf(fetchAs(it.kit, agent, "http://127.0.0.1:11434/api"));
    assert.equal(it.wire.hops.length, 1);
  });

  test("does not reach where a redirect leads, but for the same host's encrypted door", async () => {
    const answer: Answering = ({ to }) => {
      if (to.port === 80) return { status: 301, headers: { location: "https://example.org/b" } };
      return to.path === "/b" ? { status: 302, headers: { location: "http://127.0.0.1/" } } : {};
    };
    await using it = await world({ answer });
    const problem = await problemOf(fetchAs(it.kit, admin, "http://example.org/"));
    assert.equal(problem.definition.code, "egress.not-reached");
    assert.deepEqual(sentTo(it.wire), ["http://example.org:80", "https://example.org:443"]);
  });

  test("is nobody's word when the call is built from what strangers wrote, or made by a program with a token", async () => {
    await using it = await world();
    const told: Caller = { ...admin, labels: ["web"] };
    const program: Caller = { ...admin, reach: { token: "script", keys: ["*"], isReadOnly: false } };
    for (const caller of [told, program])
      assert.equal(await ruleOf(fetchAs(it.kit, caller, "https://example.org/")), "egress.closed");
    assert.equal((await ledger(it.kit))[0]?.outcome, "refused");
    assert.equal(it.wire.hops.length, 0);
  });
});

describe("a lease", () => {
  test("opens its host, its ports and nothing else, for as long as it runs", async () => {
    await using it = await world();
    const lease = await allow(it.kit, { host: "*.Example.org", ttl: "15m", reason: "docs" });
    assert.deepEqual(
      [lease.host, lease.endsAtMs, lease.grantedBy],
      ["*.example.org", startMs + 900_000, "person:admin"],
    );
    await fetchAs(it.kit, agent, "https://www.example.org/");
    for (const url of [
      "https://example.org/",
      "https://www.example.org:8443/",
      "https://other.test/",
      "http://1.1.1.1/",
    ])
      assert.equal(await ruleOf(fetchAs(it.kit, agent, url)), "policy.no-permit", url);
    it.kit.clock.advance(900_000);
    assert.equal(await ruleOf(fetchAs(it.kit, agent, "https://www.example.org/")), "policy.no-permit");
    await it.kit.next("egress.lease.expired", () => true);
    assert.deepEqual(sentTo(it.wire), ["https://www.example.org:443"]);
  });

  test("for one agent is for no other", async () => {
    await using it = await world();
    await allow(it.kit, { host: "example.org", agent: "reader" });
    await fetchAs(it.kit, agent, "https://example.org/");
    assert.equal(
      await ruleOf(fetchAs(it.kit, { kind: "agent", id: "writer" }, "https://example.org/")),
      "policy.no-permit",
    );
  });

  test("of a name opens no private address, unless it says so; of a number opens that number", async () => {
    await using it = await world({ names: { "nas.example": ["192.168.1.5"] } });
    await allow(it.kit, { host: "nas.example" });
    const inside = await problemOf(fetchAs(it.kit, agent, "http://nas.example/"));
    assert.equal(inside.extra["rule"], "egress.private-address");
    assert.doesNotMatch(inside.message, /192\.168/, "an agent draws no map of the inside");
    assert.deepEqual(
      (await ledger(it.kit)).map(({ outcome, rule }) => [outcome, rule]),
      [["refused", "egress.private-address"]],
    );
    await allow(it.kit, { host: "nas.example:8080", isPrivate: true });
    await allow(it.kit, { host: "3232235781" });
    await fetchAs(it.kit, agent, "http://nas.example:8080/");
    await fetchAs(it.kit, agent, "http://192.168.1.5/");
    assert.equal(it.wire.hops.length, 2);
  });

  test.each(["revoke", "expiry", "halt"] as const)("ends what is under way: %s", async (how) => {
    await using it = await world({ hangs: true });
    const { leaseId } = await allow(it.kit, { host: "example.org", ttl: "30s" });
    const work = problemOf(fetchAs(it.kit, agent, "https://example.org/"));
    await until(() => it.wire.hops.length === 1, "it is under way");
    if (how === "revoke") await it.kit.call("egress.revoke", { leaseId });
    if (how === "expiry") it.kit.clock.advance(30_000);
    if (how === "halt") await it.kit.call("halt.engage", {});
    const problem = await work;
    assert.deepEqual(
      [problem.definition.code, problem.extra["rule"]],
      ["arw.denied", how === "halt" ? "egress.ended" : "egress.closed"],
    );
    assert.deepEqual(
      (await ledger(it.kit)).map(({ outcome, fault }) => [outcome, fault]),
      [["failed", "ended"]],
    );
    assert.deepEqual((await answerOf<{ items: unknown[] }>(it.kit, ["state.egressLeases", {}])).items, []);
  });

  test("is given by persons alone", async () => {
    await using it = await world();
    for (const caller of [agent, { kind: "plugin", id: "p" }, { kind: "node", id: "n" }] as const) {
      assert.equal(await ruleOf(it.kit.call("egress.allow", { host: "example.org" }, caller)), "built-in:person");
      assert.equal(await ruleOf(it.kit.call("egress.posture.set", { posture: "public" }, caller)), "built-in:person");
    }
  });

  test("is not lengthened by a clock that goes back", async () => {
    await using it = await world();
    await allow(it.kit, { host: "example.org", ttl: "10s" });
    it.kit.clock.setWall(startMs - hourMs);
    it.kit.clock.advance(10_000);
    assert.equal(await ruleOf(fetchAs(it.kit, agent, "https://example.org/")), "policy.no-permit");
    await it.kit.next("egress.lease.expired", () => true);
  });

  test("that ran out while the hub was down is over at its start", async () => {
    await using it = await world();
    await allow(it.kit, { host: "example.org" });
    it.kit.clock.setWall(startMs + hourMs);
    const wire = createFakeWire();
    await using later = await makeKernel({ store: it.kit.store, clock: it.kit.clock, egress: { wire } });
    assert.ok(later.kinds().includes("egress.lease.expired"));
    assert.equal(await ruleOf(fetchAs(later, agent, "https://example.org/")), "policy.no-permit");
  });

  test.each(["*", "http://example.org", "a b", "user@example.org", "example.org:0"])("of %j is none", async (host) => {
    await using it = await world();
    assert.equal((await problemOf(allow(it.kit, { host }))).definition.code, "egress.bad-host");
  });
});

describe("the posture", () => {
  const urls = [
    "https://example.org/",
    "http://other.test/",
    "https://example.org:8443/",
    "http://1.1.1.1/",
    "http://inside.test/",
  ];
  const names = { "inside.test": ["10.0.0.1"] };
  const reached = async (posture: string, hosts: readonly string[]): Promise<readonly string[]> => {
    await using it = await world({ names });
    await it.kit.call("egress.posture.set", { posture, hosts });
    for (const url of urls) await fetchAs(it.kit, agent, url).catch(() => undefined);
    return sentTo(it.wire);
  };

  test("opens what it says", async () => {
    assert.deepEqual(await reached("closed", ["example.org"]), []);
    assert.deepEqual(await reached("public", []), ["https://example.org:443", "http://other.test:80"]);
    assert.deepEqual(await reached("allowlist", ["example.org:8443", "1.1.1.1"]), [
      "https://example.org:8443",
      "http://1.1.1.1:80",
    ]);
    assert.deepEqual(await reached("custom", ["example.org"]), [], "no policy permits a host");
  });

  test("of the configuration counts until a person sets another, and what that closes ends", async () => {
    await using it = await world({ hangs: true }, {}, { settings: { posture: "public" } });
    assert.deepEqual(await answerOf(it.kit, ["egress.posture", {}]), {
      posture: "public",
      hosts: [],
      source: "config:egress.posture",
    });
    const work = ruleOf(fetchAs(it.kit, agent, "https://example.org/"));
    await until(() => it.wire.hops.length === 1, "it is under way");
    await it.kit.call("egress.posture.set", { posture: "closed" });
    assert.equal(await work, "egress.closed");
    assert.deepEqual(await answerOf(it.kit, ["egress.posture", {}]), {
      posture: "closed",
      hosts: [],
      source: "person:admin",
    });
  });
});

test("a deny rule closes a host to everybody, whatever is granted", async () => {
  await using it = await world({}, { deny: ["io:egress:net:*"] });
  await allow(it.kit, { host: "example.org" });
  for (const caller of [admin, agent])
    assert.equal(await ruleOf(fetchAs(it.kit, caller, "https://example.org/")), "io:egress:net:*");
  assert.equal(it.wire.hops.length, 0);
});

test("nobody is asked about a host that stays closed whatever they answer", async () => {
  await using it = await world({ answer: () => ({ text: "fine" }) });
  const told: Caller = { ...agent, labels: ["file"] };
  await assert.rejects(fetchAs(it.kit, told, "https://example.org/"), (error) => {
    const { rule, next } = (error as Problem).extra as { rule: string; next: string };
    assert.deepEqual([rule, next], ["policy.no-permit", "arw egress allow example.org:443"]);
    return true;
  });
  assert.equal(it.kit.kinds().includes("approvals.requested"), false);
  await it.kit.call("egress.posture.set", { posture: "custom" });
  const work = fetchAs(it.kit, told, "https://example.org/");
  const { approvalId } = (await it.kit.next("approvals.requested", () => true)).data as { approvalId: string };
  await it.kit.call("approvals.decide", { approvalId, decision: "allow" });
  assert.equal((await work).text, "fine");
});

test("an agent that read a file is asked for, and the person sees the whole address", async () => {
  await using it = await world({ answer: () => ({ text: "fine" }) });
  await allow(it.kit, { host: "example.org" });
  const work = fetchAs(it.kit, { ...agent, labels: ["file"] }, "https://example.org/?stolen=words");
  const asked = await it.kit.next("approvals.requested", () => true);
  const { rule, approvalId, summary } = asked.data as { rule: string; approvalId: string; summary: string };
  assert.deepEqual([rule, /stolen=words/.test(summary)], ["ask-before-strangers-words-leave", true]);
  await it.kit.call("approvals.decide", { approvalId, decision: "allow" });
  assert.equal((await work).text, "fine");
});

describe("redirects", () => {
  const chain = (...locations: readonly string[]): Answering => {
    const rest = [...locations];
    return () => {
      const location = rest.shift();
      return location === undefined ? { text: "end" } : { status: 302, headers: { location } };
    };
  };

  test("each place is asked about anew, and a chain into the inside ends before it", async () => {
    const inside = [
      "http://127.0.0.1/",
      "http://2130706433/",
      "http://[::ffff:7f00:1]/",
      "//10.0.0.1/x",
      "http://rebind.test/",
      "http://169.254.169.254/latest",
    ];
    for (const location of inside) {
      await using it = await world(
        { answer: chain("/again", location), names: { "rebind.test": ["127.0.0.1"] } },
        {},
        { settings: { posture: "public" } },
      );
      await problemOf(fetchAs(it.kit, agent, "http://example.org/"));
      assert.deepEqual(sentTo(it.wire), ["http://example.org:80", "http://example.org:80"], location);
      assert.deepEqual(
        (await ledger(it.kit)).map(({ outcome }) => outcome),
        ["sent", "sent", "refused"],
        location,
      );
    }
  });

  test("elsewhere goes nothing that says who asks", async () => {
    await using it = await world(
      { answer: chain("https://b.test/") },
      {},
      {
        settings: { posture: "public" },
        secrets: { secretFor: (name: string, host: string) => (host === "a.test" ? `value of ${name}` : null) },
      },
    );
    const headers = { Authorization: "Bearer secret:TOKEN", "X-Mine": "1", Accept: "text/plain" };
    await fetchAs(it.kit, agent, { url: "https://a.test/", headers });
    const [first, second] = it.wire.hops.map((hop) => Object.fromEntries(hop.headers));
    assert.equal(first?.["authorization"], "Bearer value of TOKEN");
    assert.deepEqual(second, { accept: "text/plain", "user-agent": "arw" });
  });

  test("from https to http, and without end, they are not followed", async () => {
    for (const answer of [chain("http://example.org/"), () => ({ status: 307, headers: { location: "/" } })]) {
      await using it = await world({ answer }, {}, { settings: { posture: "public" } });
      assert.equal(
        (await problemOf(fetchAs(it.kit, agent, "https://example.org/"))).definition.code,
        "egress.not-reached",
      );
      assert.ok(it.wire.hops.length <= 6);
    }
  });
});

describe("secrets", () => {
  const value = "s3cr3t-value-of-nobody";
  const secrets = { secretFor: (name: string, host: string) => (name === "TOKEN" && host === "a.test" ? value : null) };
  const headers = { authorization: "Bearer secret:TOKEN" };
  const open = { settings: { posture: "public" }, secrets };

  test("go to their host at the moment of sending, and are found nowhere else", async () => {
    await using it = await world(
      { answer: (hop) => ({ text: JSON.stringify(hop.headers), headers: { "content-type": "text/plain" } }) },
      {},
      open,
    );
    const { text } = await fetchAs(it.kit, agent, { url: "https://a.test/", headers });
    assert.equal(Object.fromEntries(it.wire.hops[0]?.headers ?? [])["authorization"], `Bearer ${value}`);
    assert.match(text, /\[redacted:secret\]/);
    assert.deepEqual((await ledger(it.kit))[0]?.secrets, ["TOKEN"]);
    assert.ok(!JSON.stringify([text, it.kit.events(), it.kit.samples]).includes(value));
  });

  test("go to no other host, and over no open line", async () => {
    await using it = await world({}, {}, open);
    assert.equal(await ruleOf(fetchAs(it.kit, agent, { url: "https://b.test/", headers })), "egress.secret-not-bound");
    assert.equal(await ruleOf(fetchAs(it.kit, agent, { url: "http://a.test/", headers })), "egress.secret-unencrypted");
    assert.equal(
      await ruleOf(fetchAs(it.kit, agent, { url: "https://a.test/", headers: { "x-a": "secret:OTHER" } })),
      "egress.secret-not-bound",
    );
    assert.equal(it.wire.hops.length, 0);
    assert.ok(!JSON.stringify(it.kit.events()).includes(value));
  });

  test("headers that are the hub's own to set are refused", async () => {
    await using it = await world({}, {}, open);
    for (const name of [
      "Host",
      "Cookie",
      "Connection",
      "Proxy-Authorization",
      "Transfer-Encoding",
      "X-Forwarded-For",
      "a b",
      "Content-Length",
    ])
      assert.equal(
        (await problemOf(fetchAs(it.kit, agent, { url: "https://a.test/", headers: { [name]: "x" } }))).definition.code,
        "egress.bad-header",
        name,
      );
    const bad = await problemOf(
      fetchAs(it.kit, agent, { url: "https://a.test/", headers: { "x-a": "1\r\nhost: b.test" } }),
    );
    assert.equal(bad.definition.code, "egress.bad-header");
    assert.equal(it.wire.hops.length, 0);
  });
});

describe("a preview", () => {
  const preview = (kit: Kit, input: object, caller: Caller = admin) =>
    answerOf<PreviewAnswer>(kit, ["egress.preview", input, caller]);

  test("says what would leave and why, and sends nothing", async () => {
    await using it = await world({ names: { "nas.test": ["10.0.0.5"] } });
    const url = "https://example.org/a?key=1";
    assert.deepEqual(await preview(it.kit, { url, headers: { accept: "x" } }), {
      url: "https://example.org/a?…",
      host: "example.org",
      port: 443,
      method: "GET",
      isOpen: true,
      rule: "typed",
      source: "person:admin",
      reason: "typed opens it",
      addresses: [{ address: "1.1.1.1", kind: "public", isOpen: true }],
      bytesOut:
        "GET /a?key=1 HTTP/1.1\r\naccept-encoding: gzip\r\naccept: x\r\nhost: example.org\r\nconnection: close\r\n\r\n"
          .length,
      headers: ["accept"],
      secrets: [],
    });
    const closed = await preview(it.kit, { url, agent: "reader" });
    assert.deepEqual([closed.isOpen, closed.rule, closed.addresses.length], [false, "egress.closed", 1]);
    await it.kit.call("egress.allow", { host: "nas.test" });
    const inside = await preview(it.kit, { url: "http://nas.test/", agent: "reader" });
    assert.deepEqual(
      [inside.isOpen, inside.rule, inside.addresses[0]?.kind],
      [false, "egress.private-address", "private"],
    );
    const secret = await preview(it.kit, { url, headers: { authorization: "secret:TOKEN" } });
    assert.deepEqual([secret.isOpen, secret.rule], [false, "egress.secret-not-bound"]);
    assert.deepEqual([it.wire.hops, await ledger(it.kit)], [[], []]);
  });

  test("of an agent looks up no name that is closed to it", async () => {
    await using it = await world();
    const closed = await preview(it.kit, { url: "https://stolen-words.example.org/" }, agent);
    assert.deepEqual([closed.isOpen, closed.addresses, it.wire.looked], [false, [], []]);
  });
});

test("the ledger is found by episode, host and outcome", async () => {
  await using it = await world({}, {}, { settings: { posture: "public" } });
  const { corrId } = await it.kit.call("web.fetch", { url: "https://a.test/" }, agent);
  await fetchAs(it.kit, agent, "https://b.test/");
  await problemOf(fetchAs(it.kit, { ...admin, labels: ["web"] }, "http://10.0.0.1/"));
  assert.deepEqual(
    (await ledger(it.kit, { episode: corrId })).map(({ host }) => host),
    ["a.test"],
  );
  assert.deepEqual(
    (await ledger(it.kit, { host: "b.test" })).map(({ caller }) => caller),
    ["agent:reader"],
  );
  assert.deepEqual(
    (await ledger(it.kit, { outcome: "refused" })).map(({ host }) => host),
    ["10.0.0.1"],
  );
});
