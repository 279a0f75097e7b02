/** Serves the doors for protocols of others, each at its own addresses. */
import type { ServerResponse } from "node:http";
import type { FastifyReply, RouteHandlerMethod } from "fastify";
import { type Problem, Problem as ProblemError } from "../../contract/problem.ts";
import { ShuttingDown } from "../../contract/standard-problems.ts";
import type { ForeignRoute } from "../../kernel/kernel.ts";
import type { CallDeps } from "./calls.ts";
import { addBaseHeaders, addRefusalHeaders, sendProblem, tooBusy, toProblem } from "./failure.ts";
import type { StreamFormat } from "./frames.ts";
import type { JsonObject } from "./json-body.ts";
import { credentialsOf } from "./visit.ts";

const readyRetryMs = 1_000;
const streamRetryMs = 5_000;

export const foreignHandler = (route: ForeignRoute, deps: CallDeps): RouteHandlerMethod =>
  async function handle(request, reply) {
    const { visit, headers } = request;
    const { corrId } = visit;
    try {
      if (!deps.isReady())
        throw new ProblemError(ShuttingDown, "The hub takes no calls now.", { retryAfterMs: readyRetryMs });
      const credentials = credentialsOf(headers, visit.address);
      if (credentials.kind === "cookie") deps.guard.checkCookieCall(request.method, headers);
      const answer = await route.serve({
        body: (request.body ?? {}) as JsonObject,
        rest: (request.params as { "*"?: string })["*"] ?? "",
        header(name) {
          const line = headers[name];
          return typeof line === "string" ? line : undefined;
        },
        call: (operationId, input) =>
          deps.dispatcher.dispatch({ operationId, input, credentials, signal: visit.controller.signal, corrId }),
      });
      if (answer.kind === "taken") return await addBaseHeaders(reply, corrId).code(202).send();
      if (answer.kind === "json") {
        addBaseHeaders(reply, corrId)
          .code(answer.status ?? 200)
          .header("cache-control", "no-store")
          .type("application/json; charset=utf-8");
        return reply.send(JSON.stringify(answer.body));
      }
      if (deps.streams.size >= deps.limits.streamsMax)
        throw tooBusy(`${deps.limits.streamsMax} streams are open, which is the most.`, streamRetryMs);
      deps.load.turnIntoStream(visit);
      const begin = (response: ServerResponse): void => {
        reply.hijack();
        response.writeHead(200, {
          "content-type": "text/event-stream; charset=utf-8",
          "cache-control": "no-cache, no-transform",
          "x-accel-buffering": "no",
          "x-content-type-options": "nosniff",
          "x-arw-corr": corrId,
        });
        response.flushHeaders();
      };
      const { controller } = visit;
      const problemOf = (error: unknown): Problem => toProblem(error, corrId, deps.log);
      await deps.streams.serve({
        response: reply.raw,
        items: answer.frames,
        format: formatOf(route),
        begin,
        controller,
        corrId,
        toProblem: problemOf,
      });
      return reply;
    } catch (error) {
      if (reply.sent || reply.raw.destroyed) return reply;
      return sendForeign(reply, { route, problem: toProblem(error, corrId, deps.log), corrId });
    }
  };

interface Refusing {
  readonly route: ForeignRoute;
  readonly problem: Problem;
  readonly corrId: string;
}

function sendForeign(reply: FastifyReply, { route, problem, corrId }: Refusing): FastifyReply {
  const { status, body } = route.failure(problem, corrId);
  addRefusalHeaders(reply, problem, corrId).code(status).type("application/json; charset=utf-8");
  return reply.send(JSON.stringify(body));
}

/** Sends what was refused before or beside every route: as the protocol writes it where the address is one of its own. */
export const refuserOf =
  (routes: readonly ForeignRoute[]) =>
  (
    reply: FastifyReply,
    problem: Problem,
    { path, corrId }: { readonly path: string; readonly corrId: string },
  ): void => {
    const route = routes.find(({ below }) => below !== undefined && `${path}/`.startsWith(`${below}/`));
    if (route === undefined) sendProblem(reply, problem, corrId);
    else sendForeign(reply, { route, problem, corrId });
  };

const formatOf = (route: ForeignRoute): StreamFormat => ({
  media: "text/event-stream; charset=utf-8",
  item: (item) => item as string,
  failure: (error, corrId) => route.lastFrame(error, corrId),
  heartbeat: ":\n\n",
});
