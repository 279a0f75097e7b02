/** Reaches a hub that runs, over HTTP. Routes come from the table. */
import { resumingFrames } from "../../base/resuming-frames.ts";
import { routeRequest } from "../../base/route-request.ts";
import type { ProblemDocument } from "../../contract/problem.ts";
import type { Table } from "../../kernel/kernel.ts";
import { CallFailed, type CallResult, HubUnreachable, type Input, type Transport } from "./port.ts";

export interface HttpOptions {
  readonly operations: Table["operations"];
  readonly baseUrl: string;
  readonly token: string | undefined;
  readonly send: typeof fetch;
  wait(delayMs: number, signal: AbortSignal): Promise<void>;
  /** Tries to take up a stream again before giving up; for whoever looks for the hub anew after that. */
  readonly streamTriesMax?: number | undefined;
}

export function createHttpTransport(options: HttpOptions): Transport {
  const routeOf = (operationId: string): string => {
    const bound = options.operations.get(operationId);
    if (bound === undefined) throw new RangeError(`The table has no ${operationId}.`);
    return bound.operation.http;
  };
  return {
    async call(operationId, input, signal) {
      const response = await request(options, {
        route: routeOf(operationId),
        input,
        signal,
        accept: "application/json, */*;q=0.5",
      });
      return resultOf(response.status, isJson(response) ? await response.json() : await response.text());
    },
    async *stream(operationId, input, signal) {
      const route = routeOf(operationId);
      const frames = resumingFrames({
        open: async (lastEventId) => {
          const position = lastEventId === undefined ? input : { ...input, after: undefined };
          return bytesOf(
            await request(options, { route, input: position, signal, accept: "text/event-stream", lastEventId }),
          );
        },
        canRetry: (error) =>
          !(error instanceof CallFailed) || error.document.status >= 500 || error.document.status === 429,
        failureOf: (frame) =>
          frame.event === "problem" ? new CallFailed(JSON.parse(frame.data) as ProblemDocument) : undefined,
        wait: (delayMs) => options.wait(delayMs, signal),
        signal,
        ...(options.streamTriesMax === undefined ? {} : { triesMax: options.streamTriesMax }),
      });
      for await (const frame of frames) yield JSON.parse(frame.data) as unknown;
    },
    async [Symbol.asyncDispose]() {},
  };
}

interface Request {
  readonly route: string;
  readonly input: Input;
  readonly signal: AbortSignal;
  readonly accept: string;
  readonly lastEventId?: string | undefined;
}

async function request(
  options: HttpOptions,
  { route, input, signal, accept, lastEventId }: Request,
): Promise<Response> {
  const { method, path, body } = routeRequest(route, input);
  const headers: Record<string, string> = { accept };
  if (options.token !== undefined) headers["authorization"] = `Bearer ${options.token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  if (lastEventId !== undefined) headers["last-event-id"] = lastEventId;
  let response: Response;
  try {
    // A hub never redirects; following one would carry the token to wherever it points.
    const init = { method, headers, signal, redirect: "error" as const, ...(body === undefined ? {} : { body }) };
    response = await options.send(`${options.baseUrl}${path}`, init);
  } catch (error) {
    signal.throwIfAborted();
    throw new HubUnreachable(options.baseUrl, { cause: error });
  }
  if (!response.ok) throw new CallFailed(await problemOf(response, options.baseUrl));
  return response;
}

const isJson = (response: Response): boolean => /[/+]json\b/u.test(response.headers.get("content-type") ?? "");
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Accepted and held calls both answer 202, in shapes that differ. */
function resultOf(status: number, body: unknown): CallResult {
  if (status === 202 && isRecord(body)) {
    const corrId = String(body["corrId"]);
    if (typeof body["approvalId"] === "string") return { kind: "held", approvalId: body["approvalId"], corrId };
    if (typeof body["taskId"] === "string") return { kind: "accepted", taskId: body["taskId"], corrId };
  }
  return { kind: "answer", output: body };
}

async function problemOf(response: Response, baseUrl: string): Promise<ProblemDocument> {
  const body: unknown = isJson(response) ? await response.json() : undefined;
  // The hub's own refusals have a code and a detail; anything else comes from another program.
  if (isRecord(body) && typeof body["code"] === "string" && typeof body["detail"] === "string")
    return body as ProblemDocument;
  return {
    type: "about:blank",
    title: "Not a hub",
    status: response.status,
    code: "cli.not-a-hub",
    detail: `${baseUrl} answered with status ${response.status}, and not in the way a hub does. Another program may use this port.`,
    instance: "",
  };
}

async function* bytesOf(response: Response): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } finally {
    // Ends the request when the reader leaves early; after a break there is nothing left to end.
    await reader.cancel().catch(() => undefined);
  }
}
