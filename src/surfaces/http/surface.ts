/**
 * The HTTP surface: Fastify as a server and a parser, everything else from the table. It validates, serialises and logs
 * nothing itself; the corridor does. The routes are no routes of Fastify's: some hundred of them would be a fifth of a start.
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RouteHandlerMethod,
} from "fastify";
import { Problem } from "../../contract/problem.ts";
import { MethodNotAllowed, NotFound } from "../../contract/standard-problems.ts";
import type { Dispatcher, ForeignRoute, Table } from "../../kernel/kernel.ts";
import type { Chance, Clock, Log, RouteMeter, RouteMeters } from "../../kernel/ports.ts";
import { type CallDeps, callRoute } from "./calls.ts";
import { capsuleHeader, presentCapsule, tellUnread } from "./capsule-header.ts";
import { addBaseHeaders, rawProblem, tooBusy, toProblem } from "./failure.ts";
import { checkMedia, parseBody } from "./json-body.ts";
import { defaultHttpLimits, type HttpLimits } from "./limits.ts";
import { foreignHandler, refuserOf } from "./foreign.ts";
import { createLoad, type Load } from "./load.ts";
import { createOriginGuard, type OriginGuard } from "./origin.ts";
import { pageRoutes, sendBytes, topLevelFile } from "./pages.ts";
import type { AssetFolder, Capsules, ClientAddress, Cookies } from "./port.ts";
import { createRouter, type Router } from "./router.ts";
import { createRouteIndex, type RouteIndex } from "./routes.ts";
import { createStreams } from "./streams.ts";
import { abortVisit, broughtCorrId } from "./visit.ts";

export interface HttpDeps {
  readonly kernel: Dispatcher & { readonly table: Table };
  readonly clock: Clock;
  readonly chance: Pick<Chance, "randomBytes">;
  readonly log: Log;
  readonly newCorrId: () => string;
  /** False while the hub starts or stops: calls are then refused with 503. */
  readonly isReady: () => boolean;
  readonly cookies?: Cookies;
  readonly meters?: RouteMeters;
  /** The built UI, and the generated documents; null when they are not there. */
  readonly web: AssetFolder | null;
  readonly spec: AssetFolder | null;
  /** Hosts that may stand in the Host header besides loopback, with their port: `hub.example:8090`. */
  readonly allowedHosts?: readonly string[];
  /** Sites whose pages may call the hub with a token: `https://tool.example`. None by default. */
  readonly allowedOrigins?: readonly string[];
  /** The other end of the connection unless given. */
  readonly addresses?: ClientAddress;
  /** Without it the header of capsules means nothing. */
  readonly capsules?: Capsules;
  /** Protocols of others, at addresses that the table leaves free. */
  readonly foreign?: readonly ForeignRoute[];
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpAddress {
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

export interface HttpSurface extends AsyncDisposable {
  /** Port 0 takes a free one. Rejects with Node's error when the port is taken. */
  listen(options: { readonly port: number; readonly host: string }): Promise<HttpAddress>;
  /** null until it listens. */
  address(): HttpAddress | null;
  /** A request without a socket, for tests and for calls inside the process. */
  readonly inject: FastifyInstance["inject"];
  readonly streamCount: number;
  /** Ends the streams, lets running requests end within the grace, then cuts. May be called again. */
  close(): Promise<void>;
}

/** Requests that found the hub full may come back soon. */
const busyRetryMs = 1_000;
const aliasPrefix = "/admin/";

export function createHttpSurface(deps: HttpDeps): HttpSurface {
  const limits: HttpLimits = { ...defaultHttpLimits, ...deps.limits };
  const guard = createOriginGuard(deps.allowedHosts ?? [], deps.allowedOrigins ?? []);
  const streams = createStreams(deps.clock, limits);
  const foreign = deps.foreign ?? [];
  const refuse = refuserOf(foreign);
  const app = createApp(deps, { limits, refuse });
  const load = createLoad();
  const { addresses = peerAddress } = deps;
  const calls = {
    dispatcher: deps.kernel,
    guard,
    streams,
    load,
    cookies: deps.cookies ?? null,
    limits,
    isReady: deps.isReady,
    log: deps.log,
  };
  const { routes, index, unmatched } = openRoutes(deps, calls);
  const onUnmatched = unmatchedHandler(index, deps.web);
  addAdmission(app, deps, { limits, guard, addresses, load, unmatched, onUnmatched, router: createRouter(routes) });
  addBodyParser(app, limits);
  app.route({
    method: [...app.supportedMethods],
    url: "/*",
    // What nothing answers to was answered at the door.
    handler: (request, reply) => request.route?.handler.call(app, request, reply),
  });
  app.setNotFoundHandler(onUnmatched);
  addFailures(app, deps, refuse);

  let address: HttpAddress | null = null;
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    streams.close();
    const cancel = deps.clock.after(limits.closeGraceMs, () => app.server.closeAllConnections());
    await app.close();
    cancel();
  };
  const closeOnce = (): Promise<void> => (closing ??= close());
  return {
    async listen({ port, host }) {
      await app.listen({ port, host });
      const bound = app.server.address();
      const actual = typeof bound === "object" && bound !== null ? bound.port : port;
      guard.setPort(actual);
      address = { host, port: actual, url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}` };
      return address;
    },
    address: () => address,
    inject: app.inject.bind(app),
    get streamCount() {
      return streams.size;
    },
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

/** One address of the surface, whoever it belongs to. */
interface Route {
  readonly method: string;
  readonly path: string;
  readonly handler: RouteHandlerMethod;
  readonly meter: RouteMeter;
}

function openRoutes(
  deps: HttpDeps,
  calls: CallDeps,
): { readonly routes: readonly Route[]; readonly index: RouteIndex; readonly unmatched: RouteMeter } {
  const { foreign = [], meters = noMeters, web, spec, chance } = deps;
  const { table } = deps.kernel;
  const unmatched = meters.of("ANY", "unmatched");
  const own = [...table.operations.values()].map((bound) => callRoute(bound, calls));
  const others = foreign.map((route) => ({
    method: route.method,
    path: route.path,
    template: route.path,
    handler: foreignHandler(route, calls),
  }));
  const metered = [...own, ...others].map(({ method, path, template, handler }) => ({
    method,
    path,
    handler,
    meter: meters.of(method, template),
  }));
  const pages = pageRoutes({ table, web, spec, randomBytes: chance.randomBytes });
  return {
    routes: [...metered, ...pages.map((page) => ({ ...page, meter: unmatched }))],
    index: createRouteIndex([...metered, ...pagePaths]),
    unmatched,
  };
}

const pagePaths = ["/", "/ui", "/ui/:path", "/assets/:path", "/spec/:path", "/problems/:code"].map((path) => ({
  method: "GET",
  path,
}));

type Refuse = ReturnType<typeof refuserOf>;

interface Building {
  readonly limits: HttpLimits;
  readonly refuse: Refuse;
}

function createApp(deps: HttpDeps, { limits, refuse }: Building): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    http: {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: limits.timeoutCheckMs,
    },
    return503OnClosing: false,
    forceCloseConnections: "idle",
    rewriteUrl: ({ url = "/" }) => (url.startsWith(aliasPrefix) ? url.slice(aliasPrefix.length - 1) : url),
    clientErrorHandler: (error, socket) => refuseSocket(error, socket, deps),
    frameworkErrors: (error, request, reply) => {
      const corrId = deps.newCorrId();
      const problem = toProblem(error, corrId, deps.log);
      if (deps.capsules !== undefined) tellUnread(request.headers, reply.raw, problem);
      refuse(reply, problem, { path: pathOf(request.url), corrId });
    },
  });
  app.server.maxConnections = limits.connectionsMax;
  return app;
}

interface Admission {
  readonly limits: HttpLimits;
  readonly guard: OriginGuard;
  readonly addresses: ClientAddress;
  readonly load: Load;
  /** Takes whatever is no row of the table, so that no address of a stranger becomes a label. */
  readonly unmatched: RouteMeter;
  readonly router: Router<Route>;
  readonly onUnmatched: Unmatched;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Null where nothing answers to the address. */
    route: Route | null;
  }
}

const noMeters: RouteMeters = { of: () => ({ arrived: () => undefined, answered: () => undefined }) };

/** Everything that is checked before the body is read: correlation, who may knock, how many at once. */
function addAdmission(app: FastifyInstance, deps: HttpDeps, admission: Admission): void {
  const { limits, guard, addresses, load, unmatched, router, onUnmatched } = admission;
  const { capsules, isReady } = deps;
  app.decorateRequest("visit");
  app.decorateRequest("route");
  app.addHook("onRequest", (request, reply, done) => {
    const visit = { corrId: "", address: "", controller: new AbortController(), isStream: false };
    request.visit = visit;
    load.enter();
    const { fault } = findRoute(request, router);
    const meter = request.route?.meter ?? unmatched;
    const startedMs = deps.clock.monotonicMs();
    meter.arrived();
    const { raw } = reply;
    raw.once("close", () => {
      load.leave(visit);
      const isTimed = raw.writableFinished && !visit.isStream;
      meter.answered(raw.statusCode, isTimed ? deps.clock.monotonicMs() - startedMs : null);
      if (!raw.writableFinished) abortVisit(visit);
    });
    try {
      visit.corrId = broughtCorrId(request.headers) ?? deps.newCorrId();
      visit.address = addresses.of(request.socket.remoteAddress, request.headers["x-forwarded-for"]);
      guard.check(request.method, request.headers);
      guard.welcome(request.headers.origin, raw);
      if (guard.isPreflight(request.method, request.headers)) {
        reply.hijack();
        sendPreflight(raw);
        return;
      }
      if (load.requests > limits.requestsInFlightMax) throw tooBusy("Too many requests are running.", busyRetryMs);
      if (fault !== null) throw fault;
      const goOn = (refusal?: Error): void => {
        if (refusal !== undefined || request.route !== null) done(refusal);
        else void answerUnmatched({ request, reply, done }, onUnmatched);
      };
      if (capsules === undefined || request.headers[capsuleHeader] === undefined) goOn();
      else void presentCapsule({ request, reply, done: goOn }, { capsules, guard, isReady });
    } catch (error) {
      if (capsules !== undefined) tellUnread(request.headers, raw, error);
      done(error as Error);
    }
  });
}

interface Arrived {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly done: (error: Error) => void;
}

/** Before any body is read: none would be used. */
async function answerUnmatched({ request, reply, done }: Arrived, answer: Unmatched): Promise<void> {
  try {
    await answer(request, reply);
  } catch (error) {
    done(error as Error);
  }
}

const peerAddress: ClientAddress = { of: (peer) => peer ?? "unknown" };

/** Tells a browser that a page of an allowed site may send its call; the call itself is checked like any other. */
function sendPreflight(raw: ServerResponse): void {
  raw.writeHead(204, {
    "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
    "access-control-allow-headers": "authorization, content-type, last-event-id, traceparent, x-arw-corr",
    "access-control-max-age": "600",
  });
  raw.end();
}

function addBodyParser(app: FastifyInstance, limits: HttpLimits): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    try {
      checkMedia(request.headers["content-type"] ?? "");
      done(null, parseBody(body as Buffer, limits.jsonDepthMax));
    } catch (error) {
      done(error as Error);
    }
  });
}

/** Leaves in the request what answers it. A fault is told once the caller may knock. */
function findRoute(request: FastifyRequest, router: Router<Route>): { readonly fault: Error | null } {
  request.route = null;
  try {
    const match = router.match(request.method, request.url);
    if (match === null) return { fault: null };
    request.route = match.route;
    request.params = match.params;
    return { fault: null };
  } catch (error) {
    return { fault: error as Error };
  }
}

function addFailures(app: FastifyInstance, deps: HttpDeps, refuse: Refuse): void {
  const fail = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    // A request whose correlation header was refused still gets an id for its answer.
    request.visit.corrId ||= deps.newCorrId();
    const { corrId } = request.visit;
    refuse(reply, toProblem(error, corrId, deps.log), { path: pathOf(request.url), corrId });
  };
  app.setErrorHandler((error, request, reply) => {
    fail(error, request, reply);
  });
}

type Unmatched = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** A file beside the index, or a refusal that names what the address does take. */
const unmatchedHandler =
  (index: RouteIndex, web: AssetFolder | null): Unmatched =>
  async (request, reply) => {
    const path = pathOf(request.url);
    const isRead = request.method === "GET" || request.method === "HEAD";
    const file = isRead && request.url === request.originalUrl ? await topLevelFile(path, web) : null;
    if (file !== null)
      return sendBytes(addBaseHeaders(reply, request.visit.corrId).header("cache-control", "no-cache"), path, file);
    const allow = index.methodsOf(path);
    if (allow.length === 0) throw new Problem(NotFound, nothingAt(path, index));
    throw new Problem(MethodNotAllowed, `This address takes ${allow.join(", ")}.`, { allow });
  };

/** Views are under `/state`; what an operation makes of a row, such as a snapshot, has an address of its own. */
const nothingAt = (path: string, index: RouteIndex): string =>
  path.startsWith("/state/") && index.methodsOf(path.slice("/state".length)).length > 0
    ? "There is nothing under this address, but there is without its /state."
    : "There is nothing under this address.";

const pathOf = (url: string): string => url.split("?", 1)[0] ?? url;

/** Node gave up on the bytes before there was a request: malformed, too large, or too slow. */
function refuseSocket(error: Error & { code?: string }, socket: Socket, deps: HttpDeps): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const corrId = deps.newCorrId();
  // Every fault here is the client's; the status keeps it out of the log of our own.
  socket.end(rawProblem(toProblem(Object.assign(error, { statusCode: 400 }), corrId, deps.log), corrId));
}
