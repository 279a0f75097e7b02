/**
 * Tools of other programs' MCP servers behind the hub. A wrapper (`arw mcp wrap`) stands between somebody else's agent and
 * somebody else's server; it opens a session here, and asks here before each call of a tool.
 */
import type { Scope } from "../../contract/caller.ts";
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, CorrelationId, Digest, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { HeaderLines, ServerName, Url } from "./terms.ts";
import { NotAllowed, ServerFailed } from "./own-servers.ts";
import { AlreadyAnswered, ApprovalDenied, ApprovalGranted, ApprovalId } from "../approvals/contract.ts";
import { hostOf } from "../web/contract.ts";
import { RunFinished, RunStarted } from "../agents/contract.ts";
import { sendEvents, sendProblems } from "../egress/contract.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  IntentProposed,
  KeptValue,
  ObservationRecorded,
} from "../episodes/contract.ts";

const ToolName = Type.String({
  minLength: 1,
  maxLength: 200,
  description: "Name of the tool, as its server has it.",
});
const AgentName = Type.String({
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
  examples: ["claude-desktop"],
  description: "Name of the agent that works behind the wrapper, as rules write it: `agent:NAME`.",
});
const Target = { server: ServerName, tool: ToolName };

/** Text of one definition that is kept; the digest is over all of it. Longer ones say more than a person reads. */
export const definitionLengthMax = 32_768;
const Definition = Type.String({
  maxLength: definitionLengthMax + 200,
  description: "What the server says of the tool, as indented JSON.",
});

export const ServerSeen = event({
  kind: "mcp.server.seen",
  about: "A server was wrapped for the first time, or under another command than before.",
  data: closed({ server: ServerName, command: Digest }),
});
export const Server = closed({ server: ServerName, command: Digest, seenAtMs: EpochMs });
export type Server = Static<typeof Server>;
const SessionId = CorrelationId;
const AsksInClient = Type.Boolean({
  description:
    "A person chose that questions are put to them by the agent's own program, whose answer counts as theirs.",
});
export const SessionOpened = event({
  kind: "mcp.session.opened",
  about: "An agent of others began to work with a wrapped server.",
  data: closed({
    server: ServerName,
    agent: Type.String({ maxLength: 120 }),
    command: Digest,
    asksInClient: Type.Optional(AsksInClient),
  }),
});
export const SessionListed = event({
  kind: "mcp.session.listed",
  about: "A server told the agent of a session which tools it has.",
  data: closed({
    server: ServerName,
    agent: Type.String({ maxLength: 120 }),
    tools: Type.Integer({ minimum: 0 }),
    listed: KeptValue,
  }),
});
export const SessionClosed = event({
  kind: "mcp.session.closed",
  about: "An agent of others no longer works with a wrapped server.",
  data: closed({ reason: Type.String({ maxLength: 500 }) }),
});
export const OpenSession = closed({
  session: SessionId,
  server: ServerName,
  agent: Type.String(),
  command: Digest,
  asksInClient: Type.Optional(AsksInClient),
  openedAtMs: EpochMs,
});
export type OpenSession = Static<typeof OpenSession>;
export const ToolSeen = event({
  kind: "mcp.tool.seen",
  about: "A server listed a tool for the first time; what it says of it is kept from here on.",
  data: closed({ ...Target, digest: Digest, definition: Definition, isReadOnlyHint: Type.Boolean() }),
});
export const ToolChanged = event({
  kind: "mcp.tool.changed",
  about: "A server says something else of a tool than it did; the tool is held until a person has looked at it.",
  data: closed({ ...Target, digest: Digest, definition: Definition, isReadOnlyHint: Type.Boolean() }),
});
export const ToolRestored = event({
  kind: "mcp.tool.restored",
  about: "A server says again of a tool what it said before.",
  data: closed(Target),
});
export const ToolAccepted = event({
  kind: "mcp.tool.accepted",
  about: "A person looked at what a server says of a tool now, and took it.",
  data: closed({ ...Target, digest: Digest }),
});
export const ToolAllowed = event({
  kind: "mcp.tool.allowed",
  about: "A person said that a tool only reads; agents may call it without asking.",
  data: closed({ ...Target, command: Digest }),
});
export const ToolDisallowed = event({
  kind: "mcp.tool.disallowed",
  about: "A person took back that a tool may be called without asking.",
  data: closed(Target),
});

