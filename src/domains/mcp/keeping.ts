/** Adding, listing and taking away the servers that the hub itself is connected to. */
import { bind, type Bound, type Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { NoSession, Read, TooMany } from "./contract.ts";
import { digestOfWay, type Links } from "./links.ts";
import {
  AddServer,
  BadWay,
  ListServers,
  NotAllowed,
  type OwnServer,
  ownServersMax,
  RemoveServer,
  ServerAdded,
  ServerRemoved,
} from "./own-servers.ts";
import type { ServerStarter } from "./port.ts";
import { refuseGated, refuseHeld } from "./refusals.ts";
import { ownServers, toolKey, tools } from "./views.ts";

interface Deps {
  readonly parts: KernelParts;
  readonly links: Links;
  readonly starter: ServerStarter | undefined;
}

export const ownServerOperations = (deps: Deps): readonly Bound[] => [
  bind(AddServer, (input, ctx) => add(input, ctx, deps)),
  bind(ListServers, () => ({
    servers: rowsOf(deps.parts).map((row) => ({ ...row, isRunning: deps.links.isRunning(row.server) })),
  })),
  bind(RemoveServer, async ({ server }, ctx) => {
    const row = deps.parts.kernel.views.get(ownServers, server);
    if (row === undefined) throw new Problem(NotFound, `the hub is connected to no server ${server}`);
    await ctx.emit(ServerRemoved, { server });
    await deps.links.end(server, "a person took it away");
    return row;
  }),
];

const rowsOf = ({ kernel }: KernelParts): OwnServer[] =>
  kernel.views.list(ownServers, { limit: ownServersMax }).rows.map(({ row }) => row);

type Added = Static<typeof AddServer.output>;

async function add(input: Static<typeof AddServer.input>, ctx: Context, deps: Deps): Promise<Added> {
  const { server, ...way } = input;
  refuseBadWay(way, deps);
  const rows = rowsOf(deps.parts);
  if (rows.length >= ownServersMax && !rows.some((row) => row.server === server))
    throw new Problem(TooMany, `the hub keeps ${ownServersMax} servers`);
  await ctx.emit(ServerAdded, { server, ...way, digest: digestOfWay(way) });
  await deps.links.end(server, "a person named it anew");
  const row = deps.parts.kernel.views.get(ownServers, server) as OwnServer;
  const isConfined = way.command === undefined ? {} : { isConfined: (await deps.starter?.isConfined()) ?? false };
  return { ...row, ...isConfined, ...(await lookedAt(server, ctx, deps)) };
}

type Way = Omit<Static<typeof AddServer.input>, "server">;

function refuseBadWay({ command, url, headers, env, read = [], write = [] }: Way, { starter }: Deps): void {
  if ((command === undefined) === (url === undefined))
    throw new Problem(BadWay, "name a command or an address, and not both");
  if (url !== undefined && read.length + write.length > 0)
    throw new Problem(BadWay, "a server that is reached by its address sees no folder of this machine");
  if (command !== undefined && headers !== undefined)
    throw new Problem(BadWay, "header lines belong to a server that is reached by its address");
  if (url !== undefined && !/^https?:$/u.test(URL.parse(url)?.protocol ?? ""))
    throw new Problem(BadWay, "the address begins with https:// or http://");
  if (env === undefined) return;
  if (url !== undefined)
    throw new Problem(BadWay, "a server that is reached by its address has no variables; `--header` sends a key there");
  const [missing] = starter?.missing(env) ?? [];
  if (missing !== undefined)
    throw new Problem(BadWay, `there is no secret ${missing}`, { next: `arw secret set ${missing}` });
}

/** What it offers is seen right away; what does not answer is kept, so that its person can mend it. */
async function lookedAt(server: string, ctx: Context, { links }: Deps): Promise<Pick<Added, "tools" | "fault">> {
  try {
    return { tools: await links.look(server, ctx) };
  } catch (error) {
    if (!isProblem(error)) throw error;
    const { next } = error.extra;
    const then = typeof next === "string" && !error.message.includes(next) ? ` \u2192 ${next}` : "";
    return { tools: null, fault: `${error.message}${then}` };
  }
}

/** Before a person is asked, and again when the call is made: what no yes can mend is no question. */
export function refuseUnready(
  operationId: string,
  asked: {
    readonly server: string;
    readonly tool: string;
    readonly ctx: Context;
    readonly parts: KernelParts;
    readonly links: Links;
  },
): void {
  const { server, tool, ctx, parts, links } = asked;
  if (!links.has(server)) {
    const next = `arw mcp add ${server} -- COMMAND`;
    throw new Problem(
      NoSession,
      `no server ${server} is there to call ${tool}: the hub is connected to none of that name, and no wrapper waits for this call`,
      {
        next,
      },
    );
  }
  const row = parts.kernel.views.get(tools, toolKey({ server, tool }));
  refuseHeld(row);
  refuseGated({ parts, caller: ctx.caller, key: `${operationId.replaceAll(".", ":")}:${server}:${tool}` });
  if (operationId !== Read.id) return;
  refuseUnallowed({ server, tool, command: parts.kernel.views.get(ownServers, server)?.digest, parts });
}

/** What a person said of a tool they said of it under one command. */
export function refuseUnallowed(asked: {
  readonly server: string;
  readonly tool: string;
  readonly command: string | undefined;
  readonly parts: KernelParts;
}): void {
  const { server, tool, command, parts } = asked;
  const row = parts.kernel.views.get(tools, toolKey({ server, tool }));
  if (row?.allowedFor !== undefined && row.allowedFor === command && row.status === "known") return;
  throw new Problem(NotAllowed, `nobody said of ${tool} of ${server} that it only reads`, {
    rule: "mcp.not-allowed",
    source: "built-in",
    next: `arw mcp allow ${server} ${tool}`,
  });
}
