/** The servers around P11, each in a process of its own: the model server, and the relay that one writes first. Started by `relay.ts`. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";
import { once } from "node:events";

const [kind = "", upstream = ""] = process.argv.slice(2);
/** Tokens between two turns of the loop: a model that is much quicker than any. */
const tokensAtOnce = 4;
const sse = { "content-type": "text/event-stream", "cache-control": "no-cache" };

/** One token, as servers of this protocol write it, with the moment it was written. */
function tokenFrame(index: number): string {
  const content = `tok${index}@${(performance.timeOrigin + performance.now()).toFixed(3)} `;
  const choices = [{ index: 0, delta: { content }, logprobs: null, finish_reason: null }];
  const chunk = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_760_000_000, model: "tiny", choices };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

/** Counts and pace stand in the seed and the limit, so that any relay passes them on. */
async function model(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  const { max_tokens: tokens, seed: gapMs } = JSON.parse(text) as { max_tokens: number; seed: number };
  response.writeHead(200, sse);
  for (let index = 0; index < tokens && !response.destroyed; index += 1) {
    const isTaken = response.write(tokenFrame(index));
    if (gapMs > 0) await wait(gapMs);
    else if (!isTaken) await once(response, "drain");
    else if (index % tokensAtOnce === tokensAtOnce - 1) await turn();
  }
  const usage = { prompt_tokens: 1, completion_tokens: tokens, total_tokens: tokens + 1 };
  response.write('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n');
  response.end(`data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`);
}

/** Fetch, decode, cut at empty lines, parse, write anew. */
async function relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  const { body } = await fetch(`${upstream}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: text,
  });
  response.writeHead(body === null ? 502 : 200, sse);
  let rest = "";
  for await (const piece of (body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    rest += piece;
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 2);
      if (line.startsWith("data: [")) continue;
      response.write(`data: ${JSON.stringify(JSON.parse(line.slice(6)))}\n\n`);
    }
  }
  response.end("data: [DONE]\n\n");
}

const serve = kind === "model" ? model : relay;
const server = createServer((request, response) => void serve(request, response));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.({ port: typeof address === "object" && address !== null ? address.port : 0 });
});
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMs: (user + system) / 1000 });
});
// Ends with its parent, however that one ended.
process.on("disconnect", () => process.exit());
