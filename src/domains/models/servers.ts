/** The model servers that a person named: each is asked at its own address and nowhere else. */
import { addressClassOf } from "../../base/ip-address.ts";
import { endpointName, parseWebAddress } from "../../base/web-address.ts";
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { Allow } from "../budgets/contract.ts";
import {
  type AddServer,
  AllowanceFirst,
  BadServer,
  type RoleRow,
  RoleRemoved,
  RoleSet,
  type Server,
  ServerAdded,
  ServerRemoved,
  type SetRole,
  TooManyServers,
} from "./contract.ts";
import { endpointOf, isOnThisMachine, parseModelName, parseServer } from "../../base/model-name.ts";
import { modelRoles, modelServers, rolesMax, serversMax } from "./views.ts";

export interface Servers {
  list(): readonly Server[];
  find(server: string): Server | undefined;
  role(role: string): RoleRow | undefined;
  roles(): readonly RoleRow[];
  add(input: Static<typeof AddServer.input>, ctx: Context): Promise<Server>;
  remove(server: string, ctx: Context): Promise<Server>;
  setRole(input: Static<typeof SetRole.input>, ctx: Context): Promise<RoleRow>;
  removeRole(role: string, ctx: Context): Promise<RoleRow>;
}

/** What is shown where nobody said how much: small, and asked for again every day. */
export const allowanceOffered = "1 USD/day";

/** Servers that do not answer at `/v1`. */
const knownUrls: Readonly<Record<string, string>> = {
  "openrouter.ai": "https://openrouter.ai/api/v1",
  "api.groq.com": "https://api.groq.com/openai/v1",
  "generativelanguage.googleapis.com": "https://generativelanguage.googleapis.com/v1beta/openai",
};

export function createServers(parts: KernelParts): Servers {
  const find = (server: string): Server | undefined => parts.kernel.views.get(modelServers, server);
  const list = (): readonly Server[] =>
    parts.kernel.views.list(modelServers, { limit: serversMax }).rows.map((each) => each.row);
  const roles = (): readonly RoleRow[] =>
    parts.kernel.views.list(modelRoles, { limit: rolesMax }).rows.map((each) => each.row);
  const role = (name: string): RoleRow | undefined => parts.kernel.views.get(modelRoles, name);
  return {
    list,
    find,
    role,
    roles,
    async add(given, ctx) {
      const input = addressed(given);
      const server = serverIn(input.server);
      const url = urlOf(server, input);
      const known = find(server);
      if (known === undefined && list().length >= serversMax)
        throw new Problem(TooManyServers, `there are ${serversMax} servers already`);
      if (known === undefined && !isOnThisMachine(server)) await allow(input, { server, ctx });
      const { kind = "openai", secret } = input;
      await ctx.emit(ServerAdded, { server, url, kind, ...(secret === undefined ? {} : { secret }) });
      return find(server) as Server;
    },
    async remove(name, ctx) {
      const server = find(parseServer(name) ?? name);
      if (server === undefined) throw new Problem(NotFound, `there is no model server ${name}`);
      await ctx.emit(ServerRemoved, { server: server.server });
      return server;
    },
    async setRole({ role: name, models, mayLeave = false }, ctx) {
      if (role(name) === undefined && roles().length >= rolesMax)
        throw new Problem(TooManyServers, `there are ${rolesMax} roles already`);
      await ctx.emit(RoleSet, { role: name, models: models.map((each) => namedModel(each, find)), mayLeave });
      return role(name) as RoleRow;
    },
    async removeRole(name, ctx) {
      const known = role(name);
      if (known === undefined) throw new Problem(NotFound, `there is no role ${name}`);
      await ctx.emit(RoleRemoved, { role: name });
      return known;
    },
  };
}

/** People have the whole address at hand more often than the host in it. */
function addressed(input: Static<typeof AddServer.input>): Static<typeof AddServer.input> {
  const address = input.server.trim();
  if (!/^https?:\/\//i.test(address)) return input;
  const to = parseWebAddress(address);
  if (typeof to === "string") throw new Problem(BadServer, `${JSON.stringify(address)}: ${to}`);
  return { url: address, ...input, server: endpointName(to).replace(/:443$/, "") };
}

function serverIn(text: string): string {
  const server = parseServer(text.trim());
  if (server === null)
    throw new Problem(BadServer, `${JSON.stringify(text)} is no host such as localhost:11434 or api.openai.com`, {
      next: "arw models discover",
    });
  return server;
}

/** Of another machine only over encryption, but for numbers of one's own network, where there mostly is none. */
function urlOf(server: string, { url, secret }: Static<typeof AddServer.input>): string {
  const isLocal = isOnThisMachine(server);
  const text = url ?? knownUrls[server] ?? `${isLocal ? "http" : "https"}://${server}/v1`;
  const to = parseWebAddress(text);
  if (typeof to === "string") throw new Problem(BadServer, `${JSON.stringify(text)}: ${to}`);
  if (endpointName(to) !== endpointOf(server))
    throw new Problem(BadServer, `${to.shown} is at ${endpointName(to)}, not at ${endpointOf(server)}`);
  const isNear = to.isLiteral && addressClassOf(to.host) !== "public";
  if (to.scheme === "http" && !isLocal && (!isNear || secret !== undefined))
    throw new Problem(
      BadServer,
      `${to.shown} is not encrypted; take https, or an address of your own network without a key`,
    );
  return text.replace(/\/+$/, "");
}

/** Money is spent there, perhaps: a person says how much before the first call. */
async function allow(
  { allow: words }: Static<typeof AddServer.input>,
  { server, ctx }: { readonly server: string; readonly ctx: Context },
): Promise<void> {
  if (words !== undefined) {
    await ctx.call(Allow, { allowance: [words, "models.*"] });
    return;
  }
  const next = `arw models add ${server} --allow "${allowanceOffered}"`;
  throw new Problem(AllowanceFirst, `${server} may cost money: say how much, as in \`${next}\``, { next });
}

function namedModel(text: string, find: Servers["find"]): string {
  const name = parseModelName(text);
  if (name === null) throw new Problem(NotFound, `${JSON.stringify(text)} names no server; write SERVER/MODEL`);
  if (find(name.server) === undefined)
    throw new Problem(
      NotFound,
      `there is no model server ${name.server}; add it with \`arw models add ${name.server}\``,
    );
  return `${name.server}/${name.model}`;
}
