/** What a role denies by itself. The denials of one role take the place of those of another. */
import { gateKey, type Operation } from "../../contract/operation.ts";
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
  "mcp:open",
  "mcp:relay",
  "mcp:read",
  "queue:*",
  "tools:*",
  "memory:*",
  "models:*",
];
/** What needs one of these changes files or runs programs, whatever it is called. */
const observedNeeds: ReadonlySet<string> = new Set(["fs:write", "exec"]);
const patternsOf: Readonly<Record<Role, readonly string[]>> = {
  root: [],
  regional: [],
  edge: [],
  // It carries between others and keeps nothing of its own.
  connector: ["memory:*", "models:*"],
  observer: observed,
};

export function roleContracts(role: Role, operations: readonly Pick<Operation, "id" | "needs">[]): readonly Contract[] {
  const changing =
    role === "observer" ? operations.filter(({ needs }) => needs.some((each) => observedNeeds.has(each))) : [];
  const patterns = [...patternsOf[role], ...changing.map(gateKey)];
  return patterns.length === 0 ? [] : [{ id: role, patterns, reason: `a hub that is ${role} does not do this` }];
}
