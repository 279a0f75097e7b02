import assert from "node:assert/strict";
import fc from "fast-check";
import { beforeAll, test } from "vitest";
import { openCapsuleKit, seededKey } from "../../../test/kit/run-capsules.ts";
import { runs } from "../../../test/kit/runs.ts";
import { canonicalJson, sha256Hex } from "../../base/canonical-json.ts";
import { isProblem } from "../../contract/problem.ts";
import { type CapsuleFile, openCapsule, payloadType, sealCapsule } from "./capsule-file.ts";
import { readContents } from "./contents.ts";
import { CapsuleUnsound, capsuleBytesMax, type Manifest } from "./contract.ts";
import { type Proving, readLine } from "./lines.ts";

interface Sound {
  readonly bytes: Uint8Array;
  readonly file: CapsuleFile;
  readonly proving: Proving;
}
const made: { sound?: Sound } = {};
const sound = (): Sound => made.sound as Sound;

beforeAll(async () => {
  await using hub = await openCapsuleKit();
  const episode = await hub.run([
    ["read", "one"],
    ["write", "first"],
    ["write", "second"],
    ["big", "three"],
  ]);
  const { bytes } = await hub.exported(episode);
  const { seal } = hub.kit.kernel.parts.archive;
  made.sound = { bytes, file: openCapsule(bytes), proving: { seal, breathe: () => Promise.resolve() } };
});

/** Why a file is refused; fails when it is not, or with anything but the one problem. */
async function refusal(bytes: Uint8Array): Promise<unknown> {
  try {
    await readContents(openCapsule(bytes), sound().proving);
  } catch (error) {
    assert.ok(isProblem(error, CapsuleUnsound), String(error));
    return error.extra["reason"];
  }
  return assert.fail("the file was taken");
}

const partsOf = ({ manifest, part }: CapsuleFile): Uint8Array[] => manifest.parts.map((_each, place) => part(place));
const digestOf = (bytes: Uint8Array): string => `sha256:${sha256Hex(bytes)}`;

/** A capsule of somebody who has a key, and lies. */
function signed(change: (manifest: Manifest, parts: Uint8Array[]) => object, key = seededKey(9)): Uint8Array {
  const parts = partsOf(sound().file);
  return sealCapsule({ ...sound().file.manifest, ...change(sound().file.manifest, parts) }, parts, key);
}

/** The same with another journal, which the manifest names rightly. */
function withJournal(change: (lines: string[]) => readonly string[], more: object = {}): Uint8Array {
  return signed(({ parts: listed, counts }, parts) => {
    const lines = Buffer.from(parts[0] ?? [])
      .toString("utf8")
      .slice(0, -1)
      .split("\n");
    const changed = change(lines);
    const bytes = Buffer.from(`${changed.join("\n")}\n`);
    parts[0] = bytes;
    const journal = { kind: "journal" as const, digest: digestOf(bytes), sizeBytes: bytes.length };
    return { parts: [journal, ...listed.slice(1)], counts: { ...counts, events: changed.length }, ...more };
  });
}

/** A file whose envelope somebody wrote by hand around a good signature. */
function withEnvelope(write: (envelope: Record<string, unknown>) => string): Uint8Array {
  const text = Buffer.from(sound().bytes);
  const start = text.indexOf("\n") + 1;
  const end = text.indexOf("\n", start);
  const envelope = JSON.parse(text.subarray(start, end).toString("utf8")) as Record<string, unknown>;
  return Buffer.concat([text.subarray(0, start), Buffer.from(write(envelope)), text.subarray(end)]);
}

/** Hundreds of files are opened; a machine that does much else takes ten times as long. */
const slow = { timeout: 120_000 };

test("a sound capsule is taken, also one of another signer", async () => {
  assert.equal(openCapsule(signed(() => ({}))).digest, sound().file.digest);
  assert.notEqual(openCapsule(signed(() => ({}))).fileDigest, sound().file.fileDigest);
  await readContents(openCapsule(signed(() => ({}))), sound().proving);
});

