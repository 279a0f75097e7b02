/** Capsules over the whole kernel: adopted, refused, ended and remembered. */
import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { test } from "vitest";
import { adopt, came, listOf, names, open, outputOf, passes, status } from "../../../test/kit/capsule-hub.ts";
import { createIssuer, type TestIssuer } from "../../../test/kit/capsules.ts";
import { startMs, turn } from "../../../test/kit/kernel.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import type { Caller } from "../../contract/caller.ts";
import { isProblem } from "../../contract/problem.ts";
import { type Store, StoreFault } from "../../kernel/ports.ts";
import { keyIdOf, publicBytesOf } from "../../base/ed25519.ts";
import { preAuthenticated } from "../../base/dsse.ts";
import { type Capsule, leaseMsMax, payloadBytesMax, payloadType } from "./format.ts";

test("what a capsule denies is denied to everybody until its lease ends, and the refusal says whose rule it is", async () => {
  const parent = createIssuer("parent");
  await using kit = await open({ trusts: [parent] });
  const answer = await outputOf(adopt(kit, parent.envelope({ denies: ["probe:act*"] })));
  assert.equal(answer["isNew"], true);
  assert.equal(answer["bootId"], "boot");
  assert.deepEqual(await Promise.all(names.map((name) => passes(kit, name))), [true, false, false]);
  const refusal = await kit.call("probe.act", {}).catch((error: unknown) => error);
  assert.ok(isProblem(refusal));
  assert.deepEqual([refusal.extra["source"], refusal.extra["rule"]], ["capsule:parent/house", "parent/house"]);
  kit.clock.advance(3_600_000);
  assert.equal(await passes(kit, "act"), false, "up to and with its last moment");
  kit.clock.advance(1);
  assert.equal(await passes(kit, "act"), true);
  await turn();
  assert.deepEqual(await status(kit), { adopted: [], former: [] });
  assert.ok(kit.kinds().includes("provenance.capsule.ended"));
});

test("a contract of a capsule keeps its subject and its quota, and never outlasts the capsule", async () => {
  const parent = createIssuer("parent");
  await using kit = await open({ trusts: [parent] });
  const contracts = [
    { id: "agents", patterns: ["probe:look"], subjectAgent: "scout", validToMs: startMs + 9_999_999 },
    { id: "few", patterns: ["probe:act"], quotaLimit: 1, quotaWindowSecs: 60 },
    { id: "always", patterns: ["probe:actTwice"], validToMs: startMs + 1, autoRenewSecs: 5 },
  ];
  await adopt(kit, parent.envelope({ contracts }));
  const scout: Caller = { kind: "agent", id: "scout", grants: [{ key: "probe:*" }] };
  assert.deepEqual([await passes(kit, "look"), await passes(kit, "look", scout)], [true, false]);
  assert.deepEqual([await passes(kit, "act"), await passes(kit, "act")], [true, false]);
  kit.clock.advance(1000);
  assert.equal(await passes(kit, "actTwice"), false, "it renews itself");
  kit.clock.advance(3_599_001);
  for (const name of names) assert.equal(await passes(kit, name, scout), true, name);
});

test("what a capsule's quotas counted ends with the capsule, in memory and in the journal's views", async () => {
  const parent = createIssuer("parent");
  await using kit = await open({ trusts: [parent] });
  const contracts = [{ id: "few", patterns: ["probe:act"], quotaLimit: 1, quotaWindowSecs: 60 }];
  for (let round = 1; round <= 3; round += 1) {
    await adopt(kit, parent.envelope({ contracts }));
    assert.deepEqual([await passes(kit, "act"), await passes(kit, "act")], [true, false], "counted anew");
    await kit.call("provenance.teardown", { id: "house" });
    await turn();
    await turn();
    assert.equal(kit.kinds().filter((kind) => kind === "gating.quota.forgotten").length, round);
    assert.deepEqual(listOf(await outputOf(kit.call("state.gateQuotas", {})), "items"), []);
  }
});

