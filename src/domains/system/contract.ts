/** System: the hub about itself. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { closed, Digest, EpochMs, oneOf, Seq, Type } from "../../contract/schema.ts";

export const Healthz = op({
  id: "system.health",
  http: "GET /healthz",
  cli: "health",
  effect: "read",
  isWayOut: true,
  isPublic: true,
  about: "Say whether the hub is well, and what is not.",
  input: closed({}),
  output: closed({
    ok: Type.Boolean(),
    checks: Type.Array(closed({ name: Type.String(), ok: Type.Boolean(), detail: Type.String() })),
  }),
});
export const Version = op({
  id: "system.version",
  http: "GET /version",
  cli: "version",
  effect: "read",
  isPublic: true,
  about: "Name the service and its version.",
  input: closed({}),
  output: closed({ service: Type.String(), version: Type.String() }),
});
export const About = op({
  id: "system.about",
  http: "GET /about",
  cli: "about",
  effect: "read",
  isPublic: true,
  about: "Name the service, its version, this boot, the node and the doors it has.",
  input: closed({}),
  output: closed({
    service: Type.String(),
    version: Type.String(),
    bootId: Type.String(),
    startedAtMs: EpochMs,
    node: Type.String(),
    docs: Type.String(),
    tableHash: Type.String({ description: "Digest of the table of operations, events and problems." }),
    endpoints: Type.Array(Type.String()),
  }),
});
export const Metrics = op({
  id: "system.metrics",
  http: "GET /metrics",
  cli: "metrics",
  effect: "read",
  isPublic: true,
  media: "text/plain; version=0.0.4; charset=utf-8",
  about: "Metrics in Prometheus text form.",
  input: closed({}),
  output: Type.String(),
});
const Count = Type.Integer({ minimum: 0 });
const Milliseconds = Type.Number({ minimum: 0, description: "Milliseconds." });
const Bytes = Type.Integer({ minimum: 0, description: "Bytes." });
export const Stats = op({
  id: "system.stats",
  http: "GET /introspect/stats",
  cli: "stats",
  effect: "read",
  isTool: true,
  needs: ["hub:read"],
  about: "Show the hub's own figures since its start: events, routes, jobs, readers, the queue, disk and memory.",
  input: closed({}),
  output: closed({
    events: Type.Array(closed({ kind: Type.String(), count: Count })),
    routes: Type.Array(
      closed({
        method: Type.String(),
        route: Type.String({ description: "As the table has it; `unmatched` is everything else." }),
        hits: Count,
        errors: Type.Integer({ minimum: 0, description: "Answers of status 400 and above." }),
        meanMs: Milliseconds,
        p95Ms: Type.Number({ minimum: 0, description: "Of the newest few hundred requests." }),
        maxMs: Milliseconds,
      }),
    ),
    jobs: Type.Array(closed({ operation: Type.String(), outcome: Type.String(), count: Count })),
    bus: closed({
      published: Count,
      delivered: Count,
      lagged: Type.Integer({ minimum: 0, description: "Events that slow readers lost." }),
      noReceivers: Type.Integer({ minimum: 0, description: "Events that nobody wanted." }),
      receivers: Count,
      ringEvents: Type.Integer({ minimum: 0, description: "Newest events at hand for readers that resume." }),
      ringCapacity: Count,
    }),
    readers: Type.Array(
      closed({
        name: Type.String(),
        pending: Count,
        lost: Count,
        lastGap: Type.Union([closed({ fromSeq: Count, toSeq: Count, skipped: Count }), Type.Null()]),
      }),
      { description: "Bounded readers of the bus, the slowest first." },
    ),
    consumers: Type.Array(
      closed({
        name: Type.String(),
        lag: Type.Integer({ minimum: 0, description: "Positions between the newest event and what is done." }),
        inFlight: Type.Integer({ minimum: 0, description: "Messages that were delivered and not yet answered." }),
        buried: Type.Integer({ minimum: 0, description: "Dead letters." }),
      }),
    ),
    commits: closed({ count: Count, events: Count, meanMs: Milliseconds, maxMs: Milliseconds }),
    queue: closed({ queued: Count, running: Count }),
    streams: Type.Integer({ minimum: 0, description: "Clients that read a stream now." }),
    headSeq: Seq,
    disk: Type.Union([closed({ freeBytes: Bytes, totalBytes: Bytes }), Type.Null()]),
    process: closed({
      residentBytes: Bytes,
      heapUsedBytes: Bytes,
      cpuMs: Milliseconds,
      eventLoopDelayMs: Type.Number({
        minimum: 0,
        description: "How long the event loop took to come round just now.",
      }),
    }),
  }),
});
const Source = oneOf(["default", "file", "environment", "flag"]);
const From = Type.String({ description: "File and line, variable, or flag." });
/** Keys of a configuration; there are a few dozen. */
const keysMax = 1000;
export const ConfigurationValues = Type.Array(
  closed({ key: Type.String(), value: Type.Unknown(), source: Source, from: From }),
  { maxItems: keysMax },
);

export const ConfigApplied = event({
  kind: "config.applied",
  about: "The hub works under another configuration than before; secrets are cut out of it.",
  data: closed({
    version: Type.String({ description: "Version of the program." }),
    digest: Digest,
    values: ConfigurationValues,
  }),
});

export const ShowConfig = op({
  id: "system.config",
  http: "GET /config",
  cli: "config show",
  effect: "read",
  about: "Show the configuration in force, and with sources where each value comes from.",
  input: closed({ sources: Type.Optional(Type.Boolean({ default: false })) }),
  output: closed({
    values: Type.Array(
      closed({
        key: Type.String(),
        value: Type.Unknown(),
        source: Type.Optional(Source),
        from: Type.Optional(From),
      }),
    ),
  }),
});
export const Shutdown = op({
  id: "system.shutdown",
  http: "POST /shutdown",
  cli: "shutdown",
  effect: "destroy",
  isWayOut: true,
  isOpenWhenHalted: true,
  about: "Stop the hub in good order.",
  input: closed({}),
  output: closed({ stopping: Type.Boolean() }),
});