test("every flipped byte is refused", slow, async () => {
  const { length } = sound().bytes;
  const anywhere = fc.oneof(fc.nat(2_000), fc.nat(length - 1)).map((at) => Math.min(at, length - 1));
  await fc.assert(
    fc.asyncProperty(anywhere, fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const bytes = Uint8Array.from(sound().bytes);
      bytes[at] = (bytes[at] ?? 0) ^ flip;
      await refusal(bytes);
    }),
    runs(300),
  );
});

test("whatever is cut off, put behind, or stands there instead is refused", slow, async () => {
  const { bytes } = sound();
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => void (await refusal(bytes.subarray(0, length)))),
    runs(100),
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (noise) => void (await refusal(noise))),
    runs(100),
  );
  assert.equal(await refusal(Buffer.concat([bytes, Buffer.from("\n")])), "trailing-bytes");
  assert.equal(await refusal(Buffer.from("PK\u0003\u0004")), "no-capsule");
  assert.equal(await refusal(Buffer.alloc(512)), "no-capsule");
  assert.equal(await refusal(Buffer.from("ARWCAPSULE 1\n")), "truncated");
  assert.equal(await refusal(Buffer.from(`ARWCAPSULE 1\n${"[".repeat(100_000)}\n`)), "malformed");
});

test("a newer format is told apart from damage", async () => {
  assert.equal(await refusal(Buffer.from("ARWCAPSULE 2\n{}\n")), "newer-format");
  assert.equal(await refusal(signed(() => ({ format: 7 }))), "newer-format");
  const relabelled = Buffer.concat([Buffer.from("ARWCAPSULE 01"), Buffer.from(sound().bytes).subarray(12)]);
  assert.equal(await refusal(relabelled), "no-capsule");
});

test("sizes and counts that nobody has are refused before anything is reserved", slow, async () => {
  const resized = (sizeBytes: number) =>
    signed(({ parts }) => ({ parts: parts.map((each, place) => (place === 0 ? { ...each, sizeBytes } : each)) }));
  assert.equal(await refusal(resized(1e12)), "truncated");
  assert.equal(await refusal(resized(Number.MAX_SAFE_INTEGER)), "truncated");
  assert.equal(await refusal(resized(0)), "trailing-bytes");
  assert.equal(await refusal(resized(-1)), "malformed");
  assert.equal(await refusal(signed(({ counts }) => ({ counts: { ...counts, events: 1e15 } }))), "too-large");
  assert.equal(await refusal(signed(({ counts }) => ({ counts: { ...counts, events: 1 } }))), "inconsistent");
  const many = Array.from({ length: 10_001 }, (_each, n) => ({
    kind: "blob" as const,
    digest: `sha256:${n.toString(16).padStart(64, "0")}`,
    sizeBytes: 0,
  }));
  assert.equal(await refusal(signed(({ parts }) => ({ parts: [...parts.slice(0, 1), ...many] }))), "malformed");
  assert.equal(await refusal(new Uint8Array(capsuleBytesMax + 1)), "too-large");
});

