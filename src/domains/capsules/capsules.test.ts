import assert from "node:assert/strict";
import { test } from "vitest";
import { type CapsuleKit, openCapsuleKit, type Word } from "../../../test/kit/run-capsules.ts";
import { isProblem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { digestOfBytes, openCapsule } from "./capsule-file.ts";
import {
  CapsuleUnsound,
  CapsulesFull,
  ConditionsRecorded,
  Diff,
  Export,
  Import,
  Preview,
  Remove,
  RunIsGoing,
  Show,
  ShowKey,
  Verify,
} from "./contract.ts";

const script: readonly Word[] = [
  ["read", "one"],
  ["believe", "so it is"],
  ["write", "first"],
  ["break", "two"],
  ["big", "three"],
  ["write", "second"],
];
const content = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const preview = (hub: CapsuleKit, bytes: Uint8Array) =>
  hub.ask<Static<typeof Preview.output>>(Preview, { content: content(bytes) });
const imported = async (hub: CapsuleKit, bytes: Uint8Array) =>
  await hub.ask<Static<typeof Import.output>>(Import, {
    content: content(bytes),
    digest: (await preview(hub, bytes)).digest,
  });
const code = (error: unknown): string => (isProblem(error) ? error.definition.code : String(error));

test("a run is one file: the same bytes at every export, whatever came to the episode afterwards", async () => {
  await using hub = await openCapsuleKit();
  const episode = await hub.run(script);
  const first = await hub.exported(episode);
  await hub.run([["read", "another"]]);
  const second = await hub.exported(episode);
  assert.deepEqual(Buffer.from(second.bytes), Buffer.from(first.bytes));
  const { manifest } = first.capsule;
  assert.partialDeepStrictEqual(manifest.replayable, { toStep: 5, ofSteps: 5, reason: null });
  assert.deepEqual(
    [manifest.run.episode, manifest.run.agent, manifest.run.status, manifest.program.asOf, manifest.cuts],
    [episode, "actor", "finished", "run", { events: 0, blobs: 0 }],
  );
  assert.deepEqual(
    manifest.files.map(({ step, path, before }) => [step, path, before !== null]),
    [
      [2, "notes.txt", false],
      [5, "notes.txt", true],
    ],
  );
  assert.deepEqual(
    manifest.parts.map(({ kind }) => kind),
    ["journal", "conditions", "blob", "blob"],
  );
  assert.equal(first.capsule.signer.kind, "own");
});

test("it is looked at and kept elsewhere, told, verified and removed; the signer is known once a person says who it is", async () => {
  await using home = await openCapsuleKit();
  await using away = await openCapsuleKit({ keySeed: 2 });
  const episode = await home.run(script);
  const { bytes, capsule } = await home.exported(episode);
  const seen = await preview(away, bytes);
  assert.deepEqual([seen.digest, seen.signer.kind, seen.isKept], [capsule.digest, "unknown", false]);
  assert.deepEqual(seen.manifest.grants, [{ key: "world:*" }]);
  assert.deepEqual((await imported(away, bytes)).isNew, true);
  assert.deepEqual((await imported(away, bytes)).isNew, false);
  assert.equal((await preview(away, bytes)).signer.kind, "unknown");
  const another = (await home.exported(await home.run([["read", "a"]]))).bytes;
  assert.equal((await preview(away, another)).signer.kind, "known");
  await away.ask({ id: "capsules.pin" } as typeof Preview, { keyId: capsule.signer.keyId, name: "home" });
  assert.deepEqual((await preview(away, bytes)).signer, { keyId: capsule.signer.keyId, kind: "pinned", name: "home" });
  const name = capsule.digest.slice(0, 16);
  const verified = await away.ask<Static<typeof Verify.output>>(Verify, { capsule: name });
  assert.deepEqual([verified.signature, verified.digests, verified.capsule.isKept], ["holds", 4, true]);
  const shown = await away.ask<Static<typeof Show.output>>(Show, { capsule: name });
  assert.equal(shown.story.length, capsule.manifest.counts.events);
  const recording = await away.capsules.source.of(name, new AbortController().signal);
  assert.equal(recording.events.length, capsule.manifest.counts.events);
  const blob = capsule.manifest.parts.find(({ kind }) => kind === "blob");
  assert.equal((await recording.blob(blob?.digest ?? ""))?.length, blob?.sizeBytes);
  assert.deepEqual(await away.ask(Remove, { capsule: name }), { digest: capsule.digest });
  await assert.rejects(away.ask(Verify, { capsule: capsule.digest }), (error) => code(error) === "arw.not-found");
});

test("an episode of this hub is a recording without an export", async () => {
  await using hub = await openCapsuleKit();
  const episode = await hub.run(script);
  const { manifest, events } = await hub.capsules.source.of(episode, new AbortController().signal);
  assert.deepEqual([manifest.run.episode, events.at(-1)?.kind], [episode, "agents.run.finished"]);
  assert.equal((await hub.ask<Static<typeof ShowKey.output>>(ShowKey, {})).keyId, null);
});

test("what holds at the time of the run is in it, and what was not written down is not made up", async () => {
  await using hub = await openCapsuleKit();
  const first = await hub.run([["read", "a"]]);
  const same = await hub.run([["read", "b"]]);
  hub.rules.text = "forbid(principal, action, resource);";
  const other = await hub.run([["read", "c"]]);
  const of = async (episode: string) => (await hub.exported(episode)).capsule.manifest;
  const [a, b, c] = [await of(first), await of(same), await of(other)];
  assert.equal(a.inForce.policyDigest, b.inForce.policyDigest);
  assert.notEqual(a.inForce.policyDigest, c.inForce.policyDigest);
  assert.equal(hub.kit.kinds().filter((kind) => kind === "capsules.conditions.recorded").length, 2);
  const noted = hub.kit.events().find(({ kind }) => kind === ConditionsRecorded.kind);
  assert.ok(noted !== undefined);
  await hub.kit.blobs.remove((noted.data as ConditionsRecorded).conditions);
  const gone = await of(first);
  assert.deepEqual([gone.inForce.conditions, gone.inForce.policyDigest], [null, a.inForce.policyDigest]);
});

test("a secret that is known by now is nowhere in the file, in no form, and the capsule says how far it replays", async () => {
  const secret = 'Tr0ub4dor&3 "quoted"';
  for (const [words, toStep] of [
    [
      [
        ["read", "one"],
        ["read", `pass ${secret}`],
        ["read", "three"],
      ],
      1,
    ],
    [
      [
        ["read", "one"],
        ["big", secret],
        ["read", "three"],
      ],
      1,
    ],
    [[["read", Buffer.from(`user:${secret}`).toString("base64")]], 0],
    [
      [
        ["read", JSON.stringify({ at: secret })],
        ["read", "x"],
      ],
      0,
    ],
  ] as readonly (readonly [readonly Word[], number])[]) {
    await using hub = await openCapsuleKit();
    const episode = await hub.run(words);
    hub.learn(secret);
    const { bytes, capsule } = await hub.exported(episode);
    const text = Buffer.from(bytes).toString("latin1");
    const payload = Buffer.from(/"payload":"([^"]*)"/.exec(text)?.[1] ?? "", "base64").toString("utf8");
    const inner = Buffer.from(secret).toString("base64").slice(2, -4);
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), inner])
      assert.ok(!text.includes(form) && !payload.includes(form), `${form} stands in the file`);
    const { replayable, cuts, chain } = capsule.manifest;
    // What the run was asked holds the words, too: nothing of it can be executed again.
    assert.ok(replayable.toStep <= toStep && replayable.reason !== null, JSON.stringify(replayable));
    assert.ok(cuts.events + cuts.blobs > 0);
    assert.equal(chain, "none");
    assert.equal(openCapsule(bytes).digest, capsule.digest);
  }
});

