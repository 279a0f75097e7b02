/** A hub with two tools, whose calls from outside are recorded or not, in a process of its own. Started by `recording.ts`. */
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { createRedactor } from "../../src/base/redact.ts";
import type { Caller } from "../../src/contract/caller.ts";
import { bind, op } from "../../src/contract/operation.ts";
import { closed, Type } from "../../src/contract/schema.ts";
import { createWitness } from "../../src/domains/agents/outside.ts";
import { domainOf, makeKernel } from "../../test/kit/kernel.ts";
import { openDoor } from "../harness/door.ts";

const [kind = "", scratch = ""] = process.argv.slice(2);
const folder = join(scratch, kind);
mkdirSync(folder);
writeFileSync(join(folder, "note.md"), "What stands in a small file, line after line.\n".repeat(90));

const tool = (name: string) =>
  op({
    id: `bench.${name}`,
    http: `POST /bench/${name}`,
    effect: "read",
    isTool: true,
    about: "Answers what is there.",
    input: closed({ path: Type.String() }),
    output: closed({ text: Type.String() }),
    scope: ({ path }) => ({ path }),
  });
const run = promisify(execFile);
const domain = domainOf("bench", {
  operations: [
    bind(tool("read"), async ({ path }) => ({ text: await readFile(join(folder, path), "utf8") })),
    bind(tool("run"), async ({ path }) => ({ text: (await run("/bin/cat", [join(folder, path)])).stdout })),
  ],
});

const agent: Caller = { kind: "agent", id: "outside", grants: [{ key: "bench:*" }] };
const nothing = (): undefined => undefined;
const log = { info: nothing, warn: nothing, error: nothing };
const redactor = createRedactor();
const { kernel } = await makeKernel({
  store: openSqliteStore(join(folder, "hub.db")),
  clock: { ...systemClock, advance: nothing, setWall: nothing, nextInMs: () => null },
  identityOf: () => ({ identity: { identify: () => agent }, domain: domainOf("access", {}) }),
  domains: () => [domain],
  ...(kind === "recorded"
    ? {
        witness: (parts) => createWitness({ parts, redactor, log, always: new Set(), clock: systemClock }),
      }
    : {}),
});
const { port } = await openDoor(kernel);
process.send?.({ port });
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMs: (user + system) / 1000 });
});
// Ends with its parent, however that one ended.
process.on("disconnect", () => process.exit());