test("a few megabytes that would become gigabytes in memory are refused before they are read", slow, async () => {
  const room = 5_000_001;
  const bomb = `{"seq":1,"data":[${"{},".repeat(room)}0]}`;
  assert.equal(await refusal(withJournal(([first = ""]) => [first, bomb])), "too-large");
  assert.equal(await refusal(withJournal(([first = ""]) => [`${first}${"\n".repeat(room)}`])), "inconsistent");
  const answer = Buffer.from(`[${"[],".repeat(room)}0]`);
  const swollen = signed(({ parts: listed, counts }, bytes) => {
    // The answer of the step that is kept beside the events.
    const place = listed.findLastIndex(({ kind, sizeBytes }) => kind === "blob" && sizeBytes > 65_536);
    const { digest } = listed[place] as Manifest["parts"][number];
    const journal = Buffer.from(
      Buffer.from(bytes[0] ?? [])
        .toString("utf8")
        .replaceAll(digest, digestOf(answer))
        .replace(/,"format":\d+,"dataHash":.*?"hash":"[0-9a-f]{64}"/g, ""),
    );
    const rest = listed.map((each, at) => ({ each, bytes: bytes[at] ?? new Uint8Array() })).slice(1);
    const parts = rest.map((one) =>
      one.each.digest === digest
        ? { each: { ...one.each, digest: digestOf(answer), sizeBytes: answer.length }, bytes: answer }
        : one,
    );
    const blobs = parts.filter(({ each }) => each.kind === "blob");
    const others = parts.filter(({ each }) => each.kind !== "blob");
    const whole = [...others, ...blobs.toSorted((a, b) => (a.each.digest < b.each.digest ? -1 : 1))];
    bytes.splice(0, bytes.length, journal, ...whole.map((one) => one.bytes));
    const first = { kind: "journal" as const, digest: digestOf(journal), sizeBytes: journal.length };
    return { counts, chain: "none", parts: [first, ...whole.map((one) => one.each)] };
  });
  assert.equal(await refusal(swollen), "too-large");
});

test("parts that stand twice, in another place, or are of no known kind are refused", async () => {
  const last = (parts: Manifest["parts"]) => parts.at(-1) as Manifest["parts"][number];
  const twice = signed(({ parts }, bytes) => {
    bytes.push(bytes.at(-1) ?? new Uint8Array());
    return { parts: [...parts, last(parts)] };
  });
  assert.equal(await refusal(twice), "inconsistent");
  const turned = signed(({ parts }, bytes) => {
    bytes.reverse();
    return { parts: parts.toReversed() };
  });
  assert.equal(await refusal(turned), "inconsistent");
  for (const kind of ["symlink", "../../etc/passwd", "device"])
    assert.equal(
      await refusal(signed(({ parts }) => ({ parts: [...parts, { ...last(parts), kind, sizeBytes: 0 }] }))),
      "malformed",
    );
  const named = signed(({ parts }) => ({ parts: parts.map((each) => ({ ...each, name: "/etc/passwd" })) }));
  assert.equal(await refusal(named), "malformed");
  const foreign = Buffer.from("nobody asked for this");
  const extra = signed(({ parts }, bytes) => {
    const part = { kind: "blob" as const, digest: digestOf(foreign), sizeBytes: foreign.length };
    const listed = [
      ...parts.map((each, place) => ({ each, bytes: bytes[place] ?? new Uint8Array() })),
      { each: part, bytes: foreign },
    ];
    const blobs = listed
      .filter(({ each }) => each.kind === "blob")
      .toSorted((a, b) => (a.each.digest < b.each.digest ? -1 : 1));
    const whole = [...listed.filter(({ each }) => each.kind !== "blob"), ...blobs];
    bytes.splice(0, bytes.length, ...whole.map((one) => one.bytes));
    return { parts: whole.map((one) => one.each) };
  });
  assert.equal(await refusal(extra), "inconsistent");
});

test("a signer who says less than the events do is refused", async () => {
  const lies: readonly ((manifest: Manifest) => object)[] = [
    () => ({ grants: [] }),
    () => ({ folders: [], hosts: ["example.org:443"] }),
    () => ({ files: [] }),
    ({ run }) => ({ run: { ...run, agent: "scout" } }),
    ({ run }) => ({ run: { ...run, status: "failed" } }),
    () => ({ chain: "none" }),
    ({ counts }) => ({ counts: { ...counts, refusals: 5 } }),
    ({ counts }) => ({ counts: { ...counts, blobs: 0 } }),
    () => ({ filesMore: 7 }),
    ({ replayable }) => ({ replayable: { ...replayable, toStep: replayable.ofSteps + 1, ofSteps: 99 } }),
    // A gap where none is would hide that the code says something else by now.
    ({ replayable }) => ({ replayable: { ...replayable, gapSeq: 999_999 } }),
    ({ replayable }) => ({ replayable: { ...replayable, gapSeq: 1 } }),
    ({ inForce }) => ({ inForce: { ...inForce, conditions: `sha256:${"1".repeat(64)}` } }),
  ];
  for (const [place, lie] of lies.entries()) assert.equal(await refusal(signed(lie)), "inconsistent", `lie ${place}`);
});

