/** A collector of traces that believes nothing: it checks every request against the published schema before it counts. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { assertMessage, parseProto } from "./proto-json.ts";

const folder = join(import.meta.dirname, "..", "fixtures", "otlp");
const bodyBytesMax = 4_194_304;

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly moments: readonly string[];
}

export interface CollectorAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Collector extends AsyncDisposable {
  readonly endpoint: string;
  readonly port: number;
  /** Spans that were taken, in the order they came; one that came twice is here twice. */
  readonly spans: readonly ReceivedSpan[];
  readonly requests: readonly {
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
    readonly spans: number;
  }[];
  /** What was wrong with requests; a test that ends with any has failed. */
  readonly faults: readonly string[];
  /** Answers from now on; what is not answered with 2xx is not taken. */
  answer(next: () => CollectorAnswer): void;
}

/** `port` 0 takes any free one. */
export async function startCollector(port = 0): Promise<Collector> {
  const spans: ReceivedSpan[] = [];
  const requests: { headers: IncomingHttpHeaders; body: string; spans: number }[] = [];
  const faults: string[] = [];
  let answer: () => CollectorAnswer = () => ({ status: 200 });
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const bytes = await bodyOf(request);
    const { status, headers = {}, body = "{}" } = answer();
    try {
      const text = readBody(request, bytes);
      const received = spansOf(JSON.parse(text));
      requests.push({ headers: request.headers, body: text, spans: received.length });
      if (status >= 200 && status < 300) spans.push(...received);
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error));
    }
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
  };
  const server = createServer((request, response) => {
    take(request, response).catch((error: unknown) => void faults.push(String(error)));
  });
  await listening(server, port);
  const { port: taken } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${taken}`,
    port: taken,
    spans,
    requests,
    faults,
    answer(next) {
      answer = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const listening = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function readBody({ method, url, headers }: IncomingMessage, bytes: Buffer): string {
  assert.deepEqual([method, url], ["POST", "/v1/traces"]);
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["content-encoding"], "gzip");
  assert.equal(Number(headers["content-length"]), bytes.byteLength);
  return new TextDecoder("utf-8", { fatal: true }).decode(gunzipSync(bytes, { maxOutputLength: bodyBytesMax }));
}

const schema = () =>
  parseProto(
    ["common", "resource", "trace", "trace_service"].map((name) => readFileSync(join(folder, `${name}.proto`), "utf8")),
  );

/** Fails on whatever the schema forbids, and on what its comments call required. */
export function spansOf(request: unknown): readonly ReceivedSpan[] {
  assertMessage(schema(), { type: "ExportTraceServiceRequest", value: request, at: "$" });
  const { resourceSpans } = request as { readonly resourceSpans: readonly ResourceSpans[] };
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    assert.ok(String(plain(resource.attributes)["service.name"] ?? "") !== "", "the resource names its service");
    return scopeSpans.flatMap((scoped) => {
      assert.notEqual(scoped.scope.name, "");
      return scoped.spans.map(received);
    });
  });
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, string | number | boolean>>;
}
interface RawSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly events?: readonly {
    readonly name: string;
    readonly timeUnixNano: string;
    readonly attributes?: readonly KeyValue[];
  }[];
  readonly status?: { readonly code?: number };
}
interface ResourceSpans {
  readonly resource: { readonly attributes: readonly KeyValue[] };
  readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly RawSpan[] }[];
}

const statusError = 2;
const nanosecondsPerMs = 1_000_000n;
const msOf = (nanoseconds: string): number => Number(BigInt(nanoseconds) / nanosecondsPerMs);

function received(span: RawSpan): ReceivedSpan {
  assert.ok(span.traceId !== undefined && span.spanId !== undefined, "a span has its ids");
  assert.notEqual(span.name, "", "a span has a name");
  assert.notEqual(span.kind, 0, "a span has a kind");
  assert.notEqual(span.parentSpanId, span.spanId, "a span is not its own parent");
  assert.ok(BigInt(span.startTimeUnixNano) > 0n && BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano));
  for (const each of span.events ?? []) plain(each.attributes ?? []);
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? null,
    name: span.name,
    startMs: msOf(span.startTimeUnixNano),
    endMs: msOf(span.endTimeUnixNano),
    isError: span.status?.code === statusError,
    attributes: plain(span.attributes),
    moments: (span.events ?? []).map((each) => each.name),
  };
}

/** Keys are unique and not empty, and every value is there. */
function plain(attributes: readonly KeyValue[]): Readonly<Record<string, string | number | boolean>> {
  const entries = attributes.map(({ key, value }) => {
    const [[type, given] = ["", ""]] = Object.entries(value);
    assert.notEqual(key, "");
    assert.notEqual(type, "", `${key} has a value`);
    return [key, type === "intValue" ? Number(given) : given] as const;
  });
  assert.equal(new Set(entries.map(([key]) => key)).size, entries.length, "attribute keys are unique");
  return Object.fromEntries(entries);
}
