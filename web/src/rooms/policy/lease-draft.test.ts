import assert from "node:assert/strict";
import { test } from "vitest";
import { draftFaults, emptyDraft, leaseOf, openingOf } from "./lease-draft.ts";

test("what was left empty is not sent, and a key may be written with dots", () => {
  const draft = { ...emptyDraft, capability: " fs.write ", name: "scout", folder: "/srv/notes" };
  assert.deepEqual(leaseOf(draft), {
    capability: "fs:write",
    holder: "agent:scout",
    ttl: "15m",
    folder: "/srv/notes",
  });
  assert.deepEqual(leaseOf({ ...draft, uses: "3", budget: "1 MB out, 2 USD", reason: "a look" }), {
    capability: "fs:write",
    holder: "agent:scout",
    ttl: "15m",
    folder: "/srv/notes",
    reason: "a look",
    uses: 3,
    budget: ["1 MB out", "2 USD"],
  });
});

test("a host is opened for everybody unless an agent is named", () => {
  const draft = { ...emptyDraft, sort: "host" as const, host: "example.org" };
  assert.deepEqual(openingOf(draft), { host: "example.org", ttl: "15m" });
  assert.deepEqual(openingOf({ ...draft, name: "*" }), { host: "example.org", ttl: "15m" });
  assert.deepEqual(openingOf({ ...draft, name: "scout" }), { host: "example.org", ttl: "15m", agent: "scout" });
});

test("what is missing is named before the hub is asked", () => {
  assert.deepEqual(draftFaults(emptyDraft), ["capability", "name"]);
  assert.deepEqual(draftFaults({ ...emptyDraft, sort: "host" }), ["host"]);
  const draft = { ...emptyDraft, capability: "fs:write", name: "*" };
  assert.deepEqual(draftFaults(draft), []);
  assert.deepEqual(draftFaults({ ...draft, path: "a.md", uses: "many" }), ["folder", "uses"]);
});
