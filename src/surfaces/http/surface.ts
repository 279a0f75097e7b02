/**
 * The HTTP surface: a server of Node's, and everything else from the table. It validates, serialises and logs nothing
 * itself; the corridor does.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Problem } from "../../contract/problem.ts";
import { MethodNotAllowed, NotFound } from "../../contract/standard-problems.ts";
import type { Dispatcher, Doorkeeper, ForeignRoute, Table } from "../../kernel/kernel.ts";
import type { Chance, Clock, Log, RouteMeter, RouteMeters } from "../../kernel/ports.ts";
import { bringsBody, leaveBody, readBody } from "./body.ts";
import { type CallDeps, callRoute } from "./calls.ts";
import { capsuleHeader, presentCapsule, tellUnread } from "./capsule-header.ts";
import { Exchange, isAnswered, pathOf, type Route } from "./exchange.ts";
import { tooBusy, toProblem } from "./failure.ts";
import { foreignHandler, refuserOf } from "./foreign.ts";
import { defaultHttpLimits, type HttpLimits } from "./limits.ts";
import { createListener, type HttpAddress } from "./listener.ts";
import { createLoad, type Load } from "./load.ts";
import { createOriginGuard, type OriginGuard } from "./origin.ts";
import { pageRoutes, sendTopLevel, topLevelFile } from "./pages.ts";
import type { AssetFolder, Capsules, ClientAddress, Cookies } from "./port.ts";
import { createRouter, type Router } from "./router.ts";
import { createStreams } from "./streams.ts";
import { abortVisit, broughtCorrId, credentialsOf } from "./visit.ts";

export interface HttpDeps {
  readonly kernel: Dispatcher & Doorkeeper & { readonly table: Table };
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

export interface HttpSurface extends AsyncDisposable {
  /** Port 0 takes a free one. Rejects with Node's error when the port is taken. */
  listen(options: { readonly port: number; readonly host: string }): Promise<HttpAddress>;
  /** null until it listens. */
  address(): HttpAddress | null;
  /** Answers a request that came by no socket of this surface's own, for tests and for calls inside the process. */
  answer(request: IncomingMessage, response: ServerResponse): void;
  readonly streamCount: number;
  /** Ends the streams, lets running requests end within the grace, then cuts. May be called again. */
  close(): Promise<void>;
}

/** Requests that found the hub full may come back soon. */
const busyRetryMs = 1_000;