export const ToolChangedHold = problem({
  code: "mcp.tool-changed",
  status: 409,
  title: "The tool is held",
  about:
    "What the server says of this tool changed since a person last looked. `arw mcp show SERVER TOOL` shows the difference, `arw mcp accept` takes it.",
});
export const NoSession = problem({
  code: "mcp.no-session",
  status: 409,
  title: "No session",
  about: "There is no open session of this id and caller, or no call waits in it. Start `arw mcp wrap` again.",
});
export const TooMany = problem({
  code: "mcp.too-many",
  status: 429,
  title: "Too many at once",
  about: "More sessions, open calls or tools than the hub keeps. End some and try again.",
});
export const LookFirst = problem({
  code: "mcp.look-first",
  status: 428,
  title: "Look first",
  about: "Say which definition you looked at: the first characters of its digest, as `arw mcp show` prints it.",
});

/** What one message may weigh, characters: what the way out sends at most. */
const messageLengthMax = 900_000;
const Sent = closed({
  status: Type.Integer(),
  /** Names what the server knows this client by from here on. */
  serverSession: Type.Optional(Type.String({ maxLength: 8192 })),
  messages: Type.Array(Type.Unknown()),
});
const Session = CorrelationId;
const CallId = Type.String({ minLength: 1, maxLength: 64 });
/** Whatever the protocol has or will have there. */
const Params = Type.Record(Type.String(), Type.Unknown(), {
  description: "Fields of the request beside the tool's name, as the agent sent them.",
});

export const Open = op({
  id: "mcp.open",
  http: "POST /mcp/sessions",
  cli: "",
  mode: "many",
  effect: "read",
  isRoutine: true,
  about: "Open a session of a wrapper, which lasts as long as this answer is read.",
  input: closed({
    server: ServerName,
    agent: Type.Optional(AgentName),
    command: Digest,
    title: Type.Optional(Type.String({ maxLength: 200, description: "What the program calls itself." })),
    url: Type.Optional(Url),
    asksInClient: Type.Optional(AsksInClient),
  }),
  output: Type.Union([
    closed({
      kind: Type.Literal("opened"),
      session: Session,
      agent: Type.String(),
      asksInClient: Type.Optional(AsksInClient),
    }),
    closed({ kind: Type.Literal("ended"), reason: Type.String() }),
  ]),
  problems: [TooMany],
  emits: [RunStarted, RunFinished, SessionOpened, SessionClosed, ServerSeen],
});

export const See = op({
  id: "mcp.see",
  http: "POST /mcp/see",
  cli: "",
  effect: "read",
  isRoutine: true,
  about: "Tell the hub what a server says of its tools, and learn which of them are held.",
  input: closed({
    session: Session,
    tools: Type.Array(closed({ tool: ToolName, definition: Type.Unknown() }), { maxItems: 1000 }),
  }),
  output: closed({ held: Type.Array(ToolName) }),
  problems: [NoSession, TooMany],
  emits: [ToolSeen, ToolChanged, ToolRestored, SessionListed],
});

