/**
 * The loopback proxy for child processes that honour `HTTP_PROXY`. Each child has a credential of its own; whatever it opens is
 * passed or refused by whoever admitted it, and goes over the same checked connections as all that leaves the hub.
 */
import { createHash } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo, ListenOptions, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import type { Duplex } from "node:stream";
import { finished } from "node:stream/promises";
import { hostHeader, parseEndpoint, parseWebAddress, type WebAddress } from "../../base/web-address.ts";
import { isProblem } from "../../contract/problem.ts";
import {
  forwarderPort,
  type ProxyChild,
  type ProxyDoor,
  type ProxyPass,
  WireFault,
} from "../../domains/egress/port.ts";
import { nodeHttp } from "../system/late-node.ts";
import { count, createCounted } from "./counted.ts";
import { openSocket, type Resolver, systemResolver } from "./connect.ts";
import { createTrip, type Trip } from "./trip.ts";

export interface ProxyOptions {
  readonly randomBytes: (count: number) => Uint8Array;
  readonly resolver?: Resolver;
  readonly limits?: Partial<ProxyLimits>;
}

export interface ProxyLimits {
  readonly connectMs: number;
  /** A connection on which nothing moves is closed. */
  readonly idleMs: number;
  readonly wholeMs: number;
  /** Each way. */
  readonly bytesMax: number;
}

/** Downloads of packages take minutes and are gigabytes at most; whoever needs more asks the hub itself. */
const limitsDefault: ProxyLimits = { connectMs: 10_000, idleMs: 120_000, wholeMs: 3_600_000, bytesMax: 4_000_000_000 };
/** Of all children together. A browser opens some dozens. */
const connectionsMax = 128;
const headerBytesMax = 32_768;
const secretBytes = 24;

interface Children {
  of(headers: IncomingMessage["headers"]): ProxyChild | null;
}

export function createProxyDoor({ randomBytes, resolver = systemResolver, limits }: ProxyOptions): ProxyDoor {
  // Under the digests of their credentials, so that a look-up tells nothing by the time it takes.
  const known = new Map<string, ProxyChild>();
  const means: Means = {
    resolver,
    limits: { ...limitsDefault, ...limits },
    children: { of: (headers) => known.get(digestOf(headers["proxy-authorization"] ?? "")) ?? null },
  };
  let loopback: Promise<Opened> | null = null;
  let socket: Promise<Opened> | null = null;
  return {
    async admit(child, way = "loopback") {
      const isSocket = way === "socket";
      const { port, socketPath } = await (isSocket
        ? (socket ??= openSocketFile(means))
        : (loopback ??= openLoopback(means)));
      const secret = Buffer.from(randomBytes(secretBytes)).toString("base64url");
      const digest = digestOf(`Basic ${Buffer.from(`arw:${secret}`).toString("base64")}`);
      known.set(digest, child);
      return { url: `http://arw:${secret}@127.0.0.1:${port}`, socketPath, leave: () => void known.delete(digest) };
    },
    async [Symbol.asyncDispose]() {
      known.clear();
      const opened = [loopback, socket];
      loopback = null;
      socket = null;
      // One that could not be opened has nothing to close.
      for (const each of opened) await (await each?.catch(() => null))?.close();
    },
  };
}

const digestOf = (text: string): string => createHash("sha256").update(text).digest("base64");

interface Means {
  readonly resolver: Resolver;
  readonly limits: ProxyLimits;
  readonly children: Children;
}

interface Opened {
  readonly port: number;
  readonly socketPath: string | null;
  close(): Promise<void>;
}

async function openLoopback(means: Means): Promise<Opened> {
  const { server, close } = await listen(means, { port: 0, host: "127.0.0.1" });
  return { port: (server.address() as AddressInfo).port, socketPath: null, close };
}

