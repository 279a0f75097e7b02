/**
 * The hub's own tools as an MCP server: every operation marked as one, under the caller's own rights. Both eras of the
 * protocol: a handshake up to 2025-11-25, and from 2026-07-28 on the revision in each request. There are tools and nothing else.
 */
import type { ProblemDocument } from "../../contract/problem.ts";
import type { Table } from "../../kernel/kernel.ts";
import { type McpTool, mcpTool } from "../spec/mcp-tools.ts";
import { operationsOf } from "../spec/rows.ts";
import { codes, errorText, isRecord, type Message, notificationText, refusalText, resultText } from "./messages.ts";
import { type Params, Refused } from "./port.ts";
import { tellNowAndThen, type Timer } from "./waiting.ts";

export type Called =
  | { readonly kind: "answer"; readonly output: unknown }
  | { readonly kind: "items"; readonly items: readonly unknown[] }
  | { readonly kind: "accepted"; readonly taskId: string }
  | { readonly kind: "held"; readonly approvalId: string };

export interface ServeParts {
  readonly tools: readonly ServedTool[];
  readonly version: string;
  readonly timer: Timer;
  /** Calls an operation as whoever sent the request. Throws `Refused`. */
  call(operationId: string, input: Params, live: Live): Promise<Called>;
}

/** What goes on while a call runs. */
export interface Live {
  /** Aborts when the client takes its call back. */
  readonly signal?: AbortSignal;
  /** A stream brought one more item. */
  onItem(): void;
}

/** How a client hears of a call before its answer. */
export interface Talk {
  readonly signal?: AbortSignal;
  tell(text: string): void;
}

export interface ServedTool {
  readonly operationId: string;
  readonly isStream: boolean;
  readonly tool: McpTool;
}

/** Revisions with a handshake, newest first, and those that each request names. */
export const legacyRevisions = ["2025-11-25", "2025-06-18", "2025-03-26"] as const;
export const modernRevisions = ["2026-07-28"] as const;
const revisionKey = "io.modelcontextprotocol/protocolVersion";
const capabilitiesKey = "io.modelcontextprotocol/clientCapabilities";
const serverKey = "io.modelcontextprotocol/serverInfo";
const instructions =
  "Tools of ARW, a hub that watches over agents on this machine. A call may wait until a person has answered, and may be refused; the refusal names the rule and what the person can do.";
const unsupportedRevision = -32_022;
/** Tools follow from the program and change with it alone. */
const listTtlMs = 300_000;

export const servedTools = (table: Table): readonly ServedTool[] =>
  operationsOf(table)
    .filter(({ isTool }) => isTool)
    .map((operation) => ({
      operationId: operation.id,
      isStream: operation.mode === "many",
      tool: mcpTool(operation),
    }));

/** The answer to one message; null for what none is sent to. */
export async function answerMessage(message: Message, parts: ServeParts, talk?: Talk): Promise<string | null> {
  if (message.kind === "fault") return errorText(message.id, { code: message.code, message: message.message });
  if (message.kind !== "request") return null;
  const { id, method, params } = message;
  const fault = faultOf(message);
  if (fault !== null) return errorText(id, fault);
  const isModern = revisionOf(params) !== null;
  const answer = (result: Params): string => resultText(id, isModern ? modern(result, parts) : result);
  switch (method) {
    case "initialize":
      return answer({ protocolVersion: agreed(params), capabilities, serverInfo: infoOf(parts), instructions });
    case "server/discover":
      return answer({ supportedVersions: modernRevisions, capabilities, instructions, ...cacheable });
    case "ping":
      return answer({});
    case "tools/list":
      return answer({ tools: parts.tools.map(({ tool }) => tool), ...(isModern ? cacheable : {}) });
    case "tools/call":
    default:
      return callTool(message, { parts, answer, talk });
  }
}

