/** A model server on this machine that speaks the OpenAI-compatible protocol and says what it is told to say. */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { serveHttp } from "./loopback-server.ts";

export interface ModelServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: { readonly path: string; readonly headers: IncomingMessage["headers"]; readonly body: unknown }[];
  readonly open: () => number;
}

export type Reply = (response: ServerResponse, body: Record<string, unknown>) => void | Promise<void>;

export const modelName = "tiny";

/** `replies` stand for a path; what they leave out is answered as a well-behaved server does. */
export async function serveModel(replies: Readonly<Record<string, Reply>> = {}): Promise<ModelServer> {
  const requests: { path: string; headers: IncomingMessage["headers"]; body: unknown }[] = [];
  let open = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const body = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
    const path = request.url ?? "";
    requests.push({ path, headers: request.headers, body });
    open += 1;
    response.on("close", () => {
      open -= 1;
    });
    await (replies[path] ?? ordinary[path] ?? unknown)(response, body);
  };
  const server = await serveHttp((request, response) => void answer(request, response));
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    requests,
    open: () => open,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

export const json = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
};

/** Written piece by piece; the other side sees each on its own. */
export async function frames(response: ServerResponse, list: readonly unknown[]): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const each of list) {
    if (response.destroyed) return;
    const isTaken = response.write(`data: ${typeof each === "string" ? each : JSON.stringify(each)}\n\n`);
    if (!isTaken) await Promise.race([once(response, "drain"), once(response, "close")]);
  }
  response.end();
}

const choice = (given: Record<string, unknown>, finish: string | null = null) => ({
  choices: [{ index: 0, ...given, finish_reason: finish }],
});
const usage = { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } };
const absent: Reply = (response) =>
  json(response, { error: { message: "The model `nobody` does not exist", code: "model_not_found" } }, 404);
const unknown: Reply = (response) => json(response, { error: { message: "no such path" } }, 404);

const lastText = ({ messages, prompt }: Record<string, unknown>): string =>
  String(prompt ?? (messages as { content: unknown }[]).at(-1)?.content).replace(/^say /, "");

const ordinary: Readonly<Record<string, Reply>> = {
  "/v1/models": (response) => json(response, { object: "list", data: [{ id: modelName, object: "model" }] }),
  "/health": (response) => json(response, { status: "ok" }),
  "/v1/chat/completions": (response, body) => {
    if (body["model"] !== modelName) return absent(response, body);
    if (body["tools"] !== undefined) {
      const call = (given: object) => choice({ delta: { tool_calls: [{ index: 0, ...given }] } });
      return frames(response, [
        choice({ delta: { role: "assistant", content: null } }),
        call({ id: "call_1", type: "function", function: { name: "weather", arguments: "" } }),
        call({ function: { arguments: '{"city":' } }),
        call({ function: { arguments: '"Oslo"}' } }),
        choice({ delta: {} }, "tool_calls"),
        usage,
        "[DONE]",
      ]);
    }
    const pieces = lastText(body).match(/[\s\S]{1,2}/gu) ?? [];
    const deltas = pieces.map((content) => choice({ delta: { content } }));
    return frames(response, [...deltas, choice({ delta: {} }, "stop"), usage, "[DONE]"]);
  },
  "/v1/completions": (response, body) => {
    const pieces = lastText(body).match(/[\s\S]{1,2}/gu) ?? [];
    return frames(response, [...pieces.map((text) => choice({ text })), choice({ text: "" }, "stop"), usage, "[DONE]"]);
  },
  "/v1/embeddings": (response, body) => {
    const texts = body["input"] as string[];
    const data = texts.map((text, index) => ({ index, embedding: [text.length, 3, 4] }));
    json(response, { data: data.toReversed(), usage: { prompt_tokens: 4, total_tokens: 4 } });
  },
  "/v1/rerank": (response, body) => {
    const { query, documents } = body as { query: string; documents: string[] };
    json(response, {
      results: documents.map((each, index) => ({ index, relevance_score: each === query ? 0.9 : -3 })),
    });
  },
  "/tokenize": (response, body) => {
    const text = String(body["content"] ?? body["prompt"]);
    json(response, { tokens: [...Buffer.from(text)] });
  },
};
