import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { capsuleSearch, episodeSearch, episodesSearch, eventsSearch, laneSearch, policySearch } from "./filters.ts";

test("an address keeps what narrows and drops the rest", () => {
  assert.deepEqual(episodesSearch({ status: "failed", errorsOnly: true, text: "brief", other: 1 }), {
    status: "failed",
    errorsOnly: true,
    text: "brief",
  });
  assert.deepEqual(episodesSearch({ status: "odd", errorsOnly: false, text: "" }), {});
  assert.deepEqual(episodesSearch({ text: 2026 }), { text: "2026" });
  assert.deepEqual(eventsSearch({ replay: "50", prefix: "models.", errorsOnly: "true", event: "e-1" }), {
    replay: 50,
    prefix: "models.",
    errorsOnly: true,
    event: "e-1",
  });
  assert.deepEqual(eventsSearch({ replay: -1, prefix: ["x"] }), {});
  assert.deepEqual(policySearch({ view: "outside", outcome: "refused", input: "{}" }), {
    view: "outside",
    outcome: "refused",
  });
  assert.deepEqual(policySearch({ view: "rules", outcome: "odd", operation: "" }), {});
  assert.deepEqual(eventsSearch({ replay: 9e9 }), { replay: 1000 });
  assert.deepEqual(eventsSearch({ view: "journal", fromSeq: "7", toSeq: 9, sinceMs: 0, untilMs: 1.5, corr: 12 }), {
    view: "journal",
    corr: "12",
    fromSeq: 7,
    toSeq: 9,
    sinceMs: 0,
  });
  assert.deepEqual(eventsSearch({ view: "live", fromSeq: -1, toSeq: "", sinceMs: "x", consumer: "mailer" }), {
    consumer: "mailer",
  });
  assert.deepEqual(
    [episodeSearch({ tab: "raw" }), episodeSearch({ tab: "story" }), laneSearch({ lane: "policy" })],
    [{ tab: "raw" }, {}, { lane: "policy" }],
  );
  assert.deepEqual(capsuleSearch({ tab: "replay", at: "17", other: "" }), { tab: "replay", at: 17 });
  assert.deepEqual(capsuleSearch({ tab: "about", at: -1, other: "sha256:0" }), { other: "sha256:0" });
});

test("reading an address twice changes nothing, and no address is refused", () => {
  const anything = fc.dictionary(
    fc.constantFrom(
      "status",
      "errorsOnly",
      "text",
      "replay",
      "prefix",
      "event",
      "tab",
      "lane",
      "view",
      "fromSeq",
      "untilMs",
    ),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(anything, (raw) => {
      for (const read of [episodesSearch, episodeSearch, eventsSearch, capsuleSearch, laneSearch]) {
        const once = read(raw);
        assert.deepEqual(read({ ...once }), once);
      }
    }),
    { numRuns: 100 },
  );
});
