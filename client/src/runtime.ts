/** What the generated client stands on: requests, problems and streams. Runs in browsers and in Node. */
import { resumingFrames } from "./resuming-frames.ts";
import { routeRequest } from "./route-request.ts";

/** RFC 9457 document with the hub's stable code; problems may carry more members. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** Correlation id. */
  readonly instance: string;
  readonly [extra: string]: unknown;
}

/** The hub answered with a problem. Anything else that is thrown is the network's, or the caller's abort. */
export class ArwProblem extends Error {
  readonly code: string;
  readonly status: number;
  readonly corrId: string;
  readonly document: ProblemDocument;
  /** After how many milliseconds a new try may succeed, where the hub said so. */
  readonly retryAfterMs: number | undefined;

  constructor(document: ProblemDocument, retryAfterMs?: number) {
    super(document.detail);
    this.name = "ArwProblem";
    this.code = document.code;
    this.status = document.status;
    this.corrId = document.instance;
    this.document = document;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The call waits until a person answers: nothing happened yet. */
export class ArwHeld extends Error {
  readonly approvalId: string;
  readonly corrId: string;

  constructor(approvalId: string, corrId: string) {
    super("The call waits for a person to allow it.");
    this.name = "ArwHeld";
    this.approvalId = approvalId;
    this.corrId = corrId;
  }
}

/** A job was queued; `corrId` joins everything that it does. */
export interface Accepted {
  readonly taskId: string;
  readonly corrId: string;
  readonly href: string;
}

export interface ClientOptions {
  /** `http://127.0.0.1:8090`; empty for the page's own origin. */
  readonly baseUrl: string;
  /** Left out in browsers, where the sign-in cookie travels by itself. */
  readonly token?: string;
  readonly fetch?: typeof globalThis.fetch;
  /** Pauses between tries of a broken stream. */
  readonly wait?: (delayMs: number, signal: AbortSignal | undefined) => Promise<void>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Joins the call to an episode that the caller names. */
  readonly corrId?: string;
}

export interface StreamOptions extends CallOptions {
  /** Tries without a frame between them before the break is thrown. */
  readonly triesMax?: number;
  /** Called with each frame's id, to go on from later. */
  readonly onId?: (id: string) => void;
}

export interface Runtime {
  /** Resolves with the operation's output. Rejects with `ArwProblem`, `ArwHeld`, the network's error or the abort reason. */
  call(route: string, input: object, options?: CallOptions): Promise<unknown>;
  /** Each item of a `many` operation; resumes by itself after a break. */
  stream(route: string, input: object, options?: StreamOptions): AsyncGenerator<unknown, void, undefined>;
}

export function createRuntime(client: ClientOptions): Runtime {
  const baseUrl = client.baseUrl.replace(/\/+$/, "");

  const send = async (route: string, input: object, extra: Sending): Promise<Response> => {
    const request = routeRequest(route, input as Readonly<Record<string, unknown>>);
    const headers = new Headers({ accept: extra.accept });
    if (client.token !== undefined) headers.set("authorization", `Bearer ${client.token}`);
    if (request.body !== undefined) headers.set("content-type", "application/json");
    if (extra.corrId !== undefined) headers.set("x-arw-corr", extra.corrId);
    if (extra.lastEventId !== undefined) headers.set("last-event-id", extra.lastEventId);
    const response = await (client.fetch ?? globalThis.fetch)(`${baseUrl}${request.path}`, {
      method: request.method,
      headers,
      credentials: "same-origin",
      // A hub never redirects; following one would carry the token to wherever it points.
      redirect: "error",
      ...(request.body === undefined ? {} : { body: request.body }),
      ...(extra.signal === undefined ? {} : { signal: extra.signal }),
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  };

  return {
    async call(route, input, options = {}) {
      const response = await send(route, input, {
        ...options,
        accept: "application/json, text/plain;q=0.9, */*;q=0.1",
      });
      if (!isJson(response)) return response.text();
      const body: unknown = await response.json();
      if (response.status === 202 && isRecord(body) && typeof body["approvalId"] === "string") {
        throw new ArwHeld(body["approvalId"], String(body["corrId"]));
      }
      return body;
    },
    async *stream(route, input, options = {}) {
      const { signal } = options;
      const frames = resumingFrames({
        open: async (lastEventId) => {
          const position = lastEventId === undefined ? input : withoutAfter(input);
          return bodyOf(await send(route, position, { ...options, accept: "text/event-stream", lastEventId }));
        },
        failureOf: (frame) =>
          frame.event === "problem" ? new ArwProblem(JSON.parse(frame.data) as ProblemDocument) : undefined,
        canRetry: (error) => !(error instanceof ArwProblem) || error.status >= 500 || error.status === 429,
        wait: (delayMs) => (client.wait ?? pause)(delayMs, signal),
        signal,
        ...(options.triesMax === undefined ? {} : { triesMax: options.triesMax }),
      });
      for await (const frame of frames) {
        if (frame.id !== "") options.onId?.(frame.id);
        yield JSON.parse(frame.data) as unknown;
      }
    },
  };
}

/** Where a stream began no longer counts once it got further: the last id says where to go on. */
function withoutAfter(input: object): object {
  const { after: _began, ...rest } = input as { readonly after?: unknown };
  return rest;
}

interface Sending extends CallOptions {
  readonly accept: string;
  readonly lastEventId?: string | undefined;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isJson = (response: Response): boolean => /[/+]json\b/.test(response.headers.get("content-type") ?? "");

async function problemOf(response: Response): Promise<ArwProblem> {
  const body: unknown = isJson(response) ? await response.json().catch(() => undefined) : undefined;
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  if (isRecord(body) && typeof body["code"] === "string" && typeof body["detail"] === "string") {
    return new ArwProblem(body as ProblemDocument, retryAfterMs);
  }
  // Not one of the hub's own answers: a proxy in between, or another program on the port.
  const document: ProblemDocument = {
    type: "about:blank",
    title: response.statusText || "Unexpected answer",
    status: response.status,
    code: "client.unexpected-answer",
    detail: `The address answered with status ${response.status}, and not in the way a hub does.`,
    instance: response.headers.get("x-arw-corr") ?? "",
  };
  return new ArwProblem(document, retryAfterMs);
}

/** The body as chunks. Browsers do not all iterate streams, so it is read by hand. */
async function* bodyOf(response: Response): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } finally {
    // Ends the request when the reader leaves early; after a break there is nothing left to end.
    await reader.cancel().catch(() => undefined);
  }
}

function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", leave);
      resolve();
    }, delayMs);
    if (signal?.aborted) leave();
    else signal?.addEventListener("abort", leave, { once: true });
  });
}
