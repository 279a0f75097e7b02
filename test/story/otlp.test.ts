/** A hub that tells a collector of its work: what arrives, what never does, and what a collector that is away costs. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { type Collector, startCollector } from "../kit/collector.ts";
import { type Json, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { beginBrief, briefToEnd, decide, episodeEnded, episodeWaits } from "./kit/scout-run.ts";
import { until } from "./kit/until.ts";

const secretHeader = "Bearer collector-key-0123456789";
const endings =
  /^(?:agents\.run\.(?:finished|failed|cancelled)|task\.(?:finished|failed|cancelled)|observations\.recorded|actions\.(?:applied|refused|failed)|approvals\.(?:granted|denied|expired|cancelled))$/u;

const startTracing = (room: Room, endpoint: string, more: Readonly<Record<string, string>> = {}): Promise<RunningHub> =>
  startHub({
    stateDir: room.stateDir,
    env: {
      ARW_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(secretHeader)}`,
      ...more,
    },
  });

/** Positions of the events that end something. */
async function endingSeqs(hub: RunningHub): Promise<number[]> {
  const seqs: number[] = [];
  for (let cursor = ""; ; ) {
    const page: Json = await hub.get(`/events/journal?limit=1000${cursor}`);
    seqs.push(...page.events.filter((each: Json) => endings.test(each.kind)).map((each: Json) => each.seq as number));
    if (page.nextCursor === null) return seqs.toSorted((a, b) => a - b);
    cursor = `&cursor=${page.nextCursor}`;
  }
}

const seqsAt = ({ spans }: Collector): number[] =>
  spans.map((span) => Number(span.attributes["arw.seq"])).toSorted((a, b) => a - b);

async function allArrived(hub: RunningHub, collector: Collector): Promise<void> {
  // What the hub itself still ends meanwhile is to arrive, too; nothing arrives before it is in the journal.
  const [arrived, ended] = await until("every span to arrive", async () => {
    const spans = seqsAt(collector);
    const endings = await endingSeqs(hub);
    return spans.length >= endings.length ? ([spans, endings] as const) : undefined;
  });
  assert.deepEqual(collector.faults, []);
  assert.deepEqual(arrived, ended);
}

const otlpCheck = async (hub: RunningHub): Promise<Json> =>
  (await hub.get("/healthz")).checks.find((each: Json) => each.name === "otlp");

