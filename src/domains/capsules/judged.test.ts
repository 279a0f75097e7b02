import assert from "node:assert/strict";
import { test } from "vitest";
import type { ReplayReport } from "../agents/contract.ts";
import { noDigest } from "./cut.ts";
import { judged } from "./judged.ts";
import type { Manifest } from "./manifest.ts";

type Place = { readonly step: number | null; readonly seq: number | null; readonly recorded?: object };
const verdictAt = (place: Place, gapSeq?: number): string => {
  const divergence = { recorded: {}, ...place, at: "/data/statement", why: "the code said something else", made: {} };
  const report = { verdict: "diverged", divergence, steps: { recorded: 5, replayed: 3 } } as unknown as ReplayReport;
  const replayable = { toStep: 3, ofSteps: 5, reason: "a secret was cut out of step 4", gapSeq };
  return judged(report, { cuts: { events: 1, blobs: 0 }, replayable } as unknown as Manifest).verdict;
};

test("what differs before the place of a cut is a difference, also where it belongs to no step", () => {
  assert.equal(verdictAt({ step: 3, seq: 20 }, 40), "diverged");
  assert.equal(verdictAt({ step: null, seq: 30 }, 40), "diverged");
  assert.equal(verdictAt({ step: null, seq: 40 }, 40), "incomplete");
  assert.equal(verdictAt({ step: 4, seq: 38, recorded: { argsDigest: noDigest } }, 40), "incomplete");
  assert.equal(verdictAt({ step: null, seq: null }, 40), "incomplete");
});

test("words that were told before the place of a cut, or without one, differ for no cut, whatever step they speak of", () => {
  assert.equal(verdictAt({ step: 4, seq: 38 }, 40), "diverged");
  for (const step of [null, 4, 5])
    assert.equal(verdictAt({ step, seq: 40, recorded: { argsDigest: noDigest } }), "diverged");
});