test("a secret that is broken over lines is found, and with it goes all that was made of its words", async () => {
  const phrase = "gibbon umbrella cactus violin teapot";
  const number = "zorblax-7741-QUUX-flimflam";
  const breaks = (text: string): readonly string[] =>
    ["\n", "\r\n  ", " ", "\n> "].map((gap) =>
      text.replace(/(?<=[a-z1] ?)(?:-| )(?=[A-Zc])/u, (sign) => `${sign.trim()}${gap}`),
    );
  for (const [secret, text] of [phrase, number].flatMap((each) =>
    [each, ...breaks(each)].map((other) => [each, other] as const),
  )) {
    await using hub = await openCapsuleKit();
    const told = `It is ${text} and nobody knows.`;
    const episode = await hub.run([
      ["read", "one"],
      ["words", told],
      ["big", told],
      ["write", told],
      ["read", "two"],
    ]);
    hub.learn(secret);
    const { bytes, capsule } = await hub.exported(episode);
    for (const word of secret.split(/[ -]/u))
      assert.ok(!fileText(bytes).includes(word), `${word} of ${JSON.stringify(text)}`);
    assert.ok(capsule.manifest.replayable.toStep <= 1);
    assert.equal((await preview(hub, bytes)).digest, capsule.digest);
  }
});