/** A question about this call that waits for the person, and may be put to them in their agent's own window. */
const PutItem = closed({
  kind: Type.Literal("ask"),
  approvalId: ApprovalId,
  agent: Type.String(),
  summary: Type.String(),
  why: Type.String(),
  rule: Type.String(),
});
export type Put = Static<typeof PutItem>;
export const Relay = op({
  id: "mcp.relay",
  http: "POST /mcp/relay",
  cli: "",
  mode: "many",
  effect: "read",
  isRoutine: true,
  about:
    "Ask for one call of a tool: `ask` puts a question, `go` says that it may be made and with what, `answer` what the agent may see of it.",
  input: closed({ session: Session, tool: ToolName, params: Params }),
  output: Type.Union([
    PutItem,
    closed({ kind: Type.Literal("go"), call: CallId, params: Params }),
    closed({
      kind: Type.Literal("answer"),
      result: Type.Optional(Type.Unknown()),
      error: Type.Optional(Type.Unknown()),
    }),
  ]),
  problems: [NoSession, TooMany, ToolChangedHold],
  emits: [IntentProposed, ObservationRecorded, ActionApplied, ActionRefused, ActionFailed],
});

export const Deliver = op({
  id: "mcp.deliver",
  http: "POST /mcp/deliver",
  cli: "",
  effect: "read",
  isRoutine: true,
  about: "Hand over what a server answered to a call that the hub let go.",
  input: closed({
    session: Session,
    call: CallId,
    result: Type.Optional(Type.Unknown()),
    error: Type.Optional(Type.Unknown()),
  }),
  output: closed({ isTaken: Type.Boolean() }),
  problems: [NoSession],
});

export const Answer = op({
  id: "mcp.answer",
  http: "POST /mcp/answer",
  cli: "",
  effect: "write",
  isRoutine: true,
  isForPersons: true,
  about: "Bring what a person answered in their agent's window to a question that the hub put there.",
  input: closed({ session: Session, approvalId: ApprovalId, decision: oneOf(["allow", "deny"]) }),
  output: closed({ isTaken: Type.Boolean() }),
  problems: [NoSession, NotFound, AlreadyAnswered],
  emits: [ApprovalGranted, ApprovalDenied],
});

export const Send = op({
  id: "mcp.send",
  http: "POST /mcp/send",
  cli: "",
  effect: "read",
  isRoutine: true,
  about: "Carry one message of a session to a server that is reached by its address, and bring back what it answers.",
  input: closed({ session: Session, message: Params, headers: HeaderLines }),
  output: Sent,
  problems: [NoSession, ...sendProblems],
  emits: [...sendEvents],
  /** A call of a tool takes as long as it takes. */
  deadlineMs: 600_000,
});
/** As the agent, so that every rule about hosts is asked about it. */
export const Carry = op({
  id: "mcp.carry",
  http: "POST /mcp/carry",
  cli: "",
  effect: "read",
  isRoutine: true,
  about: "Send a message to the address of an open session; only the hub itself calls this.",
  input: closed({ url: Url, body: Type.String({ maxLength: messageLengthMax }), headers: HeaderLines }),
  output: Sent,
  problems: [NoSession, ...sendProblems],
  emits: [...sendEvents],
  needs: ["net:fetch", "net:send"],
  scope: ({ url }): Scope => ({ host: hostOf(url) }),
  cost: ({ url, body, headers }) => ({
    bytesOut: overheadBytes + 6 * (url.length + body.length + Object.entries(headers).flat().join("").length),
  }),
  deadlineMs: 600_000,
});
/** Greetings, certificates and header lines of an encrypted connection, as often as redirects may be followed. */
const overheadBytes = 6 * 4_000;

const callFields = {
  input: closed({ ...Target, params: Params }),
  output: closed({
    result: Type.Optional(Type.Unknown()),
    error: Type.Optional(Type.Unknown()),
    label: oneOf(["tool"], "Whatever is built from this was told by a stranger's program."),
  }),
  problems: [NoSession, NotFound, ToolChangedHold, ServerFailed, NotAllowed, TooMany, ...sendProblems],
  scope: ({ server, tool }: { readonly server: string; readonly tool: string }): Scope => ({
    tool: `${server}/${tool}`,
  }),
  /** As long as most clients wait for a tool, and longer. */
  deadlineMs: 600_000,
};
/** What a tool of somebody else does is only known to them: it counts as a change, and as running a program. */
export const Call = op({
  id: "mcp.call",
  http: "POST /mcp/call",
  cli: "",
  effect: "write",
  isTool: true,
  about: "Call a tool of an MCP server that stands behind a wrapper, or that the hub itself is connected to.",
  needs: ["exec"],
  ...callFields,
});
export const Read = op({
  id: "mcp.read",
  http: "POST /mcp/read",
  cli: "",
  effect: "read",
  isTool: true,
  about: "Call a tool of an MCP server of which a person said that it only reads.",
  needs: ["tool:read"],
  ...callFields,
});

