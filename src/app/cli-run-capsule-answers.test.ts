import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../test/kit/runs.ts";
import { openCapsule } from "../domains/capsules/capsule-file.ts";
import { Diff, Show } from "../domains/capsules/contract.ts";
import { Replay } from "../domains/capsules/replay.ts";
import { createPen } from "../surfaces/cli/pen.ts";
import { replayAnswers } from "./cli-replay.ts";
import { agentText, runCapsuleAnswers } from "./cli-run-capsule-answers.ts";

const sample = join(import.meta.dirname, "..", "..", "examples", "capsules", "brief.capsule");
const { manifest, digest, sizeBytes, keyId } = openCapsule(readFileSync(sample));
const pen = createPen({ columns: 80, hasColor: false, timeText: String });
const signer = { keyId, kind: "unknown", name: null };
const capsule = { digest, sizeBytes, signer, isKept: false, manifest };
const story = [1, 2].map((seq) => ({ seq, timeMs: 1, kind: "a.b", step: seq, text: "Read notes.md" }));
const side = { seq: 1, kind: "a.b", step: 1, text: "one", json: '{"a":"one"}' };
const kept = {
  digest,
  sizeBytes,
  agent: "scout",
  title: "Brief",
  status: "finished",
  steps: 5,
  replayableToStep: 5,
  origin: "imported",
  keptAtMs: 1,
};
const divergence = { step: 1, seq: 9, at: "/data", why: "other words", recorded: { a: "b" }, made: { a: "c" } };
const report = {
  agent: "scout",
  episode: "e",
  mode: "program",
  verdict: "diverged",
  end: "finished",
  events: { total: 3, madeAgain: 1, taken: 2 },
  steps: { recorded: 5, replayed: 1 },
  replayableToStep: 1,
  divergence,
};
const table = { isSame: true, asOf: "run", recorded: "a", own: "a" };
const replayed = (more: object) => ({ report: { ...report, ...more }, gap: "why", signer, table });
/** Every answer that shows something of a capsule, and what it shows. */
const answers: readonly (readonly [id: string, output: object])[] = [
  ["state.capsules", { items: [kept, kept] }],
  ["capsules.preview", capsule],
  [Show.id, { capsule, story, storyMore: 0 }],
  [
    Diff.id,
    {
      isEqual: false,
      equalEvents: 1,
      firstStep: 1,
      differing: [{ a: side, b: { ...side, text: "two" } }],
      onlyA: 0,
      onlyB: 0,
      inForce: [{ what: "agent", a: "a", b: "b" }],
    },
  ],
  [Replay.id, replayed({})],
  [Replay.id, replayed({ verdict: "incomplete", divergence: null })],
  [Replay.id, replayed({ verdict: "equal", mode: "answers", divergence: null })],
];
const shown = (id: string, output: unknown): string =>
  ({ ...runCapsuleAnswers, ...replayAnswers })[id]?.(output, pen, {}) ?? "";

/** Words that the schema of the answer has, and no signer. */
const ours: ReadonlySet<string> = new Set([
  "kind",
  "verdict",
  "mode",
  "end",
  "status",
  "asOf",
  "chain",
  "origin",
  "keyId",
  "json",
  "digest",
]);

/** Every text of a foreign capsule is another one. */
function filled(value: unknown, text: string, name = ""): unknown {
  if (typeof value === "string") return ours.has(name) ? value : text;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => filled(each, text, name));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filled(each, text, key)]));
}

test("no text of a capsule begins a line of its own, moves the cursor or hides a letter", () => {
  const hostile = fc
    .array(
      fc.constantFrom(
        "\n",
        "\r\n",
        "\t",
        "\u001b[2J",
        "\u202e",
        "\u200b",
        "\u{e0041}",
        "\u0085",
        "\u2028",
        "  Signed by   this hub",
      ),
      { minLength: 1 },
    )
    .map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(hostile, (text) => {
      for (const [id, output] of answers) {
        const plain = shown(id, filled(output, "word"));
        const told = shown(id, filled(output, text));
        // What belongs to the line above it stands behind a rule.
        const lines = told.split("\n").filter((line) => !/^ {2,6}│ /u.test(line));
        assert.equal(lines.length, plain.split("\n").length, `${id}: ${told}`);
        assert.doesNotMatch(told, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u2028-\u202e\u{e0000}-\u{e0fff}]/u);
        assert.ok(!lines.some((line) => /^ {2}Signed by {3}this hub/u.test(line)), `${id}: ${told}`);
      }
    }),
    runs(60),
  );
});

test("of code that is not this hub's nothing is said to have happened again", () => {
  const told = shown(Replay.id, replayed({ verdict: "equal", mode: "answers", divergence: null, agent: "sc\u043eut" }));
  assert.match(
    told,
    /^! Its answers fit its record\. Nothing happened again\.\n {2}sc\u043eut \(in Latin and Cyrillic letters\), /u,
  );
  assert.match(
    told,
    /were checked, and what it said was not\.\n {2}The rest is the word of whoever signed it: a key that this hub does not know/u,
  );
  assert.equal(agentText("scout"), "scout");
});

test("a record that ends before its run is equal up to there, and no further", () => {
  const told = shown(Replay.id, replayed({ verdict: "incomplete", divergence: null }));
  assert.match(told, /^! It happened again up to step 1 of 5\. Behind it nothing was compared: why\.\n/u);
  assert.match(told, /3 events: 1 made again and equal; the others were taken from the record, or not looked at\./u);
});
