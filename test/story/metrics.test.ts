/** The figures of a running hub, checked with a client no one here wrote, and under addresses nobody should send. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../kit/runs.ts";
import { programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { findProgram } from "./kit/programs.ts";
import { createRoom } from "./kit/room.ts";

const metricsOf = async (hub: RunningHub): Promise<string> => (await hub.call("GET", "/metrics")).body;
const labelsOf = (text: string, metric: string): string[] =>
  text.split("\n").filter((line) => line.startsWith(`${metric}{`));

test("promtool finds nothing to say of a hub that has worked", async (context) => {
  const promtool = findProgram("promtool");
  context.skip(promtool === null, "optional: promtool is not installed (Debian: prometheus)");
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  await hub.post("/consumers/mirror", {});
  await hub.call("GET", "/nowhere");
  const { status, stdout, stderr } = spawnSync(promtool ?? "", ["check", "metrics"], {
    input: await metricsOf(hub),
    encoding: "utf8",
  });
  assert.deepEqual([status, stdout, stderr], [0, "", ""]);
});

test("routes are counted by their template, and JSON says the same as the text", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  for (const seq of [1, 2, 900_000]) await hub.call("GET", `/events/${seq}`);
  await hub.get("/admin/version");
  const stats = await hub.get("/introspect/stats");
  const text = await metricsOf(hub);
  const route = stats.routes.find((each: { route: string }) => each.route === "/events/{seq}");
  assert.deepEqual([route.method, route.hits, route.errors], ["GET", 3, 1 + (stats.headSeq < 2 ? 1 : 0)]);
  assert.ok(text.includes('arw_http_route_hits_total{method="GET",route="/events/{seq}"} 3\n'));
  assert.ok(
    text.includes('arw_http_route_hits_total{method="GET",route="/version"} 1\n'),
    "the alias counts as its row",
  );
  for (const { kind, count } of stats.events)
    assert.ok(text.includes(`arw_events_total{kind="${kind}"} ${count}\n`), kind);
  assert.ok(stats.events.some((each: { kind: string }) => each.kind === "service.opened"));
  assert.ok(stats.disk.freeBytes > 0 && stats.process.residentBytes > 0);
  assert.equal(stats.bus.ringCapacity, 1000);
});

test("whatever addresses and kinds a stranger makes up, the labels stay those of the table", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  const { endpoints } = await hub.get("/about");
  const known = new Set(endpoints);
  const segment = fc.string({ minLength: 1, maxLength: 12 }).map((text) => encodeURIComponent(text.toWellFormed()));
  const address = fc.tuple(
    fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH"),
    fc.oneof(
      fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join("/")}`),
      segment.map((part) => `/tasks/${part}`),
      segment.map((part) => `/state/episodes/${part}`),
      segment.map((part) => `/events/journal?prefix=${part}`),
    ),
  );
  await fc.assert(
    fc.asyncProperty(address, async ([method, path]) => {
      const { status } = await hub.call(method, path, method === "GET" ? undefined : {});
      assert.ok(status < 500, `${method} ${path} answered ${status}`);
    }),
    runs(60),
  );
  const text = await metricsOf(hub);
  for (const line of labelsOf(text, "arw_http_route_hits_total")) {
    const [, method, route] = /method="([^"]*)",route="([^"]*)"/.exec(line) ?? [];
    assert.ok(route === "unmatched" || known.has(`${method} ${route}`), line);
  }
  assert.ok(labelsOf(text, "arw_http_route_hits_total").some((line) => line.includes("unmatched")));
  assert.ok(labelsOf(text, "arw_events_total").length < 60);
});

test("the dashboard asks for nothing that the hub does not tell", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  const told = new Set(
    [...(await metricsOf(hub)).matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = "", type]) =>
      type === "histogram" ? ["_bucket", "_sum", "_count"].map((end) => name + end) : [name],
    ),
  );
  const asked = readFileSync(join(programRoot, "examples", "grafana-dashboard.json"), "utf8").match(/arw_\w+/g) ?? [];
  assert.ok(asked.length > 20);
  for (const name of asked) assert.ok(told.has(name), name);
});