test("the same capsule again is no replay while it is in force, whatever its envelope looks like", async () => {
  const parent = createIssuer("parent");
  await using kit = await open({ trusts: [parent] });
  const envelope = parent.envelope({ denies: ["probe:act"] });
  await adopt(kit, envelope);
  const again = await outputOf(adopt(kit, Buffer.from(` ${envelope}`.trim()).toString("base64url")));
  assert.equal(again["isNew"], false);
  assert.equal(kit.provenance.held(envelope)?.id, "house");
  const rows = listOf(await outputOf(kit.call("provenance.ledger", {})), "rows");
  assert.deepEqual(
    rows.map(({ what }) => what),
    ["presented", "adopted"],
  );
});

test("each fault has its reason, and nothing of a refused capsule holds", async () => {
  const parent = createIssuer("parent");
  const other = createIssuer("other");
  const gone = createIssuer("gone");
  const stranger = createIssuer("stranger");
  await using kit = await open({ trusts: [parent, other, gone] });
  await kit.call("provenance.issuers.revoke", { id: "gone" });
  const denies = ["*"];
  const good = JSON.parse(parent.envelope({ denies }));
  const signed = (text: string, by: TestIssuer = parent) => {
    const payload = Buffer.from(text);
    const sig = sign(null, preAuthenticated(payloadType, payload), by.privateKey).toString("base64");
    const keyid = keyIdOf(publicBytesOf(by.privateKey));
    return JSON.stringify({ payloadType, payload: payload.toString("base64"), signatures: [{ keyid, sig }] });
  };
  const text = canonicalJson(parent.capsule({ denies }));
  const flipped = `${good.signatures[0].sig.startsWith("A") ? "B" : "A"}${good.signatures[0].sig.slice(1)}`;
  const cases: readonly (readonly [reason: string, envelope: string])[] = [
    ["malformed", "nonsense!"],
    ["malformed", "{}"],
    ["malformed", `{"payload":"","payload":"",${JSON.stringify(good).slice(1)}`],
    ["malformed", JSON.stringify({ ...good, payloadType: "application/json" })],
    ["malformed", JSON.stringify({ ...good, allow: ["*"] })],
    ["missing-signature", JSON.stringify({ ...good, signatures: [] })],
    ["bad-signature", JSON.stringify({ ...good, signatures: [{ ...good.signatures[0], sig: "AAAA" }] })],
    ["bad-signature", JSON.stringify({ ...good, signatures: [{ ...good.signatures[0], sig: flipped }] })],
    ["bad-signature", signed(canonicalJson({ ...parent.capsule({ denies }), issuer: "other" }))],
    ["unknown-issuer", stranger.envelope({ denies })],
    ["revoked-issuer", gone.envelope({ denies })],
    ["not-canonical", signed(` ${text}`)],
    ["not-canonical", signed(JSON.stringify({ zebra: 1, ant: 2 }))],
    ["malformed", signed(text.replace('"version":1', '"version":1,"version":1'))],
    ["malformed", signed(text.replace('"version":1', '"version":9007199254740993'))],
    ["malformed", signed(canonicalJson({ ...parent.capsule({ denies }), allows: ["*"] }))],
    ["malformed", parent.envelope({ contracts: [{ id: "x", patterns: ["*"], quotaLimit: 1 }] })],
    ["malformed", parent.envelope({ contracts: ["*", "a:*"].map((each) => ({ id: "x", patterns: [each] })) })],
    ["malformed", parent.envelope({ denies, notAfterMs: startMs + 30_000, issuedAtMs: startMs + 40_000 })],
    ["too-large", signed(`"${"x".repeat(payloadBytesMax)}"`)],
    ["future-dated", parent.envelope({ denies, issuedAtMs: startMs + 60_001 })],
    ["expired", parent.envelope({ denies, issuedAtMs: startMs - 10, notAfterMs: startMs - 1 })],
    ["lease-too-long", parent.envelope({ denies, notAfterMs: startMs + leaseMsMax + 1 })],
    ["ttl", parent.envelope({ denies, hopTtl: 0 })],
    ["ttl", parent.envelope({ denies, hopTtl: 2 }, 2)],
  ];
  for (const [reason, envelope] of cases) {
    assert.equal(await came(adopt(kit, envelope)), reason, `${reason}: ${envelope.slice(0, 200)}`);
    const verdict = await outputOf(kit.call("provenance.verify", { envelope }));
    assert.deepEqual([verdict["isGood"], verdict["reason"]], [false, reason]);
  }
  assert.deepEqual(await status(kit), { adopted: [], former: [] });
  for (const name of names) assert.equal(await passes(kit, name), true);
  const rows = listOf(await outputOf(kit.call("provenance.ledger", { limit: 1000 })), "rows");
  assert.deepEqual(
    rows.map(({ reason }) => reason).toReversed(),
    cases.map(([reason]) => reason),
  );
});

