/** Who calls, and what was granted to them. */
import { closed, FolderPath, oneOf, RelativePath, type Static, Type } from "./schema.ts";

/**
 * What a call reaches outside the hub, read from its input before it runs. Rules, grants and approvals look at this and at
 * nothing else of the input.
 */
export interface Scope {
  readonly folder?: string;
  readonly path?: string;
  readonly host?: string;
}

/** A permission that a person gave together with a run: a gate-key pattern, narrowed to a folder and perhaps one path. */
export const Grant = closed({
  key: Type.String({ minLength: 1, maxLength: 200, description: "Gate key or a prefix ending in `*`." }),
  folder: Type.Optional(FolderPath),
  path: Type.Optional(RelativePath),
});
export type Grant = Static<typeof Grant>;

export const callerKinds = ["person", "agent", "plugin", "node", "system"] as const;
export const Caller = closed({
  kind: oneOf(callerKinds),
  id: Type.String({ pattern: "^[A-Za-z0-9._:@-]{1,120}$" }),
  grants: Type.Optional(Type.Array(Grant, { maxItems: 64 })),
});
export type Caller = Static<typeof Caller>;

/** `person:admin`, `agent:scout`: the form callers take in events. */
export const callerName = (caller: Caller): string => `${caller.kind}:${caller.id}`;

export const matchesKey = (pattern: string, key: string): boolean =>
  pattern.endsWith("*") ? key.startsWith(pattern.slice(0, -1)) : pattern === key;

/** True when one grant covers the key and everything in the scope. A grant without a folder covers no folder. */
export function isGranted(caller: Caller, key: string, scope: Scope): boolean {
  return (caller.grants ?? []).some(
    (grant) =>
      matchesKey(grant.key, key) &&
      grant.folder === scope.folder &&
      (grant.path === undefined || grant.path === scope.path) &&
      scope.host === undefined,
  );
}
