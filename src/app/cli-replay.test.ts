import assert from "node:assert/strict";
import { test } from "vitest";
import { Replay } from "../domains/capsules/replay.ts";
import { createPen } from "../surfaces/cli/pen.ts";
import { replayAnswers } from "./cli-replay.ts";

const told = (step: number | null, replayed: number): string => {
  const divergence = {
    step,
    seq: 9,
    at: "/data/statement",
    why: "the code said something else",
    recorded: {},
    made: {},
  };
  const report = {
    agent: "scout",
    episode: "e",
    mode: "program",
    verdict: "diverged",
    end: "finished",
    events: { total: 38, madeAgain: 17, taken: 4 },
    steps: { recorded: 5, replayed },
    replayableToStep: 5,
    divergence,
  };
  const table = { isSame: true, asOf: "run", recorded: "a", own: "a" };
  return (
    replayAnswers[Replay.id]?.(
      { report, gap: null, signer: null, table },
      createPen({ columns: 80, hasColor: false, timeText: String }),
    ) ?? ""
  );
};

test("where two runs part is told by the step, or by the step that lies before it", () => {
  assert.match(told(3, 2), /✗ It went another way: at step 3, the code said something else\./u);
  assert.match(told(null, 3), /✗ It went another way: behind step 3, the code said something else\./u);
  assert.match(told(null, 0), /✗ It went another way: before the first step, the code said something else\./u);
});