export const Tool = closed({
  ...Target,
  status: oneOf(["known", "changed"], "`changed`: held until a person looks."),
  digest: Digest,
  definition: Definition,
  isReadOnlyHint: Type.Boolean({ description: "The server says that the tool only reads; nobody checked." }),
  pending: Type.Optional(closed({ digest: Digest, definition: Definition, isReadOnlyHint: Type.Boolean() })),
  /** The command that the permission is for: another one under the same name does not have it. */
  allowedFor: Type.Optional(Digest),
  seenAtMs: EpochMs,
  changedAtMs: EpochMs,
});
export type Tool = Static<typeof Tool>;
const ToolLine = closed({
  ...Target,
  status: Tool.properties.status,
  isReadOnlyHint: Type.Boolean(),
  isAllowed: Type.Boolean({ description: "A person said that it only reads: agents call it without asking." }),
  about: Type.String({ description: "The first words of what the server says." }),
});

export const Tools = op({
  id: "mcp.tools",
  http: "GET /mcp/tools",
  cli: "mcp tools [server]",
  effect: "read",
  isWayOut: true,
  about: "List the tools that wrapped servers offered, and which of them are held.",
  input: closed({ server: Type.Optional(ServerName) }),
  output: closed({ tools: Type.Array(ToolLine) }),
});
const Shown = closed({
  ...Target,
  status: Tool.properties.status,
  definition: Definition,
  digest: Type.String({ description: "Of the newest definition; `arw mcp accept` takes its first characters." }),
  diff: Type.String({ description: "What changed since a person last looked; empty when nothing did." }),
});
export const Show = op({
  id: "mcp.show",
  http: "GET /mcp/tools/{server}/{tool}",
  cli: "mcp show <server> <tool>",
  effect: "read",
  about: "Show what a server says of a tool, and what changed in it.",
  input: closed(Target),
  output: Shown,
  problems: [NotFound],
});
/** Eight hexadecimal digits are typed in no time, and nobody finds a second definition with them that reads well. */
const digestLengthMin = 8;
export const Accept = op({
  id: "mcp.accept",
  http: "POST /mcp/tools/{server}/{tool}/accept",
  cli: "mcp accept <server> <tool> [digest]",
  effect: "write",
  isIdempotent: true,
  isForPersons: true,
  about: "Take what a server says of a tool now; without a digest it only shows what changed.",
  input: closed({
    ...Target,
    digest: Type.Optional(
      Type.String({
        pattern: `^(sha256:)?[0-9a-f]{${digestLengthMin},64}$`,
        description: "First characters of the digest that was looked at.",
      }),
    ),
  }),
  output: Shown,
  problems: [NotFound, LookFirst],
  emits: [ToolAccepted],
});
export const Allow = op({
  id: "mcp.allow",
  http: "POST /mcp/tools/{server}/{tool}/allow",
  cli: "mcp allow <server> <tool>",
  effect: "write",
  isIdempotent: true,
  isForPersons: true,
  about: "Say that a tool only reads: agents behind a wrapper call it without asking, until it changes.",
  input: closed(Target),
  output: ToolLine,
  problems: [NotFound, ToolChangedHold],
  emits: [ToolAllowed],
});
export const Disallow = op({
  id: "mcp.disallow",
  http: "POST /mcp/tools/{server}/{tool}/disallow",
  cli: "mcp disallow <server> <tool>",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Take back that a tool may be called without asking.",
  input: closed(Target),
  output: ToolLine,
  problems: [NotFound],
  emits: [ToolDisallowed],
});
