/** Every tool that a wrapped server ever listed: what it said of it when a person last looked, and what it says now. */
import { on, view } from "../../contract/view.ts";
import {
  OpenSession,
  Server,
  ServerSeen,
  SessionClosed,
  SessionOpened,
  Tool,
  ToolAccepted,
  ToolAllowed,
  ToolChanged,
  ToolDisallowed,
  ToolRestored,
  ToolSeen,
} from "./contract.ts";
import { OwnServer, ownServersMax, ServerAdded, ServerRemoved } from "./own-servers.ts";

/** A household has some dozen servers with some dozen tools each. */
export const toolsMax = 5000;

const tool = on<Tool>();
export const toolKey = ({ server, tool: name }: { readonly server: string; readonly tool: string }): string =>
  `${server}/${name}`;
const byTool = (e: { readonly data: { readonly server: string; readonly tool: string } }): string => toolKey(e.data);

/** What was allowed was allowed of the words that a person saw. */
const withoutPending = ({ pending: _looked, ...row }: Tool): Tool => ({ ...row, status: "known" });

export const tools = view(Tool)({
  name: "mcpTools",
  version: 1,
  about: "Tools of wrapped MCP servers, with what their servers say of them.",
  order: "asc",
  rowsMax: toolsMax,
  overflow: "guarded",
  folds: [
    tool(
      ToolSeen,
      byTool,
      (row, e) => row ?? { ...e.data, status: "known", seenAtMs: e.timeMs, changedAtMs: e.timeMs },
    ),
    tool(ToolChanged, byTool, (row, e) => {
      if (row === undefined) return null;
      const { digest, definition, isReadOnlyHint } = e.data;
      return { ...row, status: "changed", pending: { digest, definition, isReadOnlyHint }, changedAtMs: e.timeMs };
    }),
    tool(ToolRestored, byTool, (row) => (row === undefined ? null : withoutPending(row))),
    tool(ToolAccepted, byTool, (row, e) => {
      if (row?.pending?.digest !== e.data.digest) return row ?? null;
      const { allowedFor: _former, ...rest } = withoutPending(row);
      return { ...rest, ...row.pending };
    }),
    tool(ToolAllowed, byTool, (row, e) => (row === undefined ? null : { ...row, allowedFor: e.data.command })),
    tool(ToolDisallowed, byTool, (row) => {
      if (row === undefined) return null;
      const { allowedFor: _former, ...rest } = row;
      return rest;
    }),
  ],
});

/** Servers that the hub itself is connected to. */
export const ownServers = view(OwnServer)({
  name: "mcpOwnServers",
  version: 1,
  about: "MCP servers that the hub calls for its own agents and recipes, each as a person named it.",
  order: "asc",
  rowsMax: ownServersMax,
  overflow: "guarded",
  folds: [
    on<OwnServer>()(
      ServerAdded,
      (e) => e.data.server,
      (_row, e) => ({ ...e.data, addedAtMs: e.timeMs }),
    ),
    on<OwnServer>()(
      ServerRemoved,
      (e) => e.data.server,
      () => null,
    ),
  ],
});

const serversMax = 500;

/** Under which command each server was wrapped last. */
export const servers = view(Server)({
  name: "mcpServers",
  version: 1,
  about: "MCP servers that were wrapped, each with the digest of its command.",
  order: "asc",
  rowsMax: serversMax,
  folds: [
    on<Server>()(
      ServerSeen,
      (e) => e.data.server,
      (_row, e) => ({ ...e.data, seenAtMs: e.timeMs }),
    ),
  ],
});

/** As many as may be open at once, and some that a crash left. */
export const openMax = 1000;
const session = on<OpenSession>();

/** Agents of others that work with a wrapped server right now. */
export const openSessions = view(OpenSession)({
  name: "mcpSessions",
  version: 1,
  about: "Agents of others that work with a wrapped server right now, newest first.",
  rowsMax: openMax,
  folds: [
    session(
      SessionOpened,
      (e) => e.corrId,
      (_row, e) => ({ session: e.corrId, ...e.data, openedAtMs: e.timeMs }),
    ),
    session(
      SessionClosed,
      (e) => e.corrId,
      () => null,
    ),
  ],
});
