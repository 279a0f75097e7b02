/** Who calls, and what was granted to them. */
import { closed, FolderPath, oneOf, RelativePath, type Static, Type } from "./schema.ts";

/**
 * What a call reaches outside the hub, read from its input before it runs. Rules, grants and approvals look at this and at
 * nothing else of the input.
 */
export interface Scope {
  readonly folder?: string;
  readonly path?: string;
  /** `example.org:443`. */
  readonly host?: string;
  readonly model?: string;
  readonly project?: string;
  /** Tool of an MCP server, as `files/read_file`. */
  readonly tool?: string;
  /** Rules of somebody else that the call would take in, as they say of themselves. */
  readonly capsule?: {
    readonly issuer: string;
    readonly leaseSecs: number;
    readonly hopsLeft: number;
    readonly propagate: string;
  };
}

/** A permission that a person gave together with a run: a gate-key pattern, narrowed to a folder and perhaps one path, or to a project. */
export const Grant = closed({
  key: Type.String({ minLength: 1, maxLength: 200, description: "Gate key or a prefix ending in `*`." }),
  folder: Type.Optional(FolderPath),
  path: Type.Optional(RelativePath),
  tool: Type.Optional(Type.String({ maxLength: 300, description: "Tool of an MCP server, as `files/read_file`." })),
  project: Type.Optional(Type.String({ maxLength: 60, description: "Name of a project, for its notes." })),
});
export type Grant = Static<typeof Grant>;

/**
 * How far a token lets its caller go. Who came by none goes as far as others of its kind. It travels with the caller, so that
 * a task is held to it as the call was that queued the task.
 */
export const Reach = closed({
  token: Type.String({ maxLength: 120, description: "Name of the token." }),
  keys: Type.Array(Type.String({ maxLength: 200 }), {
    maxItems: 64,
    description: "Gate keys, or beginnings with `*`.",
  }),
  isReadOnly: Type.Boolean(),
});
export type Reach = Static<typeof Reach>;

/** What a call was built from: its person's own words, or what was read in files, on the web or from tools. */
export const labels = ["user", "file", "web", "tool"] as const;
export type Label = (typeof labels)[number];

export const callerKinds = ["person", "agent", "plugin", "node", "system"] as const;
export const Caller = closed({
  kind: oneOf(callerKinds),
  id: Type.String({ pattern: "^[A-Za-z0-9._:@-]{1,120}$" }),
  grants: Type.Optional(Type.Array(Grant, { maxItems: 64 })),
  reach: Type.Optional(Reach),
  labels: Type.Optional(Type.Array(oneOf(labels), { maxItems: labels.length })),
  asks: Type.Optional(
    Type.Array(Type.String({ maxLength: 300 }), {
      maxItems: 128,
      description: "Gate keys that a person is asked about each time, whatever was granted.",
    }),
  ),
  allowances: Type.Optional(
    Type.Array(Type.String({ maxLength: 200 }), {
      maxItems: 16,
      description: "Ceilings of the caller's run, beside those of the hub.",
    }),
  ),
});
export type Caller = Static<typeof Caller>;

/** `person:admin`, `agent:scout`: the form callers take in events. */
export const callerName = (caller: Caller): string => `${caller.kind}:${caller.id}`;

export const matchesKey = (pattern: string, key: string): boolean =>
  pattern.endsWith("*") ? key.startsWith(pattern.slice(0, -1)) : pattern === key;

export const isInReach = (reach: Reach, key: string, effect: "read" | "write" | "destroy"): boolean =>
  (effect === "read" || !reach.isReadOnly) && reach.keys.some((pattern) => matchesKey(pattern, key));

/** True when everything that `inner` matches is matched by `outer`, too. */
export const coversPattern = (outer: string, inner: string): boolean =>
  outer.endsWith("*") ? inner.startsWith(outer.slice(0, -1)) : outer === inner;

/** True when one grant covers the key and everything in the scope. A grant without a folder covers no folder, and so with a project. */
export function isGranted(caller: Caller, key: string, scope: Scope): boolean {
  return (caller.grants ?? []).some(
    (grant) =>
      matchesKey(grant.key, key) &&
      grant.folder === scope.folder &&
      (grant.path === undefined || grant.path === scope.path) &&
      grant.tool === scope.tool &&
      grant.project === scope.project &&
      scope.host === undefined &&
      scope.model === undefined &&
      scope.capsule === undefined,
  );
}
