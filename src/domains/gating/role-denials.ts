/** What a role denies by itself. The denials of one role take the place of those of another. */
import type { Role } from "../hierarchy/contract.ts";
import type { Contract } from "./contract.ts";

/** Work, tools and what changes memory or models: an observer watches and changes nothing. */
const observed = [
  "task:*",
  "tasks:enqueue",
  "tasks:cancel",
  "agents:run",
  "agents:resume",
  "scout:*",
  "shell:*",
  "mcp:open",
  "mcp:relay",
  "mcp:call",
  "mcp:read",
  "fs:write",
  "queue:*",
  "tools:*",
  "memory:*",
  "models:*",
];
const patternsOf: Readonly<Record<Role, readonly string[]>> = {
  root: [],
  regional: [],
  edge: [],
  // It carries between others and keeps nothing of its own.
  connector: ["memory:*", "models:*"],
  observer: observed,
};

export function roleContracts(role: Role): readonly Contract[] {
  const patterns = patternsOf[role];
  return patterns.length === 0
    ? []
    : [{ id: role, patterns: [...patterns], reason: `a hub that is ${role} does not do this` }];
}
