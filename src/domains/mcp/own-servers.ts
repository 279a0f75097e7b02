/** Servers that the hub keeps a connection of its own to, for its agents and recipes. Persons alone add them. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, Digest, EpochMs, FolderPath, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { HeaderLines, ServerName, Url } from "./terms.ts";

/** Each may be a program that runs. */
export const ownServersMax = 50;

const Words = Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), {
  minItems: 1,
  maxItems: 64,
  description: "The program and its arguments; never a line for a shell.",
});
const Folders = Type.Array(FolderPath, { maxItems: 32 });
/** Which variables a program gets, and from which secrets: their values stand in no event and in nobody's command line. */
const Variables = Type.Record(
  Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]{0,127}$" }),
  Type.String({ pattern: "^secret:[A-Z][A-Z0-9_]{0,63}$" }),
  { maxProperties: 32, description: "Variables of the program, each the value of a secret: `secret:NAME`." },
);
const Way = {
  command: Type.Optional(Words),
  read: Type.Optional({ ...Folders, description: "Folders that the program sees." }),
  write: Type.Optional({ ...Folders, description: "Folders that the program sees and may change." }),
  url: Type.Optional(Url),
  headers: Type.Optional(HeaderLines),
  env: Type.Optional(Variables),
};
export const OwnServer = closed({ server: ServerName, ...Way, digest: Digest, addedAtMs: EpochMs });
export type OwnServer = Static<typeof OwnServer>;

export const ServerAdded = event({
  kind: "mcp.server.added",
  about: "A person named a server whose tools the hub may call for its own agents and recipes.",
  data: closed({ server: ServerName, ...Way, digest: Digest }),
});
export const ServerRemoved = event({
  kind: "mcp.server.removed",
  about: "A person took a server away; the hub calls its tools no more.",
  data: closed({ server: ServerName }),
});

export const BadWay = problem({
  code: "mcp.bad-server",
  status: 422,
  title: "No such server can be kept",
  about:
    "A server has a command or an address, never both; folders and variables belong to a command, header lines to an address. A variable has the value of a secret that there is.",
});
export const ServerFailed = problem({
  code: "mcp.server-failed",
  status: 502,
  title: "The server failed",
  about:
    "A server of others ended, stayed silent, or answered what is no answer. A call that was under way may have been done. `arw mcp servers` shows its state.",
});
export const NotAllowed = problem({
  code: "mcp.not-allowed",
  status: 403,
  title: "Nobody said that the tool only reads",
  about:
    "`mcp.read` calls tools of which a person said so by `arw mcp allow SERVER TOOL`; `mcp.call` asks about others.",
});

const Added = closed({
  ...OwnServer.properties,
  tools: Type.Union([Type.Integer(), Type.Null()], { description: "How many it offers; null when it failed." }),
  fault: Type.Optional(Type.String({ description: "Why it did not answer. It is kept all the same." })),
  isConfined: Type.Optional(Type.Boolean({ description: "Of a program: whether it is held to its folders." })),
});
export const AddServer = op({
  id: "mcp.servers.add",
  http: "PUT /mcp/servers/{server}",
  cli: "",
  effect: "write",
  isIdempotent: true,
  isForPersons: true,
  about:
    "Name a server of others whose tools the hub may call for its own agents and recipes, and look what it offers.",
  input: closed({ server: ServerName, ...Way }),
  output: Added,
  problems: [BadWay],
  emits: [ServerAdded],
});
export const ListServers = op({
  id: "mcp.servers.list",
  http: "GET /mcp/servers",
  cli: "mcp servers",
  effect: "read",
  isWayOut: true,
  about: "List the servers of others that the hub itself is connected to, or will be at the next call.",
  input: closed({}),
  output: closed({
    servers: Type.Array(
      closed({
        ...OwnServer.properties,
        isRunning: Type.Boolean({ description: "A connection is open; without one the next call opens it." }),
      }),
    ),
  }),
});
export const RemoveServer = op({
  id: "mcp.servers.remove",
  http: "DELETE /mcp/servers/{server}",
  cli: "mcp remove <server>",
  effect: "destroy",
  isForPersons: true,
  isWayOut: true,
  isOpenWhenHalted: true,
  about: "End a server that the hub is connected to, and call its tools no more.",
  input: closed({ server: ServerName }),
  output: OwnServer,
  problems: [NotFound],
  emits: [ServerRemoved],
});