test("a nonce is taken once: not by another capsule, not after a teardown, not after another start", async () => {
  const parent = createIssuer("parent");
  const store = createMemoryStore();
  const nonce = "the-nonce-of-all-nonces";
  const envelope = parent.envelope({ nonce, denies: ["probe:act"] });
  const first = await open({ store, trusts: [parent] });
  await adopt(first, envelope);
  assert.equal(await came(adopt(first, parent.envelope({ id: "else", nonce }))), "replayed");
  assert.deepEqual(await outputOf(first.call("provenance.teardown", { id: "house" })), { ended: 1 });
  assert.equal(await passes(first, "act"), true);
  assert.equal(await came(adopt(first, envelope)), "replayed");
  assert.equal((await outputOf(first.call("provenance.verify", { envelope })))["reason"], "replayed");
  assert.equal(await came(first.call("provenance.teardown", { id: "house" })), "arw.not-found");
  const issuers = first.file.issuers ?? [];
  await first[Symbol.asyncDispose]();
  await using second = await open({ store, issuers });
  assert.equal(await came(adopt(second, envelope)), "replayed");
});

test("a restart ends what was adopted, offers it anew, and adopts nothing by itself", async () => {
  const parent = createIssuer("parent");
  const store = createMemoryStore();
  const envelope = parent.envelope({ denies: ["probe:act"] });
  const first = await open({ store, trusts: [parent] });
  await adopt(first, envelope);
  const issuers = first.file.issuers ?? [];
  await first[Symbol.asyncDispose]();
  await using second = await open({ store, issuers });
  assert.equal(await passes(second, "act"), true);
  assert.deepEqual(await status(second), { adopted: [], former: ["house"] });
  const { former } = await outputOf(second.call("provenance.status", {}));
  const [{ envelope: offered } = { envelope: "" }] = former as { envelope: string }[];
  assert.equal((await outputOf(adopt(second, offered)))["isNew"], true);
  assert.equal(await passes(second, "act"), false);
  assert.deepEqual(await status(second), { adopted: ["house"], former: [] });
});

test("what cannot be written down is not adopted, and what it would have replaced stays", async () => {
  const parent = createIssuer("parent");
  const memory = createMemoryStore();
  const disk = { isFull: false };
  const store: Store = {
    ...memory,
    commit(batch) {
      if (disk.isFull) throw new StoreFault("full", "no space");
      memory.commit(batch);
    },
  };
  await using kit = await open({ store, trusts: [parent] });
  await adopt(kit, parent.envelope({ denies: ["probe:act"] }));
  disk.isFull = true;
  const next = parent.envelope({ version: 2, denies: ["probe:act*"] });
  assert.equal(await came(adopt(kit, next)), "arw.store-full");
  const other = parent.envelope({ id: "other", denies: ["probe:look"] });
  assert.equal(await came(adopt(kit, other)), "arw.store-full");
  assert.deepEqual(await Promise.all(names.map((name) => passes(kit, name))), [true, false, true]);
  assert.deepEqual(await status(kit), { adopted: ["house"], former: [] });
  assert.equal(kit.provenance.held(next), null);
  disk.isFull = false;
  assert.equal((await outputOf(adopt(kit, next)))["isNew"], true);
});

test("another text of a capsule in force is looked at like any other", async () => {
  const parent = createIssuer("parent");
  await using kit = await open({ trusts: [parent] });
  const envelope = parent.envelope();
  await adopt(kit, envelope);
  const { signatures, ...rest } = JSON.parse(envelope);
  const forged = JSON.stringify({
    ...rest,
    signatures: [{ ...signatures[0], sig: Buffer.alloc(64).toString("base64") }],
  });
  assert.equal(kit.provenance.held(forged), null);
  assert.equal(await came(adopt(kit, forged)), "bad-signature");
});