test("no digest is left of what holds a secret, nor of what was built with it, and the record ends before it", async () => {
  const pin = "4829-1307";
  const plain = Buffer.from(`pin ${pin}`);
  // As Windows writes it, in either order of its bytes.
  const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(`pin ${pin}`, "utf16le")]);
  for (const content of [plain, wide, Buffer.from(wide).subarray(2).swap16()]) {
    await using hub = await openCapsuleKit();
    hub.contents.set("hidden", content);
    const episode = await hub.run([
      ["read", "one"],
      ["write", "hidden"],
      ["write", "over it"],
      ["read", "two"],
    ]);
    const before = await hub.exported(episode);
    assert.ok(fileText(before.bytes).includes(digestOfBytes(content)));
    hub.learn(pin);
    const { bytes, capsule } = await hub.exported(episode);
    const { replayable, files, cuts } = capsule.manifest;
    assert.partialDeepStrictEqual(replayable, {
      toStep: 1,
      ofSteps: 4,
      reason: "a file of step 2 holds a secret and was left out",
    });
    assert.equal(cuts.blobs, 1);
    assert.ok(files.every(({ before: was, after }) => ![was, after].includes(digestOfBytes(content))));
    const text = fileText(bytes);
    assert.ok(
      !text.includes(digestOfBytes(content)) && !Buffer.from(bytes).includes(content),
      "the content or its digest is in it",
    );
    // Arguments and answers behind the cut could be guessed by theirs.
    const traces = hub.kit
      .events()
      .filter(({ corrId, data }) => corrId === episode && Number((data as { step?: number } | null)?.step) > 1)
      .flatMap(({ data }) => JSON.stringify(data).match(/sha256:[0-9a-f]{64}/g) ?? []);
    assert.ok(traces.length > 0);
    for (const digest of traces) assert.ok(!text.includes(digest), digest);
    assert.equal((await preview(hub, bytes)).digest, capsule.digest);
  }
});

/** What anybody can read of a file, its envelope opened. */
function fileText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("latin1");
  return `${text} ${Buffer.from(/"payload":"([^"]*)"/.exec(text)?.[1] ?? "", "base64").toString("latin1")}`;
}

test("what is answered twice is kept once, in the record and in the file", async () => {
  await using hub = await openCapsuleKit();
  const twice = await hub.run(Array.from({ length: 5 }, () => ["big", "the same"] as const));
  const again = await hub.run([["big", "the same"]]);
  const refs: string[] = [];
  for await (const { ref } of hub.kit.blobs.list()) refs.push(ref);
  for (const [episode, steps] of [[twice, 5] as const, [again, 1] as const]) {
    const { counts, replayable, parts } = (await hub.exported(episode)).capsule.manifest;
    assert.deepEqual([counts.blobs, replayable.toStep], [1, steps]);
    const blobs = parts.filter(({ kind }) => kind === "blob").map(({ digest }) => digest);
    assert.deepEqual(
      refs.filter((ref) => blobs.includes(ref)),
      blobs,
    );
  }
});

test("a kept capsule leaves as it is kept, to the byte, unless a secret in it is known by now", async () => {
  await using home = await openCapsuleKit();
  await using away = await openCapsuleKit({ keySeed: 2 });
  const { bytes, capsule } = await home.exported(await home.run([["read", "a word that is none"]]));
  await imported(away, bytes);
  const again = await away.exported(capsule.digest.slice(0, 20));
  assert.deepEqual(Buffer.from(again.bytes), Buffer.from(bytes));
  assert.deepEqual([again.capsule.digest, again.capsule.signer.kind], [capsule.digest, "unknown"]);
  away.learn("a word that is none");
  await assert.rejects(away.exported(capsule.digest), (error) => code(error) === "capsules.holds-secret");
  await away.ask(Remove, { capsule: capsule.digest });
  await assert.rejects(away.exported(capsule.digest), (error) => code(error) === "arw.not-found");
});

