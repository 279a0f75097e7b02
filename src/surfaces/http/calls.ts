/** The routes of the table: every operation at its address, read from the request, called, and its outcome answered. */
import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from "fastify";
import type { Bound, Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { ShuttingDown } from "../../contract/standard-problems.ts";
import type { Answered, Dispatcher, Outcome } from "../../kernel/kernel.ts";
import type { Log } from "../../kernel/ports.ts";
import { writeOutcome } from "./answers.ts";
import { formatFor } from "./frames.ts";
import { sendProblem, tooBusy, toProblem } from "./failure.ts";
import { type InputPlan, type InputSources, planInput, readInput } from "./input.ts";
import type { HttpLimits } from "./limits.ts";
import type { OriginGuard } from "./origin.ts";
import type { Cookies } from "./port.ts";
import type { Streams } from "./streams.ts";
import type { Load } from "./load.ts";
import { credentialsOf } from "./visit.ts";

export interface CallDeps {
  readonly dispatcher: Dispatcher;
  readonly isReady: () => boolean;
  readonly guard: OriginGuard;
  readonly streams: Streams;
  readonly load: Load;
  readonly cookies: Cookies | null;
  readonly log: Log;
  readonly limits: HttpLimits;
}

export interface CallRoute {
  readonly method: string;
  /** In the router's form: `/tasks/:taskId`. */
  readonly path: string;
  /** In the table's form: `/tasks/{taskId}`. */
  readonly template: string;
  readonly handler: RouteHandlerMethod;
}

type StreamOutcome = Extract<Outcome, { kind: "stream" }>;

/** A stream that finds no place may look again soon: readers come and go. */
const streamRetryMs = 5_000;
const readyRetryMs = 1_000;

export function callRoute({ operation }: Bound, deps: CallDeps): CallRoute {
  const [method = "", template = ""] = operation.http.split(" ");
  const plan = planInput(operation.input);
  return {
    method,
    template,
    path: template.replaceAll(":", "::").replaceAll(/\{(\w+)\}/g, ":$1"),
    handler: (request, reply) => {
      // Answers by `reply.send`, not by a returned promise: one promise less per request.
      void serve(operation, plan, { request, reply, deps });
    },
  };
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly deps: CallDeps;
}

async function serve(operation: Operation, plan: InputPlan, exchange: Exchange): Promise<void> {
  const { request, reply, deps } = exchange;
  const { visit } = request;
  try {
    if (!deps.isReady()) throw new Problem(ShuttingDown, "The hub takes no calls now.", { retryAfterMs: readyRetryMs });
    const { corrId, outcome } = await call(operation, plan, exchange);
    if (outcome.kind === "stream") await stream(outcome, exchange);
    else writeOutcome(operation, outcome, { reply, corrId, cookies: deps.cookies });
  } catch (error) {
    // Nobody is left to read it, or the head is out already.
    if (reply.sent || reply.raw.destroyed) return;
    sendProblem(reply, toProblem(error, visit.corrId, deps.log), visit.corrId);
  }
}

function call(operation: Operation, plan: InputPlan, { request, deps }: Exchange): Promise<Answered> {
  const { headers, visit } = request;
  const credentials = credentialsOf(headers, visit.address);
  if (credentials.kind === "cookie") deps.guard.checkCookieCall(request.method, headers);
  const ifNoneMatch = headers["if-none-match"];
  return deps.dispatcher.dispatch({
    operationId: operation.id,
    input: readInput(plan, sourcesOf(request)),
    credentials,
    signal: visit.controller.signal,
    corrId: visit.corrId,
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
  });
}

function sourcesOf(request: FastifyRequest): InputSources {
  const lastEventId = request.headers["last-event-id"];
  return {
    params: request.params as InputSources["params"],
    query: request.query as InputSources["query"],
    body: (request.body ?? undefined) as InputSources["body"],
    lastEventId: typeof lastEventId === "string" ? lastEventId : undefined,
  };
}

async function stream({ items }: StreamOutcome, { request, reply, deps }: Exchange): Promise<void> {
  const { visit } = request;
  const { corrId, controller } = visit;
  const format = formatFor(request.headers.accept);
  const head = {
    "content-type": format.media,
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
    "x-arw-corr": corrId,
  };
  const begin = (response: ServerResponse): void => {
    reply.hijack();
    response.writeHead(200, head);
    response.flushHeaders();
  };
  if (request.method === "HEAD") {
    begin(reply.raw);
    reply.raw.end();
    await items[Symbol.asyncIterator]().return?.();
    return;
  }
  if (deps.streams.size >= deps.limits.streamsMax)
    throw tooBusy(`${deps.limits.streamsMax} streams are open, which is the most.`, streamRetryMs);
  deps.load.turnIntoStream(visit);
  const problemOf = (error: unknown): Problem => toProblem(error, corrId, deps.log);
  await deps.streams.serve({ response: reply.raw, items, format, begin, controller, corrId, toProblem: problemOf });
}
