/** A capsule is signed by whoever has a key: what they changed is refused, or differs, or is told as their word. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { beforeAll, test } from "vitest";
import { actor, openCapsuleKit, seededKey } from "../../../test/kit/run-capsules.ts";
import { isCounted, runs } from "../../../test/kit/runs.ts";
import { keptOf } from "../../base/kept-result.ts";
import { isProblem, Problem, type ProblemDefinition } from "../../contract/problem.ts";
import { UnknownAgent } from "../agents/contract.ts";
import { createReplayer } from "../agents/replayer.ts";
import { digestOfBytes, openCapsule, sealCapsule } from "./capsule-file.ts";
import { readContents } from "./contents.ts";
import { CapsuleUnsound, judged, type Manifest } from "./contract.ts";
import { describe, stepNamed } from "./describe.ts";
import { horizonOf, isAsDigested } from "./horizon.ts";
import type { Proving } from "./lines.ts";

type Json = Record<string, unknown>;
interface Honest {
  readonly manifest: Manifest;
  readonly pieces: readonly Uint8Array[];
  readonly events: readonly Json[];
  readonly proving: Proving;
  readonly problems: ReadonlyMap<string, ProblemDefinition>;
}
const made: { honest?: Honest } = {};
const honest = (): Honest => made.honest as Honest;
const hashes = /,"format":\d+,"dataHash":"[^"]*","prevHash":"[^"]*","hash":"[^"]*"/;

beforeAll(async () => {
  await using hub = await openCapsuleKit();
  const { bytes } = await hub.exported(
    await hub.run([
      ["read", "one"],
      ["believe", "it is so"],
      ["write", "first"],
      ["break", "this"],
      ["big", "three"],
      ["believe", "and no other way"],
      ["read", "four"],
    ]),
  );
  const { manifest, part } = openCapsule(bytes);
  const lines = Buffer.from(part(0)).toString("utf8").slice(0, -1).split("\n");
  made.honest = {
    manifest,
    pieces: manifest.parts.map((_each, place) => part(place)),
    events: lines.map((line) => JSON.parse(line.replace(hashes, "")) as Json),
    proving: { seal: hub.kit.kernel.parts.archive.seal, breathe: () => Promise.resolve() },
    problems: hub.kit.kernel.table.problems,
  };
});

/** A file with these events, in which everything that follows from them is as it follows. */
function forged(events: readonly Json[], claim: (manifest: Manifest) => Partial<Manifest> = () => ({})): Uint8Array {
  const { manifest, pieces } = honest();
  const journal = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  const parts = manifest.parts.map((each, place) =>
    place === 0 ? { ...each, digest: digestOfBytes(journal), sizeBytes: journal.length } : each,
  );
  const blobs = new Map(parts.map(({ digest }, place) => [digest, pieces[place] as Uint8Array]));
  const blobOf = (ref: string): Uint8Array | null => blobs.get(ref) ?? null;
  const envelopes = events.map((event) => ({ ...event, data: event["data"] })) as never[];
  const { counts, ...told } = describe(envelopes, blobOf);
  const nothing: ReadonlySet<number> = new Set();
  const missing = (ref: string) => (blobOf(ref) === null ? ("gone" as const) : null);
  const replayable = horizonOf(envelopes, counts.steps, {
    cut: nothing,
    named: nothing,
    missing,
    isAsNamed: isAsDigested,
  });
  const blobCount = manifest.counts.blobs;
  const whole = {
    ...manifest,
    ...told,
    counts: { ...counts, blobs: blobCount },
    replayable,
    chain: "none" as const,
    parts,
  };
  return sealCapsule({ ...whole, ...claim(whole) }, [journal, ...pieces.slice(1)], seededKey(9));
}

/** What comes of a file: the reason of its refusal, or the verdict of its replay. */
async function fateOf(bytes: Uint8Array): Promise<string> {
  const nobody = () => {
    throw new Problem(UnknownAgent, "no such agent");
  };
  const replayer = createReplayer({
    programs: [actor],
    finder: { find: async () => null, list: async () => ({ agents: [], faulty: [] }), recorded: nobody },
    problems: () => honest().problems,
    redact: (value) => value,
    soon: (run) => void setImmediate(run),
  });
  try {
    const contents = await readContents(openCapsule(bytes), honest().proving);
    // As the replay itself refuses it.
    if (contents.manifest.run.status === "none") return "no run";
    const { verdict, replayableToStep, mode } = judged((await replayer.replay(contents)).report, contents.manifest);
    return mode === "answers" ? "answers only" : verdict === "incomplete" ? `to step ${replayableToStep}` : verdict;
  } catch (error) {
    if (isProblem(error, CapsuleUnsound)) return "refused";
    throw error;
  }
}

/** The places of all words and numbers in a value. */
function leavesOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return value === null ? [] : [path];
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, [...path, name]));
}

function changedAt(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined)
    return typeof value === "number" ? value + 1 : typeof value === "boolean" ? !value : `${String(value)}x`;
  const members = value as Json;
  const next = changedAt(members[name], rest);
  return Array.isArray(value) ? value.with(Number(name), next) : { ...members, [name]: next };
}

/** What the code of a run says is made again; all else of its events is answers, and when, where and under which name they came. */
function isOfCode(event: Json, [first, second, third]: readonly string[]): boolean {
  if (first !== "data") return ["kind", "version", "caller"].includes(first ?? "");
  return second !== "recorded" || ["step", "tool", "argsDigest"].includes(third ?? "");
}
const caller = (): unknown => honest().events.find(({ kind }) => kind === "agents.run.started")?.["caller"];
const isOfRun = (event: Json): boolean => event["caller"] === caller() && event["kind"] !== "agents.run.started";

