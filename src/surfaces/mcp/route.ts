/** The hub's tools as an MCP server over streamable HTTP, at `/mcp`. There are no sessions: each request says all there is. */
import { Problem, problemDocument } from "../../contract/problem.ts";
import { Denied } from "../../contract/standard-problems.ts";
import type { Answered, ForeignAnswer, ForeignRequest, ForeignRoute, Table } from "../../kernel/kernel.ts";
import { createBoundedQueue } from "../../base/bounded-queue.ts";
import { codes, errorText, type Message, messageOf } from "./messages.ts";
import { type Params, Refused } from "./port.ts";
import {
  answerMessage,
  type Called,
  faultOf,
  legacyRevisions,
  type Live,
  modernRevisions,
  personRefused,
  revisionOf,
  type ServedTool,
  servedTools,
  type ServeParts,
} from "./serve.ts";
import type { Timer } from "./waiting.ts";

export interface McpRouteDeps {
  readonly table: Table;
  readonly version: string;
  readonly timer: Timer;
}

/** Items of a stream that fit into one answer; a stream that goes on is left there. */
const itemsMax = 1_000;
/** Asked of every request first. */
const whoami = "access.whoami";
const headerMismatch = -32_020;

export function mcpRoute({ table, version, timer }: McpRouteDeps): ForeignRoute {
  // With the first request: their schemas take a tenth of a start, and most hubs serve no client of this protocol.
  let tools: readonly ServedTool[] | null = null;
  return {
    method: "POST",
    path: "/mcp",
    asks: whoami,
    serve: (request) =>
      serve(request, {
        tools: (tools ??= servedTools(table)),
        version,
        timer,
        call: (id, input, live) => called(request, { id, input, live }),
      }),
    failure: (error, corrId) => ({ status: error.definition.status, body: failure(error, corrId) }),
    lastFrame: (error, corrId) => frame(JSON.stringify(failure(error, corrId))),
  };
}

const frame = (text: string): string => `event: message\ndata: ${text}\n\n`;

const failure = (error: Problem, corrId: string) => ({
  jsonrpc: "2.0",
  id: null,
  error: { code: codes.refused, message: error.message, data: problemDocument(error, corrId) },
});

async function serve(request: ForeignRequest, parts: ServeParts): Promise<ForeignAnswer> {
  await refusePersons(request);
  const message = messageOf(request.body);
  const mismatch = mismatchOf(message, request);
  if (mismatch !== null) return { kind: "json", status: 400, body: JSON.parse(mismatch) };
  const fault = message.kind === "request" ? faultOf(message) : null;
  if (message.kind === "request" && message.method === "tools/call" && fault === null)
    return { kind: "stream", frames: answered(message, parts) };
  const answer = await answerMessage(message, parts);
  if (answer === null) return { kind: "taken" };
  return { kind: "json", status: statusOf(message, fault), body: JSON.parse(answer) };
}

/** From 2026-07-28 on the status says what the error says; before, an error is an answer like any other. */
function statusOf(message: Message, fault: ReturnType<typeof faultOf>): number {
  if (message.kind !== "request") return 400;
  if (fault === null || revisionOf(message.params) === null) return 200;
  return fault.code === codes.method ? 404 : 400;
}

/** Notices of one call that its client has not read yet; what comes beyond is left out. */
const noticesMax = 100;

/** A call may wait for a person: its answer comes as a stream, which shows that the hub is there. */
async function* answered(message: Message, parts: ServeParts): AsyncGenerator<string> {
  const notices = createBoundedQueue<string>({ capacity: noticesMax, overflow: "dropOldest" });
  const answer = answerMessage(message, parts, { tell: (text) => void notices.push(text) });
  void answer.then(notices.close, notices.close);
  for await (const notice of notices) yield frame(notice);
  const text = await answer;
  if (text !== null) yield frame(text);
}

/** A model stands behind a client of this protocol, and nobody asks a person's own sign-in anything. */
async function refusePersons(request: ForeignRequest): Promise<void> {
  const { outcome } = await request.call(whoami, {});
  const { caller } = (outcome.kind === "answer" ? outcome.output : { caller: "nobody" }) as { readonly caller: string };
  if (!caller.startsWith("person:")) return;
  const { detail, rule, source, next } = personRefused(caller);
  throw new Problem(Denied, detail, { rule, source, next });
}

/** Whoever stands between may go by the header lines: they say what the body says. */
function mismatchOf(message: Message, { header }: ForeignRequest): string | null {
  if (message.kind !== "request" && message.kind !== "notification") return null;
  const id = message.kind === "request" ? message.id : null;
  const refuse = (text: string): string => errorText(id, { code: headerMismatch, message: text });
  const [revision, named] = [revisionOf(message.params), header("mcp-protocol-version")];
  if (revision === null) {
    const known: readonly string[] = legacyRevisions;
    if (named === undefined || known.includes(named)) return null;
    const isModern = (modernRevisions as readonly string[]).includes(named);
    return isModern
      ? errorText(id, { code: codes.params, message: `a request of ${named} names its revision in \`_meta\`` })
      : refuse(`the revision ${named.slice(0, 40)} is not served`);
  }
  if (message.kind === "notification") return null;
  if (named !== revision) return refuse("MCP-Protocol-Version names another revision than the body, or none");
  if (header("mcp-method") !== message.method) return refuse("Mcp-Method names another method than the body, or none");
  const name = message.params["name"];
  if (message.method !== "tools/call" || typeof name !== "string") return null;
  return header("mcp-name") === name ? null : refuse("Mcp-Name names another tool than the body, or none");
}

interface Calling {
  readonly id: string;
  readonly input: Params;
  readonly live: Live;
}

async function called({ call }: ForeignRequest, { id, input, live }: Calling): Promise<Called> {
  try {
    return await calledOf((await call(id, input)).outcome, live);
  } catch (error) {
    throw error instanceof Problem ? new Refused(problemDocument(error, "")) : error;
  }
}

async function calledOf(outcome: Answered["outcome"], live: Live): Promise<Called> {
  switch (outcome.kind) {
    case "answer":
      return { kind: "answer", output: outcome.output };
    case "accepted":
      return { kind: "accepted", taskId: outcome.taskId };
    case "held":
      return { kind: "held", approvalId: outcome.approvalId };
    case "stream": {
      const items: unknown[] = [];
      for await (const item of outcome.items) {
        live.onItem();
        if (items.push(item) >= itemsMax) break;
      }
      return { kind: "items", items };
    }
    case "unchanged":
    default:
      // Nothing here sends an ETag.
      return { kind: "answer", output: null };
  }
}