export interface Fault {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

const methods: ReadonlySet<string> = new Set(["server/discover", "tools/list", "tools/call"]);
/** Of the handshake alone: from 2026-07-28 on each request says all there is. */
const legacyMethods: ReadonlySet<string> = new Set(["initialize", "ping"]);

/** Why a request is answered with an error before anything is looked up or called; null when it is not. */
export function faultOf({ method, params }: Extract<Message, { kind: "request" }>): Fault | null {
  const revision = revisionOf(params);
  if (revision !== null && !(modernRevisions as readonly string[]).includes(revision)) {
    const data = { supported: modernRevisions, requested: revision };
    return { code: unsupportedRevision, message: `the revision ${revision.slice(0, 40)} is not served`, data };
  }
  if (revision !== null && capabilitiesOf(params) === null)
    return { code: codes.params, message: `a request of ${revision} names \`${capabilitiesKey}\` in \`_meta\`` };
  if (!methods.has(method) && !(revision === null && legacyMethods.has(method)))
    return { code: codes.method, message: `there is no method ${method.slice(0, 100)}` };
  // All tools are on one page, so nobody was ever given a cursor.
  return method === "tools/list" && params["cursor"] !== undefined
    ? { code: codes.params, message: "there is no page at this cursor" }
    : null;
}

const capabilities = { tools: {} };
const cacheable = { ttlMs: listTtlMs, cacheScope: "private" };
const infoOf = ({ version }: ServeParts): Params => ({ name: "arw", title: "ARW", version });
const modern = (result: Params, parts: ServeParts): Params => ({
  resultType: "complete",
  ...result,
  _meta: { ...(isRecord(result["_meta"]) ? result["_meta"] : {}), [serverKey]: infoOf(parts) },
});

/** The revision that a request names for itself; null in the era of the handshake. */
export function revisionOf({ _meta }: Params): string | null {
  const named = isRecord(_meta) ? _meta[revisionKey] : undefined;
  return typeof named === "string" ? named : null;
}

/** What the client of such a request can do; null where it does not say. */
export function capabilitiesOf({ _meta }: Params): Params | null {
  const named = isRecord(_meta) ? _meta[capabilitiesKey] : undefined;
  return isRecord(named) ? named : null;
}

const agreed = ({ protocolVersion }: Params): string =>
  legacyRevisions.find((each) => each === protocolVersion) ?? legacyRevisions[0];

interface Answering {
  readonly parts: ServeParts;
  readonly answer: (result: Params) => string;
  readonly talk: Talk | undefined;
}

async function callTool(
  { id, params }: Extract<Message, { kind: "request" }>,
  { parts, answer, talk }: Answering,
): Promise<string> {
  const { name, arguments: given = {} } = params;
  const served = parts.tools.find(({ tool }) => tool.name === name);
  if (served === undefined)
    return errorText(id, { code: codes.params, message: `there is no tool ${typeof name === "string" ? name : ""}` });
  if (!isRecord(given)) return errorText(id, { code: codes.params, message: "`arguments` is an object" });
  const live = liveOf(params, talk, parts);
  try {
    return answer(resultOf(await parts.call(served.operationId, given, live), served));
  } catch (error) {
    if (error instanceof Refused) return refusalText(id, error.document);
    throw error;
  } finally {
    live.stop();
  }
}

/** A step of a count that nobody can mistake for an item. */
const waitingStep = 1e-6;
const stillWaits = "ARW has not answered yet: the call is at work, or a person is asked about it.";

/** Whoever gave a token for it hears of each item of a stream as it comes, and now and then that an answer is still to come. */
function liveOf({ _meta }: Params, talk: Talk | undefined, { timer }: ServeParts): Live & { stop(): void } {
  const token = isRecord(_meta) ? _meta["progressToken"] : undefined;
  const signal = talk?.signal === undefined ? {} : { signal: talk.signal };
  if (talk === undefined || (typeof token !== "string" && typeof token !== "number"))
    return { ...signal, onItem: () => undefined, stop: () => undefined };
  let progress = 0;
  const tell = (step: number, message?: string): void => {
    progress += step;
    const said = message === undefined ? {} : { message };
    talk.tell(notificationText("notifications/progress", { progressToken: token, progress, ...said }));
  };
  return { ...signal, onItem: () => tell(1), stop: tellNowAndThen(timer, () => tell(waitingStep, stillWaits)) };
}

function resultOf(called: Called, { tool }: ServedTool): Params {
  switch (called.kind) {
    case "answer":
      return structured(isRecord(called.output) ? called.output : { result: called.output }, tool);
    case "items":
      return structured({ items: called.items }, tool);
    case "accepted":
      return { content: [text(`The task ${called.taskId} is queued; the hub works on it.`)] };
    case "held":
    default:
      return {
        isError: true,
        content: [
          text(
            `A person is asked first: \`arw approvals decide ${called.approvalId} allow\`. Then the hub makes the call by itself.`,
          ),
        ],
      };
  }
}

const text = (words: string): Params => ({ type: "text", text: words });

const structured = (value: Params, { outputSchema }: McpTool): Params => ({
  content: [text(JSON.stringify(value))],
  ...(outputSchema === undefined ? {} : { structuredContent: value }),
});

/** A program speaks for a model here, and a person's own rights are for persons. */
export const personRefused = (caller: string): ProblemDocument => ({
  type: "/problems/arw.denied",
  title: "Denied by a rule",
  status: 403,
  code: "arw.denied",
  detail: `${caller} is a person's sign-in. Give this program a token of its own: \`arw token create NAME --role agent --key "fs:*"\`.`,
  instance: "",
  rule: "built-in:mcp-agents",
  source: "built-in",
  next: 'arw token create NAME --role agent --key "*"',
});