export function createHttpSurface(deps: HttpDeps): HttpSurface {
  const limits: HttpLimits = { ...defaultHttpLimits, ...deps.limits };
  const guard = createOriginGuard(deps.allowedHosts ?? [], deps.allowedOrigins ?? []);
  const streams = createStreams(deps.clock, limits);
  const load = createLoad();
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
  const { router, unmatched } = openRoutes(deps, calls);
  const refuse = refuserOf(deps.foreign ?? []);
  const addresses = deps.addresses ?? peerAddress;
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    void serve(new Exchange(request, response), door);
  };
  const listener = createListener({ ...deps, limits, answer });
  const { answered } = listener;
  const door: Door = { ...deps, limits, guard, load, router, unmatched, refuse, addresses, answered };

  let address: HttpAddress | null = null;
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    streams.close();
    return listener.close();
  };
  const closeOnce = (): Promise<void> => (closing ??= close());
  return {
    async listen(options) {
      address = await listener.listen(options);
      guard.setPort(address.port);
      return address;
    },
    address: () => address,
    answer,
    get streamCount() {
      return streams.size;
    },
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

function openRoutes(
  deps: HttpDeps,
  calls: CallDeps,
): { readonly router: Router<Route>; readonly unmatched: RouteMeter } {
  const { foreign = [], meters = noMeters, web, spec, chance } = deps;
  const { table } = deps.kernel;
  const unmatched = meters.of("ANY", "unmatched");
  const own = [...table.operations.values()].map((bound) => callRoute(bound, calls));
  const others = foreign.map((route) => ({
    method: route.method,
    path: route.path,
    template: route.path,
    asks: route.asks ?? null,
    handler: foreignHandler(route, calls),
  }));
  const metered = [...own, ...others].map(({ method, path, template, asks, handler }) => ({
    method,
    path,
    asks,
    handler,
    meter: meters.of(method, template),
  }));
  const pages = pageRoutes({ table, web, spec, randomBytes: chance.randomBytes });
  return {
    router: createRouter([...metered, ...pages.map((page) => ({ ...page, asks: null, meter: unmatched }))]),
    unmatched,
  };
}

/** What every request passes, and what it leads to. */
interface Door extends HttpDeps {
  readonly limits: HttpLimits;
  readonly guard: OriginGuard;
  readonly addresses: ClientAddress;
  readonly load: Load;
  readonly router: Router<Route>;
  /** Takes whatever is no row of the table, so that no address of a stranger becomes a label. */
  readonly unmatched: RouteMeter;
  readonly refuse: ReturnType<typeof refuserOf>;
  readonly answered: () => void;
}

const noMeters: RouteMeters = { of: () => ({ arrived: () => undefined, answered: () => undefined }) };
const peerAddress: ClientAddress = { of: (peer) => peer ?? "unknown" };

/** Never rejects: whatever is thrown on the way is the answer. */
async function serve(exchange: Exchange, door: Door): Promise<void> {
  const fault = findRoute(exchange, door.router);
  watch(exchange, door);
  try {
    admit(exchange, door);
    if (door.guard.isPreflight(exchange.method, exchange.headers)) return sendPreflight(exchange.response);
    if (door.load.requests > door.limits.requestsInFlightMax)
      throw tooBusy("Too many requests are running.", busyRetryMs);
    if (fault !== null) throw fault;
    const { capsules } = door;
    if (capsules !== undefined && exchange.headers[capsuleHeader] !== undefined)
      await presentCapsule(exchange, { ...door, capsules });
    const { route } = exchange;
    // Before any body is read: none would be used.
    if (route === null) return await answerUnmatched(exchange, door);
    if (bringsBody(exchange, door.limits)) {
      exchange.isUnread = !mayBeRead(exchange, route, door);
      if (exchange.isUnread) leaveBody(exchange);
      else exchange.body = await readBody(exchange, door.limits);
    }
    await route.handler(exchange);
  } catch (error) {
    fail(exchange, error, door);
  }
}

/** Who calls is known by the header lines; a stranger's body would cost its reading and lead nowhere. */
const mayBeRead = ({ headers, address }: Exchange, { asks }: Route, { kernel }: Door): boolean =>
  asks === null || kernel.mayEnter(asks, credentialsOf(headers, address));

/** Leaves in the exchange what answers it. A fault is told once the caller may knock. */
function findRoute(exchange: Exchange, router: Router<Route>): Error | null {
  try {
    const match = router.match(exchange.method, exchange.url);
    if (match === null) return null;
    exchange.route = match.route;
    exchange.params = match.params;
    return null;
  } catch (error) {
    return error as Error;
  }
}

/** Counts the request, and what became of it; a client that left no longer wants its answer. */
function watch(exchange: Exchange, { load, unmatched, clock, answered }: Door): void {
  const { response } = exchange;
  const meter = exchange.route?.meter ?? unmatched;
  const startedMs = clock.monotonicMs();
  load.enter();
  meter.arrived();
  // With nobody to hear it, a fault of one answer would end the process.
  response.on("error", () => response.destroy());
  response.once("close", () => {
    load.leave(exchange);
    const isTimed = response.writableFinished && !exchange.isStream;
    meter.answered(response.statusCode, isTimed ? clock.monotonicMs() - startedMs : null);
    if (!response.writableFinished) abortVisit(exchange);
    answered();
  });
}

/** Correlation, and who may knock. */
function admit(exchange: Exchange, { addresses, guard, newCorrId }: Door): void {
  const { method, headers, request } = exchange;
  exchange.corrId = broughtCorrId(headers) ?? newCorrId();
  exchange.address = addresses.of(request.socket.remoteAddress, headers["x-forwarded-for"]);
  guard.check(method, headers);
  guard.welcome(headers.origin, exchange.response);
}

/** Tells a browser that a page of an allowed site may send its call; the call itself is checked like any other. */
function sendPreflight(response: ServerResponse): void {
  response.writeHead(204, {
    "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
    "access-control-allow-headers": "authorization, content-type, last-event-id, traceparent, x-arw-corr",
    "access-control-max-age": "600",
  });
  response.end();
}

function fail(exchange: Exchange, error: unknown, { newCorrId, log, capsules, refuse }: Door): void {
  // Nobody is left to read it, or the head is out already.
  if (isAnswered(exchange)) return;
  // A request whose correlation header was refused still gets an id for its answer.
  exchange.corrId ||= newCorrId();
  try {
    if (capsules !== undefined) tellUnread(exchange, error);
    refuse(exchange, toProblem(error, exchange.corrId, log));
  } catch (fault) {
    log.error("a refusal could not be written", { corrId: exchange.corrId, error: String(fault) });
    exchange.response.destroy();
  }
}

/** A file beside the index, or a refusal that names what the address does take. */
async function answerUnmatched(exchange: Exchange, { router, web }: Door): Promise<void> {
  const { method, isAlias } = exchange;
  const path = pathOf(exchange.url);
  const isRead = method === "GET" || method === "HEAD";
  const file = isRead && !isAlias ? await topLevelFile(path, web) : null;
  if (file !== null) return sendTopLevel(exchange, path, file);
  const allow = router.methodsOf(path);
  if (allow.length === 0) throw new Problem(NotFound, nothingAt(path, router));
  throw new Problem(MethodNotAllowed, `This address takes ${allow.join(", ")}.`, { allow });
}

/** Views are under `/state`; what an operation makes of a row, such as a snapshot, has an address of its own. */
const nothingAt = (path: string, router: Router<Route>): string =>
  path.startsWith("/state/") && router.methodsOf(path.slice("/state".length)).length > 0
    ? "There is nothing under this address, but there is without its /state."
    : "There is nothing under this address.";