test("a newer version takes the place of one that it covers, and may take no denial away", async () => {
  const parent = createIssuer("parent");
  await using kit = await open({ trusts: [parent] });
  const contract = { id: "x", patterns: ["probe:look"] };
  await adopt(kit, parent.envelope({ version: 2, denies: ["probe:act"], contracts: [contract] }));
  const covering = { version: 3, denies: ["probe:act*"], contracts: [contract] };
  const less: readonly Partial<Capsule>[] = [
    { ...covering, version: 2 },
    { ...covering, denies: ["probe:look"] },
    { ...covering, contracts: [] },
    { ...covering, contracts: [{ ...contract, subjectAgent: "scout" }] },
    { ...covering, notAfterMs: startMs + 3_599_999 },
  ];
  for (const each of less) assert.equal(await came(adopt(kit, parent.envelope(each))), "widening");
  assert.equal(await passes(kit, "actTwice"), true);
  await adopt(kit, parent.envelope(covering));
  for (const name of names) assert.equal(await passes(kit, name), false, name);
  assert.deepEqual(await status(kit), { adopted: ["house"], former: [] });
  await adopt(kit, createIssuerLike(parent, "other-house"));
  await kit.call("provenance.teardown", { id: "house" });
  for (const name of names) assert.equal(await passes(kit, name), true, name);
});

const createIssuerLike = (issuer: TestIssuer, id: string): string => issuer.envelope({ id });

test("a revoked issuer's rules end at once, its keys never come back, and its name says so", async () => {
  const parent = createIssuer("parent");
  await using kit = await open({ trusts: [parent] });
  const envelope = parent.envelope({ denies: ["*"] });
  await adopt(kit, envelope);
  assert.deepEqual(await outputOf(kit.call("provenance.issuers.revoke", { id: "parent" })), { id: "parent", ended: 1 });
  assert.equal(await passes(kit, "act"), true);
  assert.equal(await came(adopt(kit, envelope)), "revoked-issuer");
  const { publicKey } = parent;
  for (const id of ["parent", "child"])
    assert.equal(await came(kit.call("provenance.issuers.add", { id, publicKey })), "provenance.issuer-refused");
  assert.equal(
    await came(kit.call("provenance.issuers.rotate", { id: "parent", publicKey: createIssuer("x").publicKey })),
    "provenance.issuer-refused",
  );
  assert.equal(kit.saved.at(-1)?.[0]?.revokedAtMs, startMs);
});

test("after a rotation both keys are good for a while, and then the new one alone", async () => {
  const before = createIssuer("parent");
  const after = createIssuer("parent");
  await using kit = await open({ trusts: [before] });
  await kit.call("provenance.issuers.rotate", { id: "parent", publicKey: after.publicKey, overlapSecs: 10 });
  await adopt(kit, before.envelope({ id: "one" }));
  await adopt(kit, after.envelope({ id: "two" }));
  kit.clock.advance(10_001);
  assert.equal(await came(adopt(kit, before.envelope({ id: "three" }))), "retired-key");
  assert.equal(await came(adopt(kit, after.envelope({ id: "four" }))), "passed");
  assert.deepEqual((await status(kit)).adopted, ["one", "two", "four"], "what was adopted under it keeps its lease");
});

test("the file of issuers is read anew: who is missing is trusted no more, and nonsense changes nothing", async () => {
  const parent = createIssuer("parent");
  await using kit = await open({ trusts: [parent] });
  await adopt(kit, parent.envelope({ denies: ["probe:act"] }));
  const { file } = kit;
  const [stored] = file.issuers ?? [];
  assert.ok(stored !== undefined);
  const wrongKeys = {
    ...stored,
    keys: stored.keys.map((key) => ({ ...key, publicKey: Buffer.alloc(32).toString("base64") })),
  };
  for (const nonsense of [null, [wrongKeys], [stored, stored]]) {
    file.issuers = nonsense;
    assert.equal(await came(kit.call("provenance.issuers.reload", {})), "provenance.trust-unreadable");
    assert.equal(await passes(kit, "act"), false);
  }
  file.issuers = [{ ...stored, id: "another" }];
  assert.deepEqual(await outputOf(kit.call("provenance.issuers.reload", {})), { issuers: 1, ended: 1 });
  assert.equal(await passes(kit, "act"), true);
  file.issuers = [];
  assert.deepEqual(await outputOf(kit.call("provenance.issuers.reload", {})), { issuers: 0, ended: 0 });
});

