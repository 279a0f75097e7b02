import assert from "node:assert/strict";
import { PassThrough, Readable } from "node:stream";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { startServer } from "./child.ts";
import { createLines } from "./lines.ts";

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}

const linesOf = (chunks: readonly Uint8Array[], lengthMax = 1000) =>
  all(createLines({ input: Readable.from(chunks), output: new PassThrough(), lengthMax }).lines);

test("lines are whole wherever the pipe cuts them, also inside a character", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme" }), { maxLength: 6 }),
      fc.array(fc.nat(9), { maxLength: 12 }),
      async (texts, cuts) => {
        const lines = texts.map((text) => JSON.stringify(text));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) chunks.push(bytes.subarray(at, (at += cut)));
        assert.deepEqual(await linesOf([...chunks, bytes.subarray(at)], 1_000_000), lines);
      },
    ),
    runs(100),
  );
});

test("what is too long is skipped to its end, and costs no memory", async () => {
  const long = Buffer.alloc(100, "x");
  const chunks = [Buffer.from("a\n"), ...Array.from({ length: 50 }, () => long), Buffer.from("\nb\nc")];
  assert.deepEqual(await linesOf(chunks), ["a", null, "b", "c"]);
  assert.deepEqual(await linesOf([Buffer.alloc(2000, "y")]), [null]);
});

test("lines are written in order, and nobody waits for a reader that is gone", async () => {
  const output = new PassThrough({ highWaterMark: 4 });
  const { write, close } = createLines({ input: Readable.from([]), output, lengthMax: 10 });
  const writing = Promise.all([write("one"), write("two"), write("three")]).then(close);
  const text = (await all(output)).join("");
  await writing;
  assert.equal(text, "one\ntwo\nthree\n");
  const gone = new PassThrough({ highWaterMark: 1 });
  const left = createLines({ input: Readable.from([]), output: gone, lengthMax: 10 });
  const stuck = left.write("never read");
  gone.destroy(new RangeError("gone"));
  await stuck;
  await left.write("more");
  await left.close();
});

const node = process.execPath;
const options = { lengthMax: 1000, env: { PATH: process.env["PATH"] } };

test("a server speaks over its pipes, gets no more than its variables, and ends when its input does", async () => {
  const script = 'process.stdin.pipe(process.stdout); console.log(Object.keys(process.env).includes("HOME"))';
  const server = startServer([node, "-e", script], options);
  await server.write("hello");
  const read = all(server.lines);
  await server.close();
  assert.deepEqual(await read, ["false", "hello"]);
  assert.match(await server.ended, /code 0/);
});

test("one that does not listen is ended, with what it started", async () => {
  const script = 'process.on("SIGTERM", () => process.exit(7)); setInterval(() => {}, 1e6); console.log("up")';
  const server = startServer([node, "-e", script], { ...options, graceMs: 200 });
  for await (const line of server.lines) {
    assert.equal(line, "up");
    break;
  }
  await server.close();
  assert.match(await server.ended, /code 7/);
});

test("a command that is none says so", async () => {
  const server = startServer(["/no/such/program"], options);
  assert.match(await server.ended, /does not start: program not found/);
  assert.deepEqual(await all(server.lines), []);
  await server.write("x");
  await server.close();
});