/** In a folder that only the user who runs the hub may enter. It is not the state directory: paths of sockets are short. */
async function openSocketFile(means: Means): Promise<Opened> {
  const folder = await mkdtemp(joinPath(tmpdir(), "arw-proxy-"));
  const socketPath = joinPath(folder, "socket");
  const { close } = await listen(means, { path: socketPath });
  return {
    port: forwarderPort,
    socketPath,
    async close() {
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function listen(means: Means, at: ListenOptions): Promise<{ readonly server: Server; close(): Promise<void> }> {
  const server: Server = nodeHttp().createServer({ maxHeaderSize: headerBytesMax }, (request, response) => {
    void forward(request, response, means);
  });
  const sockets = new Set<Duplex>();
  server.maxConnections = connectionsMax;
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("connect", (request, socket, head) => void tunnel(request, { socket, head, means }));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at, resolve);
  });
  // The proxy alone keeps no process alive.
  server.unref();
  return {
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

interface Way {
  readonly to: WebAddress;
  readonly pass: ProxyPass;
  readonly trip: Trip;
  readonly means: Means;
}

/** What a child is told in place of what it asked for. */
interface Refusal {
  readonly status: number;
  readonly text: string;
}

/** Finds who asks and whether they may; walks the way; and tells how it ended, whatever happened. */
async function walk(
  asked: { readonly request: IncomingMessage; readonly to: WebAddress | null; readonly means: Means },
  go: (way: Way) => Promise<number>,
): Promise<Refusal | null> {
  const { request, to, means } = asked;
  const child = means.children.of(request.headers);
  if (child === null) return { status: 407, text: "This proxy wants the credential that the hub gave to its child." };
  if (to === null) return { status: 400, text: "This is no address to go to." };
  const given = await child.pass(to, request.method ?? "GET").catch((error: unknown) => refusalOf(error));
  if ("text" in given) return given;
  using trip = createTrip(given.signal);
  trip.within(means.limits.wholeMs, `the connection to ${to.host}`);
  try {
    const status = await go({ to, pass: given, trip, means });
    await given.ended({ ...trip.carried(), status }, null);
    return null;
  } catch (error) {
    const fault = trip.fault(error, "broken");
    await given.ended({ ...fault.carried, status: null }, fault);
    // Where names of the inside lead is not the child's to know.
    if (fault.reason === "address") return { status: 403, text: `${to.host} leads to an address that is not open.` };
    return { status: fault.reason === "slow" ? 504 : 502, text: fault.message };
  }
}

function refusalOf(error: unknown): Refusal {
  if (isProblem(error)) return { status: error.definition.status, text: error.message };
  return { status: 500, text: "The hub could not decide." };
}

const socketOf = ({ to, pass, trip, means }: Way): Promise<Socket> =>
  openSocket(to, {
    trip,
    resolver: means.resolver,
    isNearOpen: pass.isNearOpen,
    timeoutMs: means.limits.connectMs,
  });

async function tunnel(
  request: IncomingMessage,
  { socket, head, means }: { readonly socket: Duplex; readonly head: Buffer; readonly means: Means },
): Promise<void> {
  const to = parseEndpoint(request.url ?? "") === null ? "" : parseWebAddress(`https://${request.url ?? ""}/`);
  let isThrough = false;
  const refusal = await walk({ request, to: typeof to === "string" ? null : to, means }, async (way) => {
    const far = await socketOf(way);
    isThrough = true;
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    const out = createCounted(way.pass.sends);
    if (head.byteLength > 0) out.write(head);
    await way.trip.step(join({ near: socket, out, far }, means.limits));
    return 200;
  }).catch(() => ({ status: 500, text: "The hub failed." }));
  // Words of ours in what the other side said would be taken for its own.
  if (refusal === null || isThrough) socket.destroy();
  else socket.end(refusalText(refusal));
}

function refusalText({ status, text }: Refusal): string {
  const body = `${text}\n`;
  const challenge = status === 407 ? 'Proxy-Authenticate: Basic realm="arw"\r\n' : "";
  return `HTTP/1.1 ${status} Refused\r\n${challenge}Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}

/** Bytes both ways, until one side is done, nothing moves any more, or there were too many. */
async function join(
  { near, out, far }: { readonly near: Duplex; readonly out: Duplex; readonly far: Socket },
  limits: ProxyLimits,
): Promise<void> {
  const idle = new Promise<never>((_resolve, reject) => {
    far.setTimeout(limits.idleMs, () => reject(new WireFault("slow", `nothing moved for ${limits.idleMs} ms`)));
    for (const side of [near, far]) side.on("data", () => tooMany(far, limits) && reject(fullFault(limits)));
    out.on("error", reject);
  });
  near.pipe(out).pipe(far);
  far.pipe(near);
  const quiet = (stream: Duplex): Promise<void> => finished(stream).catch(() => undefined);
  await Promise.race([idle, Promise.all([quiet(near), quiet(far)])]);
}

const tooMany = ({ bytesRead, bytesWritten }: Socket, { bytesMax }: ProxyLimits): boolean =>
  bytesRead > bytesMax || bytesWritten > bytesMax;
const fullFault = ({ bytesMax }: ProxyLimits): WireFault =>
  new WireFault("ended", `the connection carried over ${bytesMax} bytes`);

/** Headers that speak of one connection, and not of what is asked for. */
const ownHeaders = new Set([
  "connection",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

function passedOn(headers: IncomingMessage["headers"]): Record<string, string | readonly string[]> {
  const named = new Set((headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase()));
  return Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string | string[]] =>
        entry[1] !== undefined && !ownHeaders.has(entry[0]) && !named.has(entry[0]),
    ),
  );
}

async function forward(request: IncomingMessage, response: ServerResponse, means: Means): Promise<void> {
  const parsed = (request.url ?? "").startsWith("http://") ? parseWebAddress(request.url ?? "") : "";
  const to = typeof parsed === "string" ? null : parsed;
  const refusal = await walk({ request, to, means }, (way) => exchange(request, response, way)).catch(() => ({
    status: 500,
    text: "The hub failed.",
  }));
  if (refusal === null) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const challenge = refusal.status === 407 ? { "proxy-authenticate": 'Basic realm="arw"' } : {};
  response.writeHead(refusal.status, {
    "content-type": "text/plain; charset=utf-8",
    connection: "close",
    ...challenge,
  });
  response.end(`${refusal.text}\n`);
}

/** Around a piece of a body whose length was not said. */
const frameBytes = 16;
/** The rest of the first line, and what ends the headers and says how a body comes. */
const headRestBytes = 64;

const headBytesOf = (line: string, headers: Readonly<Record<string, string | readonly string[]>>): number =>
  Object.entries(headers)
    .flatMap(([name, values]) => [values].flat().map((value) => `${name}: ${value}\r\n`))
    .reduce((bytes, each) => bytes + Buffer.byteLength(each), Buffer.byteLength(line) + headRestBytes);

async function exchange(request: IncomingMessage, response: ServerResponse, way: Way): Promise<number> {
  const { to, pass, trip, means } = way;
  const method = request.method ?? "GET";
  const headers = { ...passedOn(request.headers), host: hostHeader(to), connection: "close" };
  await trip.step(count(pass.sends, headBytesOf(`${method} ${to.path}`, headers)));
  const far = await socketOf(way);
  const out = createCounted(pass.sends, request.headers["content-length"] === undefined ? frameBytes : 0);
  const over = new Promise<never>((_resolve, reject) => {
    far.setTimeout(means.limits.idleMs, () =>
      reject(new WireFault("slow", `nothing moved for ${means.limits.idleMs} ms`)),
    );
    far.on("data", () => tooMany(far, means.limits) && reject(fullFault(means.limits)));
    request.on("data", () => tooMany(far, means.limits) && reject(fullFault(means.limits)));
    out.on("error", reject);
  });
  const { request: plainRequest } = nodeHttp();
  const asked = plainRequest({
    createConnection: () => far,
    method,
    path: to.path,
    setHost: false,
    maxHeaderSize: headerBytesMax,
    headers,
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    asked.on("response", resolve);
    asked.on("error", reject);
  });
  request.pipe(out).pipe(asked);
  const answer = await trip.step(Promise.race([over, answered]));
  response.writeHead(answer.statusCode ?? 502, passedOn(answer.headers) as Record<string, string | string[]>);
  answer.pipe(response);
  await trip.step(Promise.race([over, finished(response)]));
  return answer.statusCode ?? 0;
}
