/** The hub's operations that only the room of connections uses. */
import type { Client } from "../../../../client/src/index.ts";
import { get, post, query, remove } from "../../api.ts";
import type { AgentManifest, Page } from "../../shapes.ts";

type Answer<Method extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<Method>>;

export type Attached = Answer<Client["state"]["mcpSessionsGet"]>;
export type WrappedServer = Answer<Client["state"]["mcpServersGet"]>;
export type Tool = Answer<Client["mcp"]["tools"]>["tools"][number];
export type ShownTool = Answer<Client["mcp"]["show"]>;
export type Models = Answer<Client["models"]["list"]>;
export type ModelServer = Answer<Client["models"]["serversList"]>["servers"][number];
export type Discovered = Answer<Client["models"]["discover"]>;
type Tokens = Answer<Client["access"]["tokensList"]>;

const at = encodeURIComponent;
/** More agents than that at once are counted. */
const attachedMax = 200;
const serversMax = 500;
const toolPath = (server: string, tool: string): string => `/mcp/tools/${at(server)}/${at(tool)}`;

export const connectionsApi = {
  agents: (signal?: AbortSignal) => get<{ agents: readonly AgentManifest[] }>("/agents", signal),
  tokens: (signal?: AbortSignal) => get<Tokens>("/access/tokens", signal),
  attached: (signal?: AbortSignal) =>
    get<Page<Attached>>(`/state/mcpSessions?${query({ limit: attachedMax })}`, signal),
  servers: (signal?: AbortSignal) =>
    get<Page<WrappedServer>>(`/state/mcpServers?${query({ limit: serversMax })}`, signal),
  tools: (signal?: AbortSignal) => get<{ tools: readonly Tool[] }>("/mcp/tools", signal),
  tool: (server: string, tool: string, signal?: AbortSignal) => get<ShownTool>(toolPath(server, tool), signal),
  acceptTool: ({ server, tool, digest }: ShownTool) =>
    post<ShownTool>(`${toolPath(server, tool)}/accept`, { digest: shortDigest(digest) }),
  allowTool: (server: string, tool: string) => post<Tool>(`${toolPath(server, tool)}/allow`, {}),
  disallowTool: (server: string, tool: string) => post<Tool>(`${toolPath(server, tool)}/disallow`, {}),
  models: (signal?: AbortSignal) => get<Models>("/models", signal),
  modelServers: (signal?: AbortSignal) => get<{ servers: readonly ModelServer[] }>("/models/servers", signal),
  removeModelServer: (server: string) => remove<ModelServer>(`/models/servers/${at(server)}`),
  discover: () => post<Discovered>("/models/discover", {}),
};

/** As much of a digest as says which words a person looked at. */
const shortLength = 12;
export const shortDigest = (digest: string): string => digest.replace(/^sha256:/u, "").slice(0, shortLength);