test("events are held to one spelling, to their hashes, and to their episode", async () => {
  assert.equal(
    await refusal(withJournal(([first = "", ...rest]) => [first.replace('{"seq"', '{ "seq"'), ...rest])),
    "not-canonical",
  );
  assert.equal(await refusal(withJournal((lines) => lines.map((line) => line.replace("one", "two")))), "forged-digest");
  assert.equal(await refusal(withJournal((lines) => [lines[0] ?? "", ...lines])), "inconsistent");
  assert.equal(
    await refusal(withJournal(([first = "", second = "", ...rest]) => [second, first, ...rest])),
    "inconsistent",
  );
  assert.equal(await refusal(withJournal((lines) => [...lines, "{}"])), "malformed");
  assert.equal(await refusal(withJournal((lines) => [...lines, ""])), "malformed");
  assert.equal(await refusal(withJournal((lines) => [...lines, "\n".repeat(9)])), "inconsistent");
  const deep = `{"seq":1,"data":${"[".repeat(200)}${"]".repeat(200)}}`;
  assert.equal(await refusal(withJournal(() => [deep])), "malformed");
  const bare = (line: string): string => line.replace(/,"format":.*?"hash":"[0-9a-f]{64}"/, "");
  assert.equal(await refusal(withJournal(([first = "", ...rest]) => [bare(first), ...rest])), "inconsistent");
  const others = withJournal(
    (lines) =>
      lines.map(bare).map((line, place) => (place === 0 ? line.replace(/"corrId":"[^"]*"/, '"corrId":"else"') : line)),
    { chain: "none" },
  );
  assert.equal(await refusal(others), "inconsistent");
});

test("an envelope is held to one spelling and to the key in it", async () => {
  const { bytes } = sound();
  assert.equal(
    await refusal(withEnvelope((envelope) => JSON.stringify(envelope, null, 1).replaceAll("\n", ""))),
    "not-canonical",
  );
  assert.equal(await refusal(withEnvelope((envelope) => canonicalJson({ ...envelope, more: 1 }))), "malformed");
  assert.equal(
    await refusal(withEnvelope((envelope) => canonicalJson(envelope).replace("{", '{"payload":"",'))),
    "malformed",
  );
  assert.equal(
    await refusal(withEnvelope((envelope) => canonicalJson({ ...envelope, payloadType: "text/plain" }))),
    "malformed",
  );
  const other = Buffer.from(seededKey(5).publicKey).toString("base64");
  assert.equal(
    await refusal(withEnvelope((envelope) => canonicalJson({ ...envelope, publicKey: other }))),
    "bad-signature",
  );
  const weak = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]).toString("base64");
  assert.equal(
    await refusal(withEnvelope((envelope) => canonicalJson({ ...envelope, publicKey: weak }))),
    "bad-signature",
  );
  const unpadded = (envelope: Record<string, unknown>): string =>
    canonicalJson({ ...envelope, publicKey: String(envelope["publicKey"]).replaceAll("=", "") });
  assert.equal(await refusal(withEnvelope(unpadded)), "malformed");
  assert.ok(Buffer.from(bytes).toString("latin1").includes(payloadType));
});

test("a line of a journal reads back as it was written, whatever a tool answered", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.boolean(), (data, isDropped) => {
      const text = isDropped ? '"data":null' : `"data":${JSON.stringify(data)}`;
      const dropped = isDropped ? '"dropped":true,' : "";
      const line = `{"seq":1,"id":"a","timeMs":1,"kind":"a.b","version":1,"corrId":"c","causeId":null,"node":"n","caller":"x",${dropped}${text}}`;
      assert.equal(readLine(line, { values: 1_000_000 }).data, isDropped ? null : JSON.stringify(data));
    }),
    runs(100),
  );
});
