/** The routes of the table: every operation at its address, read from the request, called, and its outcome answered. */
import type { ServerResponse } from "node:http";
import type { Bound, Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { ShuttingDown } from "../../contract/standard-problems.ts";
import type { Answered, Dispatcher, Outcome } from "../../kernel/kernel.ts";
import type { Log } from "../../kernel/ports.ts";
import { writeOutcome } from "./answers.ts";
import { formatFor } from "./frames.ts";
import type { Exchange, Handler } from "./exchange.ts";
import { tooBusy, toProblem } from "./failure.ts";
import { type InputPlan, type InputSources, planInput, readInput } from "./input.ts";
import type { HttpLimits } from "./limits.ts";
import type { OriginGuard } from "./origin.ts";
import type { Cookies } from "./port.ts";
import { queryOf } from "./query.ts";
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
  readonly asks: string;
  readonly handler: Handler;
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
    asks: operation.id,
    path: template.replaceAll(":", "::").replaceAll(/\{(\w+)\}/g, ":$1"),
    handler: (exchange) => serve(exchange, { operation, plan, deps }),
  };
}

interface Served {
  readonly operation: Operation;
  readonly plan: InputPlan;
  readonly deps: CallDeps;
}

async function serve(exchange: Exchange, served: Served): Promise<void> {
  const { operation, deps } = served;
  if (!deps.isReady()) throw new Problem(ShuttingDown, "The hub takes no calls now.", { retryAfterMs: readyRetryMs });
  const { corrId, outcome } = await call(exchange, served);
  if (outcome.kind === "stream") await stream(outcome, exchange, deps);
  else writeOutcome(operation, outcome, { exchange, corrId, cookies: deps.cookies });
}

function call(exchange: Exchange, { operation, plan, deps }: Served): Promise<Answered> {
  const { headers, address, controller, corrId } = exchange;
  const credentials = credentialsOf(headers, address);
  if (credentials.kind === "cookie") deps.guard.checkCookieCall(exchange.method, headers);
  const ifNoneMatch = headers["if-none-match"];
  return deps.dispatcher.dispatch({
    operationId: operation.id,
    input: exchange.isUnread ? undefined : readInput(plan, sourcesOf(exchange)),
    credentials,
    signal: controller.signal,
    corrId,
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
  });
}

function sourcesOf({ headers, params, url, body }: Exchange): InputSources {
  const lastEventId = headers["last-event-id"];
  return {
    params,
    query: queryOf(url),
    body,
    lastEventId: typeof lastEventId === "string" ? lastEventId : undefined,
  };
}

async function stream({ items }: StreamOutcome, exchange: Exchange, deps: CallDeps): Promise<void> {
  const { corrId, controller, response } = exchange;
  const format = formatFor(exchange.headers.accept);
  const head = {
    "content-type": format.media,
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
    "x-arw-corr": corrId,
  };
  const begin = (to: ServerResponse): void => {
    to.writeHead(200, head);
    to.flushHeaders();
  };
  if (exchange.method === "HEAD") {
    begin(response);
    response.end();
    await items[Symbol.asyncIterator]().return?.();
    return;
  }
  if (deps.streams.size >= deps.limits.streamsMax)
    throw tooBusy(`${deps.limits.streamsMax} streams are open, which is the most.`, streamRetryMs);
  deps.load.turnIntoStream(exchange);
  const problemOf = (error: unknown): Problem => toProblem(error, corrId, deps.log);
  await deps.streams.serve({ response, items, format, begin, controller, corrId, toProblem: problemOf });
}
