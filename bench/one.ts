/** Runs one benchmark in a process of its own and prints its rows as lines of JSON. Started by `run.ts`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benches } from "./list.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    long: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
  },
});
const load = benches[positionals[0] ?? ""];
if (load === undefined) throw new RangeError(`There is no benchmark ${positionals[0] ?? ""}.`);

const scratch = mkdtempSync(join(tmpdir(), "arw-bench-"));
const stops: (() => void | PromiseLike<void>)[] = [() => rmSync(scratch, { recursive: true, force: true })];
try {
  const bench = await load();
  const rows = await bench({
    isQuick: values.quick,
    isLong: values.long,
    rounds: Number(values.rounds),
    scratch,
    defer: (stop) => stops.push(stop),
  });
  for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
} finally {
  for (const stop of stops.toReversed()) await stop();
}
process.exit();
