import assert from "node:assert/strict";
import { test } from "vitest";
import { createRedactor } from "../../base/redact.ts";
import type { Envelope } from "../../contract/event.ts";
import type { Context } from "../../contract/operation.ts";
import { About, Healthz, ShowConfig } from "../system/contract.ts";
import { debugOperation } from "./debug-bundle.ts";
import type { Recording } from "./recording.ts";

const home = "/home/ada";
const secret = "tulip-4711-quiet-harbour";
const planted = "the roses were pruned in march";
const digest = `sha256:${"0a".repeat(32)}`;

const eventOf = (kind: string, data: unknown): Envelope => ({
  seq: 1,
  id: "e",
  timeMs: 5,
  kind,
  version: 1,
  corrId: "run",
  causeId: null,
  node: "node",
  caller: "agent:scout",
  data,
});
const events = [
  eventOf("agents.run.started", {
    agent: "scout",
    title: planted,
    folder: `${home}/notes`,
    input: { task: planted },
    grants: [{ key: "fs:read", folder: `${home}/notes` }],
  }),
  eventOf("observations.recorded", {
    agent: "scout",
    summary: planted,
    path: `letters/${secret}.md`,
    host: "example.org:443",
    recorded: { step: 1, tool: "fs.read", result: { path: planted, text: planted }, resultRef: digest, kept: "inline" },
  }),
  eventOf("actions.refused", {
    step: 2,
    tool: "web.fetch",
    code: "arw.denied",
    rule: "policy.no-permit",
    reason: `denied by person:ada: ${planted}`,
  }),
  eventOf("agents.run.failed", { agent: "scout", code: "models.refused", error: `400: you sent "${planted}"` }),
];

const answers: Readonly<Record<string, unknown>> = {
  [About.id]: { version: "1.2.3", node: "node" },
  [Healthz.id]: { ok: true, checks: [{ name: "disk", ok: true, detail: "9 GB free" }] },
  [ShowConfig.id]: { values: [{ key: "state.dir", value: `${home}/.local/share/arw` }] },
};

async function bundle(): Promise<{ readonly text: string; readonly output: { readonly holds: readonly string[] } }> {
  const manifest = { run: { agent: "scout", title: planted, folder: `${home}/notes` } };
  const recording = { manifest, events, blob: () => Promise.resolve(null) } as unknown as Recording;
  const redactor = createRedactor({ secrets: [secret] });
  const written: Uint8Array[] = [];
  const bound = debugOperation({
    recordings: { of: () => Promise.resolve(recording) },
    files: { write: (_path, bytes) => Promise.resolve(void written.push(bytes)) },
    cutter: redactor,
    home,
  });
  const ctx = {
    signal: new AbortController().signal,
    call: (operation: { readonly id: string }) => Promise.resolve(answers[operation.id]),
  } as unknown as Context;
  const output = (await bound.run({ episode: "run", file: "/tmp/bundle.json" } as never, ctx)) as never;
  return { text: Buffer.from(written[0] ?? []).toString(), output };
}

test("a bundle says what happened, and holds no content, no secret and no home", async () => {
  const { text, output } = await bundle();
  for (const absent of [planted, secret, home]) assert.ok(!text.includes(absent), absent);
  const { hub, run, holds, cut } = JSON.parse(text);
  assert.deepEqual(holds, output.holds);
  assert.equal(hub.about.version, "1.2.3");
  assert.equal(hub.configuration[0].value, "~/.local/share/arw");
  const [started, read, refused, failed] = run.events.map((each: { data: unknown }) => each.data);
  assert.equal(started.folder, "~/notes");
  assert.deepEqual(started.grants, [{ key: "fs:read", folder: "~/notes" }]);
  assert.deepEqual(Object.keys(started.input), ["chars", "cut"]);
  assert.equal(read.host, "example.org:443");
  assert.equal(read.recorded.tool, "fs.read");
  // A digest of a short content could be guessed.
  assert.match(read.recorded.resultRef, /^content \d+$/);
  assert.equal(read.summary.cut, started.title.cut);
  assert.ok(!/[0-9a-f]{64}/.test(text));
  assert.deepEqual(refused, {
    step: 2,
    tool: "web.fetch",
    code: "arw.denied",
    rule: "policy.no-permit",
    reason: { cut: refused.reason.cut, chars: refused.reason.chars },
  });
  assert.deepEqual([failed.code, failed.error.chars > 0], ["models.refused", true]);
  assert.ok(cut.texts > 0 && cut.chars >= planted.length);
});

test("the same run gives the same bundle", async () => {
  assert.equal((await bundle()).text, (await bundle()).text);
});