test("what is kept has a ceiling and an age, and each refusal leaves the shelf as it was", async () => {
  await using home = await openCapsuleKit();
  const [first, second] = [
    (await home.exported(await home.run([["read", "a"]]))).bytes,
    (await home.exported(await home.run([["read", "b"]]))).bytes,
  ];
  await using away = await openCapsuleKit({ keySeed: 2, limits: { sizeBytesMax: first.length + 10, ageMsMax: 1_000 } });
  await imported(away, first);
  assert.equal(away.capsules.keptBytes(), first.length);
  await assert.rejects(imported(away, second), (error) => code(error) === "capsules.full");
  assert.equal(away.capsules.keptBytes(), first.length);
  // The same run again takes no more room.
  assert.equal((await imported(away, first)).isNew, false);
  away.kit.clock.advance(200_000);
  await away.kit.next("capsules.removed");
  assert.equal(away.capsules.keptBytes(), 0);
  assert.equal((await imported(away, second)).isNew, true);
});

test("an answer that was too large to be kept, or is gone, ends what can be replayed", async () => {
  await using hub = await openCapsuleKit();
  const huge = await hub.run([
    ["read", "a"],
    ["huge", "b"],
    ["read", "c"],
  ]);
  assert.partialDeepStrictEqual((await hub.exported(huge)).capsule.manifest.replayable, {
    toStep: 1,
    ofSteps: 3,
    reason: "the answer of step 2 was too large to be kept",
  });
  const episode = await hub.run([["big", "b"]]);
  for await (const { ref } of hub.kit.blobs.list()) await hub.kit.blobs.remove(ref);
  assert.partialDeepStrictEqual((await hub.exported(episode)).capsule.manifest.replayable, {
    toStep: 0,
    ofSteps: 1,
    reason: "the answer of step 1 is no longer kept",
  });
});

test("a run that is going has no capsule, and a shelf that is full takes none", async () => {
  await using hub = await openCapsuleKit({ limits: { sizeBytesMax: 10 } });
  const episode = await hub.run([["read", "a"]]);
  await assert.rejects(hub.ask(Export, { episode, keep: true }), (error) => isProblem(error, CapsulesFull));
  await hub.kit.kernel.journal.emit(
    { kind: "agents.run.resumed", version: 1, isDurable: true, about: "x", data: {} as never },
    { agent: "actor", recordedSteps: 1 },
    { caller: { kind: "system", id: "hub" }, corrId: episode, causeId: null },
  );
  await assert.rejects(hub.ask(Export, { episode }), (error) => isProblem(error, RunIsGoing));
  await assert.rejects(hub.ask(Export, { episode: "nobody" }), (error) => code(error) === "arw.not-found");
});

test("another file than the one that was looked at is refused", async () => {
  await using hub = await openCapsuleKit();
  const [a, b] = [await hub.run([["read", "a"]]), await hub.run([["read", "b"]])];
  const { digest } = (await hub.exported(a)).capsule;
  const other = (await hub.exported(b)).bytes;
  await assert.rejects(hub.ask(Import, { content: content(other), digest }), (error) => {
    assert.ok(isProblem(error, CapsuleUnsound));
    return error.extra["reason"] === "changed";
  });
});

test("two runs are compared: equal ones have no difference, and others part at a step", async () => {
  await using hub = await openCapsuleKit();
  // The first run of an agent is told of its tools, and no later one.
  await hub.run([]);
  const [a, again] = [await hub.run(script.slice(0, 2)), await hub.run(script.slice(0, 2))];
  const diff = (left: string, right: string) => hub.ask<Static<typeof Diff.output>>(Diff, { a: left, b: right });
  const same = await diff(a, again);
  assert.deepEqual([same.isEqual, same.firstStep, same.differing], [true, null, []]);
  const b = await hub.run([script[0] as Word, ["believe", "so it is not"], ["read", "more"]]);
  const parted = await diff(a, b);
  assert.equal(parted.isEqual, false);
  assert.deepEqual(
    parted.differing.filter((row) => row.a === null).map((row) => row.b?.kind),
    ["observations.recorded"],
  );
});