interface Lie {
  readonly events: readonly Json[];
  readonly at: Json;
  readonly path: readonly string[];
}

/** One word of one event is another; an answer gets the digest that it needs. */
function lieAt(place: number, leaf: number): Lie {
  const { events } = honest();
  const at = events[place % events.length] as Json;
  const leaves = leavesOf(at).filter(([first]) => first !== "seq");
  const path = leaves[leaf % leaves.length] as readonly string[];
  const changed = changedAt(at, path) as Json;
  const data = changed["data"] as { recorded?: Json };
  if (path[1] === "recorded" && path[2] === "result")
    data.recorded = { ...data.recorded, ...keptOf(data.recorded?.["result"]).kept };
  return { events: events.map((each) => (each === at ? changed : each)), at, path };
}

/** A time limit that a machine with much else to do meets. */
const slow = { timeout: 60_000 };

test("no word of what a run said is another and passes as what happened again", slow, async () => {
  assert.equal(await fateOf(forged(honest().events)), "equal");
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.nat(1_000), fc.nat(1_000), async (place, leaf) => {
      const { events, at, path } = lieAt(place, leaf);
      const fate = await fateOf(forged(events));
      seen.add(fate);
      const where = `${String(at["kind"])} ${path.join("/")}`;
      if (isOfRun(at) && isOfCode(at, path)) assert.notEqual(fate, "equal", where);
    }),
    runs(150),
  );
  const isEachSeen = seen.has("refused") && seen.has("diverged") && seen.has("equal");
  if (isCounted) assert.ok(isEachSeen, [...seen].join(", "));
});

test("nobody else speaks as the agent of a run, though nothing that it said is another", async () => {
  const { events } = honest();
  const own = events.filter((each) => isOfRun(each) && each["kind"] !== "agents.run.finished");
  assert.ok(own.length > 5);
  for (const each of own) {
    const place = events.indexOf(each);
    const word = { ...each, seq: Number(each["seq"]) + 0.5, caller: "person:x" };
    const more = events.toSpliced(place + 1, 0, word).map((event, at) => ({ ...event, seq: at + 1 }));
    assert.notEqual(await fateOf(forged(more)), "equal", String(each["kind"]));
  }
});

test("nobody hides a word behind a cut that they only speak of", slow, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(1_000),
      fc.nat(1_000),
      fc.record({
        events: fc.nat(2),
        blobs: fc.nat(1),
        toStep: fc.nat(5),
        gap: fc.constantFrom("none", "there", "first"),
      }),
      async (place, leaf, { events: cutEvents, blobs, toStep, gap }) => {
        const { events, at, path } = lieAt(place, leaf);
        const gapSeq = gap === "none" ? undefined : Number(gap === "there" ? at["seq"] : events[0]?.["seq"]);
        const step = stepNamed(at as never);
        const told = step === null ? `event ${gapSeq}` : `step ${step}`;
        const claim = ({ replayable }: Manifest) => ({
          cuts: { events: cutEvents, blobs },
          replayable: {
            ...replayable,
            toStep: Math.min(toStep, replayable.ofSteps),
            reason: `a secret was cut out of ${told}`,
            ...(gapSeq === undefined ? {} : { gapSeq }),
          },
        });
        const fate = await fateOf(forged(events, claim));
        assert.equal(fate, "refused", `${String(at["kind"])} ${path.join("/")}`);
      },
    ),
    runs(100),
  );
});

test("what is marked as cut is compared up to its mark, and no step behind it is said to have happened again", async () => {
  const { events } = honest();
  const at = events.find(
    ({ kind, data }) => kind === "beliefs.held" && JSON.stringify(data).includes("no other"),
  ) as Json;
  const seq = Number(at["seq"]);
  const marked = { ...at, data: { ...(at["data"] as Json), statement: "[redacted:value] is another word" } };
  const others = events.map((each) => (each === at ? marked : each));
  const claim =
    (toStep: number, gapSeq = seq) =>
    ({ replayable }: Manifest) => ({
      cuts: { events: 1, blobs: 0 },
      replayable: { ...replayable, toStep, gapSeq, reason: `a secret was cut out of event ${gapSeq}` },
    });
  const done = events.filter(
    (each) => Number(each["seq"]) < seq && (each["data"] as Json)["recorded"] !== undefined,
  ).length;
  const stopped = events.filter(({ kind, seq: own }) => kind === "actions.failed" && Number(own) < seq).length;
  const toStep = done + stopped;
  assert.equal(await fateOf(forged(others)), "diverged");
  assert.equal(await fateOf(forged(others, claim(toStep))), `to step ${toStep}`);
  assert.equal(await fateOf(forged(others, claim(toStep - 1))), "refused");
  assert.equal(await fateOf(forged(others, claim(toStep, seq - 1))), "refused");
});

test("why a record ends is what is in it, and no sentence of its signer's", async () => {
  const { events } = honest();
  for (const reason of ["all is well", "a secret was cut out of step 99"])
    assert.equal(
      await fateOf(forged(events, ({ replayable }) => ({ replayable: { ...replayable, reason } }))),
      "refused",
    );
  const lowered = ({ replayable }: Manifest) => ({ replayable: { ...replayable, toStep: 0, reason: "x" } });
  assert.equal(await fateOf(forged(events, lowered)), "refused");
  assert.equal(await fateOf(forged(events, () => ({ cuts: { events: 1, blobs: 0 } }))), "refused");
});
