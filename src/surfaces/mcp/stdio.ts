/** Serves the hub's tools over lines. Calls run beside one another, so many at once and no more. */
import { createLimiter } from "../../base/async.ts";
import { codes, errorText, readMessage } from "./messages.ts";
import type { Lines } from "./port.ts";
import { answerMessage, type ServeParts } from "./serve.ts";

/** A model asks for a few tools at a time. */
const callsMax = 32;

/** Resolves when the client left and every answer is written. */
export async function serveLines({ lines, write }: Lines, parts: ServeParts): Promise<void> {
  const limiter = createLimiter(callsMax);
  const busy = new Set<Promise<void>>();
  for await (const line of lines) {
    if (line?.trim() === "") continue;
    const turn = limiter.run(() => answerLine(line, { write, parts }));
    busy.add(turn);
    void turn.finally(() => busy.delete(turn));
    // Reading waits where answers do: what is not read costs the client, and not this process.
    if (busy.size >= callsMax) await Promise.race(busy);
  }
  await Promise.all(busy);
}

async function answerLine(
  line: string | null,
  { write, parts }: Pick<Lines, "write"> & { readonly parts: ServeParts },
): Promise<void> {
  if (line === null) return write(errorText(null, { code: codes.invalid, message: "the message is too long" }));
  const message = readMessage(line);
  try {
    const answer = await answerMessage(message, parts);
    if (answer !== null) await write(answer);
  } catch (error) {
    const id = message.kind === "request" ? message.id : null;
    const reason = error instanceof Error ? error.message : String(error);
    await write(errorText(id, { code: codes.unreachable, message: `ARW: ${reason}` }));
  }
}
