/** System: the hub about itself. */
import { op } from "../../contract/operation.ts";
import { closed, EpochMs, oneOf, Type } from "../../contract/schema.ts";

export const Healthz = op({
  id: "system.health",
  http: "GET /healthz",
  cli: "health",
  effect: "read",
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
        source: Type.Optional(oneOf(["default", "file", "environment", "flag"])),
        from: Type.Optional(Type.String({ description: "File and line, variable, or flag." })),
      }),
    ),
  }),
});
export const Shutdown = op({
  id: "system.shutdown",
  http: "POST /shutdown",
  cli: "shutdown",
  effect: "destroy",
  about: "Stop the hub in good order.",
  input: closed({}),
  output: closed({ stopping: Type.Boolean() }),
});
