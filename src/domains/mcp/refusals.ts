/** Why a call of a tool does not begin, whoever carries it out. */
import type { Caller } from "../../contract/caller.ts";
import { Problem } from "../../contract/problem.ts";
import { Denied } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { type Tool, ToolChangedHold } from "./contract.ts";

export function refuseHeld(row: Tool | undefined): void {
  if (row?.status !== "changed") return;
  const { server, tool } = row;
  const next = `arw mcp show ${server} ${tool}`;
  throw new Problem(ToolChangedHold, `${server} says something else of ${tool} than before; \`${next}\` shows what`, {
    rule: "mcp.tool-changed",
    source: "built-in",
    next,
  });
}

/** Rules on gate keys may name server and tool: `mcp:call:files:*`. */
export function refuseGated(asked: {
  readonly parts: KernelParts;
  readonly caller: Caller;
  readonly key: string;
}): void {
  const denial = asked.parts.gate.check(asked.key, asked.caller);
  if (denial === null) return;
  const { reason, ...rule } = denial;
  throw new Problem(Denied, `${denial.key ?? asked.key} is denied: ${reason}`, { key: asked.key, ...rule });
}