test("a key of small order is never trusted", async () => {
  await using kit = await open();
  const publicKey = Buffer.from(`01${"00".repeat(31)}`, "hex").toString("base64");
  assert.equal(await came(kit.call("provenance.issuers.add", { id: "weak", publicKey })), "provenance.issuer-refused");
});

test("an immutable contract keeps its capsule in force against a teardown, and not against a revocation", async () => {
  const parent = createIssuer("parent");
  await using kit = await open({ trusts: [parent] });
  const contracts = [{ id: "x", patterns: ["probe:act"], immutable: true, validToMs: startMs + 1000 }];
  await adopt(kit, parent.envelope({ contracts }));
  assert.equal(await came(kit.call("provenance.teardown", { id: "house" })), "provenance.capsule-fixed");
  kit.clock.advance(1001);
  assert.deepEqual(await outputOf(kit.call("provenance.teardown", { id: "house" })), { ended: 1 });
});

test("only persons say who is trusted and end capsules, and a capsule that denies everything leaves them that", async () => {
  const parent = createIssuer("parent");
  await using kit = await open({ trusts: [parent] });
  await adopt(kit, parent.envelope({ denies: ["*"] }));
  const agent: Caller = { kind: "agent", id: "scout", grants: [{ key: "*" }] };
  for (const operation of ["issuers.add", "issuers.rotate", "issuers.revoke", "issuers.reload", "teardown"])
    assert.equal(await came(kit.call(`provenance.${operation}`, {}, agent)), "arw.denied", operation);
  assert.deepEqual((await status(kit)).adopted, ["house"]);
  assert.deepEqual(await outputOf(kit.call("provenance.teardown", { id: "house" })), { ended: 1 });
  await adopt(kit, parent.envelope({ id: "again", denies: ["*"] }));
  assert.deepEqual(await outputOf(kit.call("provenance.issuers.revoke", { id: "parent" })), { id: "parent", ended: 1 });
});

test("a capsule is passed on only as far as it says, and each hop counts", async () => {
  const parent = createIssuer("parent");
  await using kit = await open({ trusts: [parent] });
  await adopt(kit, parent.envelope({ id: "far", hopTtl: 3, propagate: "children" }));
  await adopt(kit, parent.envelope({ id: "near", propagate: "all" }));
  await adopt(kit, parent.envelope({ id: "here", hopTtl: 9 }));
  const relay = (id: string, to: string) => kit.call("provenance.relay", { id, to });
  assert.equal(await came(relay("here", "children")), "propagate");
  assert.equal(await came(relay("far", "peers")), "propagate");
  assert.equal(await came(relay("near", "peers")), "ttl");
  const { envelope, hopsLeft } = await outputOf(relay("far", "children"));
  assert.equal(hopsLeft, 1);
  await using child = await open({ trusts: [parent] });
  assert.equal((await outputOf(adopt(child, String(envelope))))["isNew"], true);
  const next = await outputOf(child.call("provenance.relay", { id: "far", to: "children" }));
  await using grandchild = await open({ trusts: [parent] });
  await adopt(grandchild, String(next["envelope"]));
  assert.equal(await came(grandchild.call("provenance.relay", { id: "far", to: "children" })), "ttl");
});

test("the ledger ends with the hub unless it is kept", async () => {
  const parent = createIssuer("parent");
  for (const isLedgerKept of [false, true]) {
    const store = createMemoryStore();
    const first = await open({ store, trusts: [parent], isLedgerKept });
    await adopt(first, parent.envelope());
    const issuers = first.file.issuers ?? [];
    await first[Symbol.asyncDispose]();
    await using second = await open({ store, issuers, isLedgerKept });
    const output = await outputOf(second.call("provenance.ledger", {}));
    const told = listOf(output, "rows").map(({ what, reason }) => [what, reason].join(" ").trim());
    assert.deepEqual(told, isLedgerKept ? ["ended restart", "adopted"] : ["ended restart"]);
  }
});

test("a refused capsule says by what, and after which change one would be taken", async () => {
  const stranger = createIssuer("stranger");
  await using kit = await open({ trusts: [] });
  const refusal = await adopt(kit, stranger.envelope({ denies: ["probe:act*"] })).catch((error: unknown) => error);
  assert.ok(isProblem(refusal));
  const { rule, source, next } = refusal.extra;
  assert.deepEqual([rule, source], ["provenance.unknown-issuer", "built-in"]);
  assert.match(String(next), /arw policy issuers add/);
});
