/**
 * Clients of the benchmark on stopped readers, in a process of their own: some read and note how long each event took to
 * come, others never read anything after the head of the answer.
 */
import { connect, type Socket } from "node:net";
import { quantile } from "../harness/rows.ts";

export type Order =
  | { readonly kind: "read" | "stop"; readonly port: number; readonly path: string; readonly clients: number }
  /** Tell once every reader has had so many events. */
  | { readonly kind: "expect"; readonly events: number }
  /** Let go of those that never read. */
  | { readonly kind: "release" };

export type Word = { readonly kind: "open" } | { readonly kind: "seen"; readonly p99Ms: number };

/** Stands before the moment at which an event was given to the hub, on the clock that all processes of a machine share. */
export const sentMark = '"sentAtUs":';
/** Digits of a monotonic clock in microseconds, for longer than any machine runs. */
const digitsMax = 16;

const host = "127.0.0.1";
const nowUs = (): number => Number(process.hrtime.bigint() / 1000n);
const stopped = new Set<Socket>();
let readers = 0;
let expected = Number.POSITIVE_INFINITY;
let delaysMs: number[] = [];

const send = (word: Word): void => void process.send?.(word);

function report(): void {
  if (delaysMs.length < expected) return;
  send({ kind: "seen", p99Ms: quantile(delaysMs, 0.99) });
  delaysMs = [];
  expected = Number.POSITIVE_INFINITY;
}

/** Notes every event in the text; returns what may be the beginning of one that is cut. */
function note(text: string): string {
  const atUs = nowUs();
  let from = 0;
  for (let at = text.indexOf(sentMark); at !== -1; at = text.indexOf(sentMark, from)) {
    const end = text.indexOf("}", at);
    if (end === -1) return text.slice(at);
    delaysMs.push((atUs - Number(text.slice(at + sentMark.length, end))) / 1000);
    from = end;
  }
  return text.slice(Math.max(from, text.length - sentMark.length - digitsMax));
}

function open({ port, path }: { readonly port: number; readonly path: string }, isReader: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host);
    let rest: string | null = null;
    socket.setEncoding("latin1");
    socket.on("connect", () => socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`));
    // The hub cuts the stopped ones, and their system says so when they are let go.
    socket.on("error", isReader ? reject : () => undefined);
    if (!isReader) stopped.add(socket);
    socket.on("data", (text: string) => {
      if (rest === null) resolve();
      if (isReader) {
        rest = note((rest ?? "") + text);
        report();
      } else socket.pause();
    });
  });
}

process.on("message", (order: Order) => {
  if (order.kind === "expect") {
    expected = order.events * readers;
    report();
  } else if (order.kind === "release") {
    for (const socket of stopped) socket.destroy();
    stopped.clear();
  } else {
    const isReader = order.kind === "read";
    if (isReader) readers = order.clients;
    const opened = Array.from({ length: order.clients }, () => open(order, isReader));
    void Promise.all(opened).then(() => send({ kind: "open" }));
  }
});
