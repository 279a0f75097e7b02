/** Capsules that were made once and are opened by every program after them: samples of each format, and those of the examples. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";
import { openCapsuleKit } from "../../../test/kit/run-capsules.ts";
import { openCapsule } from "./capsule-file.ts";
import { conditionsIn } from "./collect.ts";
import { readContents } from "./contents.ts";
import { formatNewest } from "./contract.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const samples = join(root, "test", "fixtures", "capsules");
const formats = Array.from({ length: formatNewest }, (_each, format) => format + 1);
const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".capsule"))
    .map((name) => join(folder, name));

test("every format that was ever written has its samples, and each is read to its last byte", async () => {
  await using hub = await openCapsuleKit();
  const { seal } = hub.kit.kernel.parts.archive;
  for (const format of formats) {
    const files = filesIn(join(samples, `v${format}`));
    assert.equal(files.length, 4);
    for (const path of files) {
      const file = openCapsule(readFileSync(path));
      const { events } = await readContents(file, { seal, breathe: () => Promise.resolve() });
      const { manifest } = file;
      assert.equal(manifest.format, format, path);
      assert.equal(events.length, manifest.counts.events, path);
      assert.equal(manifest.replayable.toStep, manifest.replayable.ofSteps, path);
      const place = manifest.parts.findIndex(({ kind }) => kind === "conditions");
      assert.equal(conditionsIn(file.part(place))?.policies.length, manifest.inForce.policies, path);
    }
  }
});

test("the examples are what the guide says of them", () => {
  const told = Object.fromEntries(
    filesIn(join(root, "examples", "capsules")).map((path) => {
      const { run, counts, files } = openCapsule(readFileSync(path)).manifest;
      const { refusals, approvals } = counts;
      return [
        path.slice(path.lastIndexOf("capsules") + 9, -8),
        [run.agent, run.status, refusals, approvals, files.length],
      ];
    }),
  );
  assert.deepEqual(told, {
    approval: ["recipe", "finished", 0, 1, 1],
    brief: ["scout", "finished", 0, 0, 1],
    "denied-injection": ["recipe", "finished", 1, 0, 0],
    "stopped-loop": ["recipe", "cancelled", 0, 0, 0],
  });
});
