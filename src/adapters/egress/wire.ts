/** The one client for what leaves the hub: one request, over one connection of its own, to an address that was looked at. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { pipeline, type Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { hostHeader } from "../../base/web-address.ts";
import { type Hop, type HopReply, type Wire, WireFault } from "../../domains/egress/port.ts";
import { nodeHttp } from "../system/late-node.ts";
import { openSocket, type Resolver, secure, systemResolver } from "./connect.ts";
import { createTrip, type Trip } from "./trip.ts";

/** Headers of an answer; servers that send more are broken or hostile. */
const headerBytesMax = 32_768;

export interface WireOptions {
  readonly resolver?: Resolver;
  /** Certificates to trust instead of those that Node brings along. */
  readonly certificates?: readonly string[];
}

export function createWire({ resolver = systemResolver, certificates }: WireOptions = {}): Wire {
  return {
    async resolve(host, { signal, timeoutMs }) {
      using trip = createTrip(signal);
      trip.within(timeoutMs, `looking up ${host}`);
      try {
        return await trip.step(resolver(host));
      } catch (error) {
        throw trip.fault(error, "name");
      }
    },
    async send(hop) {
      using trip = createTrip(hop.signal);
      try {
        return await carry(hop, { trip, resolver, certificates });
      } catch (error) {
        throw trip.fault(error, "broken");
      }
    },
  };
}

interface Means {
  readonly trip: Trip;
  readonly resolver: Resolver;
  readonly certificates: readonly string[] | undefined;
}

async function carry(hop: Hop, { trip, resolver, certificates }: Means): Promise<HopReply> {
  const { to, limits, isNearOpen } = hop;
  trip.within(limits.wholeMs, `the call to ${to.host}`);
  const socket = await openSocket(to, { trip, resolver, isNearOpen, timeoutMs: limits.connectMs });
  const inTime = trip.within(limits.firstByteMs, `waiting for ${to.host}`);
  const stream = to.scheme === "https" ? await trip.step(secure(socket, to, certificates)) : socket;
  const response = await trip.step(ask(hop, stream));
  inTime();
  const status = response.statusCode ?? 0;
  const { body, isCut } = await trip.step(read(response, { limits, sink: isRedirect(status) ? undefined : hop.sink }));
  return { status, headers: headersOf(response), body, isCut, ...trip.carried() };
}

/** Without an agent and with a connection of its own, Node asks no proxy and keeps nothing open. */
function ask({ to, method, headers, body }: Hop, stream: Socket): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { request: plainRequest } = nodeHttp();
    const request = plainRequest({
      createConnection: () => stream,
      method,
      path: to.path,
      setHost: false,
      maxHeaderSize: headerBytesMax,
      headers: {
        "accept-encoding": "gzip",
        ...Object.fromEntries(headers),
        host: hostHeader(to),
        connection: "close",
        ...(body === null ? {} : { "content-length": body.byteLength }),
      },
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      const isUnreadable = error.code?.startsWith("HPE_") === true;
      reject(isUnreadable ? new WireFault("protocol", `${to.host} does not speak HTTP`, { cause: error }) : error);
    });
    request.on("response", resolve);
    request.end(body ?? undefined);
  });
}

function headersOf({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  const flat = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(", ") : (value ?? ""),
  ]);
  return Object.fromEntries(flat) as Record<string, string>;
}

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** One coding, as was asked for. Several around each other only serve to make much of little. */
function decoded(response: IncomingMessage, bodyBytesMax: number): Readable {
  const coding = response.headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (coding === "identity" || coding === "") return response;
  const decoder = decoders[coding]?.();
  if (decoder === undefined) throw new WireFault("protocol", `the answer is encoded as ${coding.slice(0, 60)}`);
  let packedBytes = 0;
  response.on("data", (chunk: Buffer) => {
    packedBytes += chunk.byteLength;
    // Unpacked it would be longer still, unless it unpacks to nothing, on and on.
    if (packedBytes > bodyBytesMax)
      response.destroy(new WireFault("protocol", `the answer is over ${bodyBytesMax} bytes before it is unpacked`));
  });
  // The reader of the decoder hears of every error.
  pipeline(response, decoder, () => undefined);
  return decoder;
}

/** What stands beside the address of a redirect is for nobody. */
const isRedirect = (status: number): boolean => status >= 300 && status < 400;

/** Takes pieces as they come, and leaves, which closes the connection, once there are enough. */
async function read(
  response: IncomingMessage,
  { limits, sink }: Pick<Hop, "limits"> & { readonly sink: Hop["sink"] | undefined },
): Promise<{ body: Uint8Array; isCut: boolean }> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of decoded(response, limits.bodyBytesMax) as AsyncIterable<Buffer>) {
    const rest = limits.bodyBytesMax - sizeBytes;
    const piece = chunk.byteLength > rest ? chunk.subarray(0, rest) : chunk;
    sizeBytes += piece.byteLength;
    if (sink === undefined) chunks.push(piece);
    else {
      // Mostly nobody has to be waited for.
      const taken = sink(piece);
      if (taken !== undefined) await taken;
    }
    if (chunk.byteLength > rest) return { body: Buffer.concat(chunks), isCut: true };
  }
  return { body: Buffer.concat(chunks), isCut: false };
}
