/** Serves the doors for protocols of others, each at its own addresses. */
import type { ServerResponse } from "node:http";
import { type Problem, Problem as ProblemError } from "../../contract/problem.ts";
import { ShuttingDown } from "../../contract/standard-problems.ts";
import type { Answered, ForeignRoute } from "../../kernel/kernel.ts";
import { baseHeaders, jsonMedia, write } from "./answers.ts";
import type { CallDeps } from "./calls.ts";
import { type Exchange, type Handler, isAnswered, pathOf } from "./exchange.ts";
import { refusalHeaders, sendProblem, tooBusy, toProblem } from "./failure.ts";
import type { StreamFormat } from "./frames.ts";
import { restName } from "./router.ts";
import { credentialsOf } from "./visit.ts";

const readyRetryMs = 1_000;
const streamRetryMs = 5_000;

export const foreignHandler = (route: ForeignRoute, deps: CallDeps): Handler =>
  async function handle(exchange) {
    const { headers, corrId, controller, response } = exchange;
    try {
      if (!deps.isReady())
        throw new ProblemError(ShuttingDown, "The hub takes no calls now.", { retryAfterMs: readyRetryMs });
      const credentials = credentialsOf(headers, exchange.address);
      if (credentials.kind === "cookie") deps.guard.checkCookieCall(exchange.method, headers);
      const call = (operationId: string, input: unknown): Promise<Answered> =>
        deps.dispatcher.dispatch({ operationId, input, credentials, signal: controller.signal, corrId });
      if (exchange.isUnread && route.asks !== undefined) await call(route.asks, undefined);
      const answer = await route.serve({
        body: exchange.body ?? {},
        rest: exchange.params[restName] ?? "",
        header(name) {
          const line = headers[name];
          return typeof line === "string" ? line : undefined;
        },
        call,
      });
      if (answer.kind === "taken") return write(response, { status: 202, headers: baseHeaders(corrId), body: "" });
      if (answer.kind === "json") return writeJson(exchange, answer);
      if (deps.streams.size >= deps.limits.streamsMax)
        throw tooBusy(`${deps.limits.streamsMax} streams are open, which is the most.`, streamRetryMs);
      deps.load.turnIntoStream(exchange);
      const begin = (to: ServerResponse): void => {
        to.writeHead(200, {
          "content-type": "text/event-stream; charset=utf-8",
          "cache-control": "no-cache, no-transform",
          "x-accel-buffering": "no",
          "x-content-type-options": "nosniff",
          "x-arw-corr": corrId,
        });
        to.flushHeaders();
      };
      const problemOf = (error: unknown): Problem => toProblem(error, corrId, deps.log);
      await deps.streams.serve({
        response,
        items: answer.frames,
        format: formatOf(route),
        begin,
        controller,
        corrId,
        toProblem: problemOf,
      });
    } catch (error) {
      if (!isAnswered(exchange)) sendForeign(exchange, route, toProblem(error, corrId, deps.log));
    }
  };

function writeJson(
  { response, corrId }: Exchange,
  { status = 200, body }: { readonly status?: number; readonly body: unknown },
): void {
  const headers = [...baseHeaders(corrId), "cache-control", "no-store", "content-type", jsonMedia];
  write(response, { status, headers, body: JSON.stringify(body) });
}

function sendForeign({ response, corrId }: Exchange, route: ForeignRoute, problem: Problem): void {
  const { status, body } = route.failure(problem, corrId);
  const headers = [...refusalHeaders(problem, corrId), "content-type", jsonMedia];
  write(response, { status, headers, body: JSON.stringify(body) });
}

/** Sends what was refused before or beside every route: as the protocol writes it where the address is one of its own. */
export const refuserOf =
  (routes: readonly ForeignRoute[]) =>
  (exchange: Exchange, problem: Problem): void => {
    const path = pathOf(exchange.url);
    const route = routes.find(({ below }) => below !== undefined && `${path}/`.startsWith(`${below}/`));
    if (route === undefined) sendProblem(exchange, problem);
    else sendForeign(exchange, route, problem);
  };

const formatOf = (route: ForeignRoute): StreamFormat => ({
  media: "text/event-stream; charset=utf-8",
  item: (item) => item as string,
  failure: (error, corrId) => route.lastFrame(error, corrId),
  heartbeat: ":\n\n",
});
