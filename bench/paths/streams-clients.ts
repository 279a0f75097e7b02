/** The clients of the stream benchmark, in a process of their own: they read, and say when each has seen the last event. */
import { connect, type Socket } from "node:net";

interface Order {
  readonly port: number;
  readonly path: string;
  readonly clients: number;
  /** Text that only the last event of a lap holds. */
  readonly mark: string;
}

const host = "127.0.0.1";
const send = (message: object): void => void process.send?.(message);

function read(order: Order, onMark: () => void): Promise<Socket> {
  const mark = Buffer.from(order.mark);
  return new Promise((resolve, reject) => {
    const socket = connect(order.port, host);
    let tail = Buffer.alloc(0);
    let isOpen = false;
    socket.on("error", reject);
    socket.on("connect", () => socket.write(`GET ${order.path} HTTP/1.1\r\nHost: ${host}:${order.port}\r\n\r\n`));
    socket.on("data", (bytes: Buffer) => {
      if (!isOpen) {
        isOpen = true;
        resolve(socket);
      }
      const joined = tail.length === 0 ? bytes : Buffer.concat([tail, bytes]);
      if (joined.includes(mark)) onMark();
      // What a mark cut in two by the end of a chunk would leave there. A whole one is never seen twice.
      tail = Buffer.from(bytes.subarray(Math.max(0, bytes.length - mark.length + 1)));
    });
  });
}

process.on("message", (order: Order) => {
  let seen = 0;
  const onMark = (): void => {
    seen += 1;
    if (seen < order.clients) return;
    seen = 0;
    send({ kind: "seen" });
  };
  void Promise.all(Array.from({ length: order.clients }, () => read(order, onMark))).then(() => send({ kind: "open" }));
});
