// A connector: takes the hub's events one by one, does something with each, and says when it is done. What it did not
// say stays with the hub and comes again, so nothing is lost when this program, the hub or the machine stops.
//   ARW_ADMIN_TOKEN=… node examples/connector.mjs events.jsonl [prefix…]
import { appendFile } from "node:fs/promises";

const hub = process.env.ARW_URL ?? "http://127.0.0.1:8090";
const name = process.env.ARW_CONSUMER ?? "connector";
const headers = { authorization: `Bearer ${process.env.ARW_ADMIN_TOKEN}`, "content-type": "application/json" };
const [file = "events.jsonl", ...prefix] = process.argv.slice(2);
const waitMs = 20_000; // How long one pull waits for something to do.
const retryMs = 1_000; // A pause before it asks again, when the hub was not there.
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop.abort());

async function post(path, body) {
  const answer = await fetch(`${hub}/consumers/${name}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(waitMs * 2)]),
  });
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(`${answer.status} ${problem.code}: ${problem.detail}`), { status: answer.status });
}

// The work itself. An event may come twice, so what it does must be harmless when it is done again: `seq` tells.
async function handle({ seq, event }) {
  await appendFile(file, `${JSON.stringify({ seq, kind: event.kind, data: event.data })}\n`);
}

async function pull() {
  const { messages } = await post("/pull", { count: 20, waitMs });
  for (const message of messages) {
    try {
      await handle(message);
      await post("/ack", { seqs: [message.seq] });
    } catch (error) {
      if (error.status !== undefined || stop.signal.aborted) throw error;
      await post("/nack", { seq: message.seq, delayMs: retryMs }); // Our own trouble: have it again later.
    }
  }
}

// Created once; after that this finds it again, with its place in the journal.
const create = () => post("", { start: "all", ackWaitMs: 5_000, ...(prefix.length > 0 ? { prefix } : {}) });
for (let isKnown = false; !stop.signal.aborted; ) {
  try {
    if (!isKnown) isKnown = Boolean(await create());
    await pull();
  } catch (error) {
    if (stop.signal.aborted) break;
    if (error.status >= 400 && error.status < 500 && error.status !== 429) throw error; // Asking again will not help.
    console.error(`waiting for the hub: ${error.message}`);
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}
