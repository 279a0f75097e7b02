import assert from "node:assert/strict";
import { test } from "vitest";
import { envelopeJson, jsonText } from "../../contract/event.ts";
import { Recorded } from "../../kernel/envelope.ts";
import { toCloudEvent } from "./cloud-events.ts";
import { formatFor } from "./frames.ts";

const head = {
  seq: 7,
  id: "0190a000-0000-7000-8000-000000000001",
  timeMs: 1_750_000_000_123,
  kind: "notes.made",
  version: 2,
  corrId: "run-1",
  causeId: "cause-1",
  node: "node 1",
  caller: "agent:scout",
};
const envelope = new Recorded(head, { title: "Soil" }, null);
const attributes = {
  specversion: "1.0",
  id: head.id,
  source: "/nodes/node%201",
  type: "notes.made",
  subject: "run-1",
  time: "2025-06-15T15:06:40.123Z",
  datacontenttype: "application/json",
  sequence: "7",
  causeid: "cause-1",
  caller: "agent:scout",
  kindversion: 2,
  data: { title: "Soil" },
};

test("an event has the attributes of CloudEvents 1.0, in names of letters and digits alone", () => {
  const item = toCloudEvent(envelope) as { readonly [jsonText]: string };
  const parsed: Record<string, unknown> = JSON.parse(item[jsonText]);
  assert.deepEqual(parsed, attributes);
  for (const name of Object.keys(parsed)) assert.match(name, /^[a-z0-9]{1,20}$/);
});

test("what passes by has no sequence, and what has no cause names none", () => {
  const live = new Recorded({ ...head, seq: 0, causeId: null }, 1, null);
  const item = toCloudEvent(live) as { readonly [jsonText]: string };
  const { sequence: _sequence, causeid: _causeid, ...rest } = attributes;
  assert.deepEqual(JSON.parse(item[jsonText]), { ...rest, data: 1 });
});

test("the text is made once per event, and rows of a view stay as they are", () => {
  assert.equal(toCloudEvent(envelope), toCloudEvent(envelope));
  const row = { kind: "snapshot", rows: {} };
  assert.equal(toCloudEvent(row), row);
  assert.equal(toCloudEvent(7), 7);
});

test("Accept chooses the envelope and the framing, each for itself", () => {
  const cloud = JSON.stringify(attributes);
  const cases: [accept: string | undefined, frame: string, media: string][] = [
    [undefined, `id: 7\nevent: notes.made\ndata: ${envelopeJson(envelope)}\n\n`, "text/event-stream"],
    ["application/x-ndjson", `${envelopeJson(envelope)}\n`, "application/x-ndjson"],
    ["application/cloudevents+json", `id: 7\nevent: notes.made\ndata: ${cloud}\n\n`, "text/event-stream"],
    [
      "text/event-stream, application/cloudevents+json",
      `id: 7\nevent: notes.made\ndata: ${cloud}\n\n`,
      "text/event-stream",
    ],
    ["application/cloudevents+json, application/x-ndjson", `${cloud}\n`, "application/x-ndjson"],
  ];
  for (const [accept, frame, media] of cases) {
    const format = formatFor(accept);
    assert.equal(format.item(envelope), frame);
    assert.ok(format.media.startsWith(media));
  }
});
