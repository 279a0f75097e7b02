/** What servers said of their tools when a person last looked, and what they say now. */
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import {
  type Accept,
  LookFirst,
  type See,
  type Show,
  type Tool,
  ToolAccepted,
  ToolAllowed,
  ToolChanged,
  ToolChangedHold,
  ToolDisallowed,
  ToolRestored,
  type Tools,
  ToolSeen,
  TooMany,
} from "./contract.ts";
import { aboutOf, diffOf, readDefinition } from "./definitions.ts";
import { servers, toolKey, tools as view, toolsMax } from "./views.ts";

type Named = Static<typeof Show.input>;
type Line = Static<typeof Tools.output>["tools"][number];
type Shown = Static<typeof Show.output>;

export function createTools(parts: Pick<KernelParts, "kernel">) {
  const find = (named: Named): Tool => {
    const row = parts.kernel.views.get(view, toolKey(named));
    if (row === undefined) throw new Problem(NotFound, `${named.server} never offered ${named.tool}`);
    return row;
  };
  const list = (server?: string): Line[] => {
    const where = (row: Tool): boolean => server === undefined || row.server === server;
    return parts.kernel.views.list(view, { limit: toolsMax, where }).rows.map(({ row }) => lineOf(row));
  };
  return {
    list,
    show: (named: Named): Shown => shownOf(find(named)),
    /** Answers the names of those that are held. */
    async see(server: string, listed: Static<typeof See.input>["tools"], ctx: Context): Promise<string[]> {
      const held: string[] = [];
      for (const { tool, definition } of listed) {
        const row = parts.kernel.views.get(view, toolKey({ server, tool }));
        const now = readDefinition(definition);
        if (row === undefined) {
          if (parts.kernel.views.list(view, { limit: toolsMax }).rows.length >= toolsMax)
            throw new Problem(TooMany, `the hub knows ${toolsMax} tools`);
          await ctx.emit(ToolSeen, { server, tool, ...now });
        } else if (row.digest !== now.digest) {
          held.push(tool);
          if (row.pending?.digest !== now.digest) await ctx.emit(ToolChanged, { server, tool, ...now });
        } else if (row.pending !== undefined) await ctx.emit(ToolRestored, { server, tool });
      }
      return held;
    },
    async accept({ digest, ...named }: Static<typeof Accept.input>, ctx: Context): Promise<Shown> {
      const row = find(named);
      const { pending } = row;
      if (pending === undefined) return shownOf(row);
      const wanted = digest?.replace(/^sha256:/u, "");
      if (wanted === undefined || !hexOf(pending.digest).startsWith(wanted)) throw lookFirst(row, pending.digest);
      await ctx.emit(ToolAccepted, { ...named, digest: pending.digest });
      return shownOf(find(named));
    },
    async allow(named: Named, ctx: Context): Promise<Line> {
      const row = find(named);
      if (row.status === "changed")
        throw new Problem(ToolChangedHold, `${named.tool} changed; \`arw mcp show\` shows what`, {
          next: `arw mcp show ${named.server} ${named.tool}`,
        });
      const command = parts.kernel.views.get(servers, named.server)?.command;
      if (command === undefined) throw new Problem(NotFound, `${named.server} was never wrapped`);
      if (row.allowedFor !== command) await ctx.emit(ToolAllowed, { ...named, command });
      return lineOf(find(named));
    },
    async disallow(named: Named, ctx: Context): Promise<Line> {
      if (find(named).allowedFor !== undefined) await ctx.emit(ToolDisallowed, named);
      return lineOf(find(named));
    },
  };
}

const hexOf = (digest: string): string => digest.slice("sha256:".length);
/** What a person types to say which definition they mean. */
const shortLength = 12;

function lookFirst(row: Tool, digest: string): Problem {
  const { server, tool } = row;
  const next = `arw mcp accept ${server} ${tool} ${hexOf(digest).slice(0, shortLength)}`;
  return new Problem(LookFirst, `This is what changed; \`${next}\` takes it.\n${diffOf(row)}`, {
    next,
    diff: diffOf(row),
  });
}

const lineOf = ({ server, tool, status, isReadOnlyHint, allowedFor, definition }: Tool): Line => ({
  server,
  tool,
  status,
  isReadOnlyHint,
  isAllowed: allowedFor !== undefined && status === "known",
  about: aboutOf(definition),
});

function shownOf(row: Tool): Shown {
  const { server, tool, status } = row;
  const { definition, digest } = row.pending ?? row;
  return { server, tool, status, definition, digest: hexOf(digest), diff: diffOf(row) };
}
