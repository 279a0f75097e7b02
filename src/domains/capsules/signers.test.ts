import assert from "node:assert/strict";
import { test } from "vitest";
import { type CapsuleKit, openCapsuleKit, seededKey, signedBy } from "../../../test/kit/run-capsules.ts";
import { keyIdOf } from "../../base/ed25519.ts";
import type { Static } from "../../contract/schema.ts";
import { openCapsule } from "./capsule-file.ts";
import { Export, Import, Pin, Preview, Show, Verify } from "./contract.ts";
import { keptCapsules } from "./signers.ts";

const content = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const preview = (hub: CapsuleKit, bytes: Uint8Array) =>
  hub.ask<Static<typeof Preview.output>>(Preview, { content: content(bytes) });
const imported = (hub: CapsuleKit, bytes: Uint8Array) =>
  hub.ask<Static<typeof Import.output>>(Import, { content: content(bytes), digest: openCapsule(bytes).digest });
const keyOf = (seed: number): string => keyIdOf(seededKey(seed).publicKey);
const pin = (hub: CapsuleKit, seed: number, name: string) => hub.ask(Pin, { keyId: keyOf(seed), name });

/** Who signed the kept copy, by all that tells of it, and whether the answers agree. */
async function keptBy(hub: CapsuleKit, digest: string) {
  const shown = await hub.ask<Static<typeof Show.output>>(Show, { capsule: digest });
  const verified = await hub.ask<Static<typeof Verify.output>>(Verify, { capsule: digest });
  const rows = keptCapsules(hub.kit.kernel.parts).filter((each) => each.digest === digest);
  assert.deepEqual(verified.capsule, shown.capsule);
  assert.deepEqual(
    rows.map(({ keyId, sizeBytes }) => [keyId, sizeBytes]),
    [[shown.capsule.signer.keyId, shown.capsule.sizeBytes]],
  );
  assert.equal(shown.capsule.isKept, true);
  return shown.capsule.signer;
}

test("a stranger's copy that came first gives way to this hub's own, and is not told as it", async () => {
  await using hub = await openCapsuleKit();
  const { bytes, capsule } = await hub.exported(await hub.run([["read", "one"]]));
  const forged = signedBy(9, bytes);
  const first = await imported(hub, forged);
  assert.deepEqual([first.isNew, first.capsule.signer.kind, first.capsule.isKept], [true, "unknown", true]);
  // Nothing else of that key is here, so its own copy does not make it known.
  assert.deepEqual(await keptBy(hub, capsule.digest), { keyId: keyOf(9), kind: "unknown", name: null });
  const seen = await preview(hub, bytes);
  assert.deepEqual([seen.signer.kind, seen.isKept], ["own", false]);
  const second = await imported(hub, bytes);
  assert.deepEqual([second.isNew, second.capsule.signer.kind, second.capsule.isKept], [true, "own", true]);
  assert.equal((await keptBy(hub, capsule.digest)).kind, "own");
  assert.equal(hub.capsules.keptBytes(), bytes.length);
});

test("a copy that is signed worse, or no better, is not kept, and the answer tells of the one that stays", async () => {
  await using hub = await openCapsuleKit();
  const episode = await hub.run([["read", "one"]]);
  const { bytes, capsule } = await hub.exported(episode);
  assert.equal((await imported(hub, signedBy(8, bytes))).isNew, true);
  const equal = await imported(hub, signedBy(9, bytes));
  assert.deepEqual([equal.isNew, equal.capsule.signer.keyId, equal.capsule.isKept], [false, keyOf(8), true]);
  await hub.ask(Export, { episode, keep: true });
  const worse = await imported(hub, signedBy(9, bytes));
  assert.deepEqual([worse.isNew, worse.capsule.signer.kind], [false, "own"]);
  assert.equal((await keptBy(hub, capsule.digest)).kind, "own");
  const stranger = await preview(hub, signedBy(9, bytes));
  assert.deepEqual([stranger.signer, stranger.isKept], [{ keyId: keyOf(9), kind: "unknown", name: null }, false]);
});

test("own goes before pinned, pinned before known, known before unknown; also where many come at once", async () => {
  await using hub = await openCapsuleKit();
  const { bytes, capsule } = await hub.exported(await hub.run([["read", "one"]]));
  const other = await hub.exported(await hub.run([["read", "two"]]));
  await imported(hub, signedBy(7, other.bytes));
  await pin(hub, 6, "friend");
  for (const [seed, kind] of [
    [9, "unknown"],
    [7, "known"],
    [6, "pinned"],
    [1, "own"],
  ] as const) {
    const { isNew, capsule: kept } = await imported(hub, signedBy(seed, bytes));
    assert.deepEqual([isNew, kept.signer.keyId, kept.signer.kind], [true, keyOf(seed), kind]);
  }
  for (const seed of [6, 7, 9]) assert.equal((await imported(hub, signedBy(seed, bytes))).isNew, false);
  assert.equal((await keptBy(hub, capsule.digest)).kind, "own");
  const third = await hub.exported(await hub.run([["read", "three"]]));
  await Promise.all([9, 1, 7, 6].map((seed) => imported(hub, signedBy(seed, third.bytes))));
  assert.equal((await keptBy(hub, third.capsule.digest)).kind, "own");
});

test("a better copy needs no more room than the one that it takes the place of", async () => {
  await using hub = await openCapsuleKit();
  const { bytes } = await hub.exported(await hub.run([["read", "one"]]));
  await using narrow = await openCapsuleKit({ keySeed: 2, limits: { sizeBytesMax: bytes.length } });
  await imported(narrow, signedBy(9, bytes));
  await pin(narrow, 1, "home");
  const { isNew, capsule } = await imported(narrow, bytes);
  assert.deepEqual([isNew, capsule.signer.name, narrow.capsules.keptBytes()], [true, "home", bytes.length]);
});
