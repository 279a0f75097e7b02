/** Serves the hub's tools over lines. Calls run beside one another, so many at once and no more. */
import { createLimiter } from "../../base/async.ts";
import { codes, errorText, type Message, readMessage } from "./messages.ts";
import type { Lines } from "./port.ts";
import { answerMessage, type ServeParts } from "./serve.ts";

/** A model asks for a few tools at a time. */
const callsMax = 32;

/** Resolves when the client left and every answer is written. */
export async function serveLines({ lines, write }: Lines, parts: ServeParts): Promise<void> {
  const limiter = createLimiter(callsMax);
  const busy = new Set<Promise<void>>();
  const running = new Map<string, AbortController>();
  for await (const line of lines) {
    if (line?.trim() === "") continue;
    const message = line === null ? tooLong : readMessage(line);
    if (message.kind === "notification") {
      if (message.method === "notifications/cancelled") running.get(keyOf(message.params["requestId"]))?.abort();
      continue;
    }
    const turn = limiter.run(() => answerLine(message, { write, parts, running }));
    busy.add(turn);
    void turn.finally(() => busy.delete(turn));
    // Reading waits where answers do: what is not read costs the client, and not this process.
    if (busy.size >= callsMax) await Promise.race(busy);
  }
  await Promise.all(busy);
}

const tooLong: Message = { kind: "fault", code: codes.invalid, message: "the message is too long", id: null };
const keyOf = (id: unknown): string => JSON.stringify(id ?? null);

interface Answering extends Pick<Lines, "write"> {
  readonly parts: ServeParts;
  /** Requests that are being answered, by their ids. */
  readonly running: Map<string, AbortController>;
}

async function answerLine(message: Message, { write, parts, running }: Answering): Promise<void> {
  const id = message.kind === "request" ? message.id : null;
  const stop = new AbortController();
  if (id !== null) running.set(keyOf(id), stop);
  const talk = { signal: stop.signal, tell: (text: string) => void write(text) };
  try {
    const answer = await answerMessage(message, parts, talk);
    // Whoever takes a request back waits for no answer.
    if (answer !== null && !stop.signal.aborted) await write(answer);
  } catch (error) {
    if (stop.signal.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    await write(errorText(id, { code: codes.unreachable, message: `ARW: ${reason}` }));
  } finally {
    if (id !== null && running.get(keyOf(id)) === stop) running.delete(keyOf(id));
  }
}