test("a briefing arrives as one trace: task, run, steps and the question, each under what it belongs to", async () => {
  await using room = await createRoom();
  await using collector = await startCollector();
  await using hub = await startTracing(room, collector.endpoint, { OTEL_SERVICE_NAME: "study" });
  assert.match(hub.output(), new RegExp(`Traces go to 127\\.0\\.0\\.1:${collector.port}`, "u"));
  const folder = await room.sample("velvet-notebook");
  const { episode, taskId } = await beginBrief(hub, { folder });
  const { approvalId } = await episodeWaits(hub, episode);
  await decide(hub, approvalId, "allow");
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
  await until("the task to end", async () =>
    (await hub.get(`/tasks/${taskId}`)).status === "finished" ? true : undefined,
  );
  await allArrived(hub, collector);

  const trace = collector.spans.filter((span) => span.traceId === episode.replaceAll("-", ""));
  assert.deepEqual(new Set(trace), new Set(collector.spans), "all of it belongs to the episode");
  const byId = new Map(trace.map((span) => [span.spanId, span]));
  assert.equal(byId.size, trace.length);
  const path = (span: (typeof trace)[number]): string => {
    const parent = span.parentSpanId === null ? undefined : byId.get(span.parentSpanId);
    assert.ok(span.parentSpanId === null || parent, `${span.name} has its parent in the trace`);
    return parent === undefined ? span.name : `${path(parent)} > ${span.name}`;
  };
  const paths = new Set(trace.map(path));
  const run = "task scout.brief > invoke_agent scout";
  for (const each of [
    "task scout.brief",
    run,
    `${run} > execute_tool fs.list`,
    `${run} > execute_tool fs.write`,
    `${run} > execute_tool fs.write > approval fs.write`,
  ])
    assert.ok(paths.has(each), `${each} among ${[...paths].join(", ")}`);
  for (const span of trace) {
    const parent = byId.get(span.parentSpanId ?? "");
    assert.ok(parent === undefined || (parent.startMs <= span.startMs && span.endMs <= parent.endMs), span.name);
    assert.equal(span.attributes["gen_ai.conversation.id"], episode);
  }
  for (const { headers, body } of collector.requests) {
    assert.equal(headers.authorization, secretHeader);
    assert.match(headers["user-agent"] ?? "", /^arw\//u);
    assert.ok(body.includes('{"key":"service.name","value":{"stringValue":"study"}}'));
    for (const word of ["velvet-notebook", "brief.md", room.path, "collector-key", hub.token])
      assert.ok(!body.includes(word), `${word} stays here`);
  }
  const metrics = (await hub.call("GET", "/metrics")).body as string;
  assert.ok(metrics.includes(`\narw_otlp_spans_total ${trace.length}\n`));
  assert.ok(metrics.includes("\narw_otlp_spans_dropped_total 0\n"));
  assert.equal((await otlpCheck(hub)).ok, true);
  const shown = JSON.stringify(await hub.get("/admin/config?sources=true"));
  assert.ok(shown.includes(collector.endpoint) && !shown.includes("collector-key"));
  const log = await readFile(join(room.stateDir, "hub.log"), "utf8");
  assert.ok(!log.includes("collector-key"));
});

test("what a request with a traceparent begins belongs to the caller's trace", async () => {
  await using room = await createRoom();
  await using collector = await startCollector();
  await using hub = await startTracing(room, collector.endpoint);
  const folder = await room.sample("notes");
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const headers = { authorization: `Bearer ${hub.token}`, traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  const { status, body } = await hub.send("POST /scout/brief", { folder }, headers);
  assert.deepEqual([status, body.corrId], [202, traceId]);
  const { approvalId } = await episodeWaits(hub, traceId);
  await decide(hub, approvalId, "allow");
  assert.equal((await episodeEnded(hub, traceId)).status, "finished");
  await allArrived(hub, collector);
  assert.deepEqual(new Set(collector.spans.map((span) => span.traceId)), new Set([traceId]));
});

test("a collector that is away costs nobody anything; once it is back every span arrives, each once", async () => {
  await using room = await createRoom();
  const placeholder = await startCollector();
  const { endpoint, port } = placeholder;
  await placeholder[Symbol.asyncDispose]();
  const first = await startTracing(room, endpoint);
  const folder = await room.sample("notes");
  await briefToEnd(first, { folder, allowWrite: true });
  const check = await until("the hub to notice", async () => {
    const found = await otlpCheck(first);
    return found.ok ? undefined : found;
  });
  assert.match(check.detail, /cannot be reached: .*ECONNREFUSED.*events wait in the journal/u);
  await first.kill("SIGKILL");

  const second = await startTracing(room, endpoint);
  await briefToEnd(second, { folder: await room.sample("more"), allowWrite: true });
  await using collector = await startCollector(port);
  let refusals = 2;
  collector.answer(() => {
    refusals -= 1;
    return refusals < 0 ? { status: 200 } : { status: 429, headers: { "retry-after": "0" } };
  });
  await allArrived(second, collector);
  assert.equal(refusals < 0, true);
  await until("health to be good again", async () => ((await otlpCheck(second)).ok ? true : undefined));
  await second.kill("SIGTERM");

  await using third = await startTracing(room, endpoint);
  await briefToEnd(third, { folder: await room.sample("last"), allowWrite: true });
  await allArrived(third, collector);
});

test("without a collector nothing of it is loaded, and a deny rule keeps it so", async () => {
  await using room = await createRoom();
  await using collector = await startCollector();
  const list = join(room.path, "modules.txt");
  const recorder = join(room.path, "record.mjs");
  await writeFile(
    recorder,
    `import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";
registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + "\\n"); return next(url, context); } });
`,
  );
  const loadedBy = async (env: Readonly<Record<string, string>>): Promise<{ otlp: number; checks: Json[] }> => {
    await writeFile(list, "");
    await using hub = await startHub({ stateDir: room.stateDir, env, nodeFlags: ["--import", recorder] });
    const { checks } = await hub.get("/healthz");
    await hub.kill("SIGTERM");
    const modules = (await readFile(list, "utf8")).split("\n");
    assert.ok(modules.some((each) => each.endsWith("/src/app/hub.ts")));
    return {
      otlp: modules.filter((each) => /adapters\/otlp|app\/traces\/(?:export|spans)/u.test(each)).length,
      checks,
    };
  };
  const off = await loadedBy({});
  assert.equal(off.otlp, 0);
  assert.ok(!off.checks.some((each) => each.name === "otlp"));
  const denied = await loadedBy({ ARW_OTLP_ENDPOINT: collector.endpoint, ARW_GATING_DENY: "io:egress:otlp" });
  assert.equal(denied.otlp, 0);
  assert.deepEqual(
    denied.checks.find((each) => each.name === "otlp"),
    { name: "otlp", ok: true, detail: "no traces: io:egress:otlp denies io:egress:otlp" },
  );
  assert.ok((await loadedBy({ ARW_OTLP_ENDPOINT: collector.endpoint })).otlp > 3);
});
