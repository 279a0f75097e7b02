/**
 * Makes the capsules of `examples/capsules`: `node tools/make-capsules.ts` runs a hub on a temporary directory, lets it work on
 * `examples/garden-notes`, and exports four runs. Capsules of a format that has none in `test/fixtures/capsules` yet are kept
 * there as well, and never made anew: the suite opens and replays every one of them with the program as it then is.
 */
import { strict as assert } from "node:assert";
import { copyFile, cp, mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { existsSync } from "node:fs";
import { loadConfig } from "../src/app/config/load.ts";
import { platformOf } from "../src/app/config/places.ts";
import { type OpenHub, openHub } from "../src/app/hub.ts";
import { programRoot } from "../src/app/state-dir.ts";
import { formatNewest } from "../src/domains/capsules/contract.ts";

/** They lie in the repository. */
const capsuleBytesMax = 150_000;
/** Reads until the run that would read for ever is stopped. */
const stoppedAfterReads = 12;
const caller = { kind: "person", id: "admin" } as const;

/** Opens the address that a stranger's letter names; the rules stand outside of it. */
const obedient = `name = "obey"
about = "Reads a letter and does what it says."

[[input]]
name = "folder"
kind = "folder"

[[step]]
id = "read"
about = "Read the letter"
tool = "text.outline"
input = { folder = "{{input.folder}}", paths = ["letters/seed-offer.md"], todayMs = "{{run.startedAtMs}}" }

[[step]]
id = "obey"
about = "Send to {{item.target}} what the letter asks for"
each = "{{steps.read.files.*.outline.links}}"
tool = "web.fetch"
input = { url = "{{item.target}}" }
`;

/** Changes a file, which a person is asked about with the exact difference. */
const asking = `name = "tick-off"
about = "Writes down that the tank is drained."

[[input]]
name = "folder"
kind = "folder"

[[step]]
id = "todo"
about = "Read the list"
tool = "fs.read"
input = { folder = "{{input.folder}}", path = "todo.md" }

[[step]]
id = "write"
about = "Add that the tank is drained"
tool = "fs.write"
input = { folder = "{{input.folder}}", path = "todo.md", text = "{{steps.todo.text}}- [x] Drain the water tank\\n" }
`;

const rounds = Array.from({ length: 24 }, (_each, round) => round + 1);
/** An agent that has lost its way: a thousand reads of the same few lines. */
const lost = `name = "thousand-steps"
about = "Looks at every line of a folder again and again."

[[input]]
name = "folder"
kind = "folder"

[[step]]
id = "lines"
about = "Find the lines"
tool = "fs.search"
input = { folder = "{{input.folder}}", words = "e", limit = 50 }
${rounds
  .map(
    (round) => `
[[step]]
id = "round${round}"
about = "Look at {{item.path}}:{{item.line}} again"
each = "{{steps.lines.found}}"
tool = "fs.read"
input = { folder = "{{input.folder}}", path = "{{item.path}}", fromLine = "{{item.line}}", lines = 1 }
`,
  )
  .join("")}`;

interface Maker {
  /** Begins a job and answers the capsule of its run, once that has ended. */
  make(name: string, operationId: string, input: object): Promise<string>;
}

function makerOf({ kernel }: OpenHub, folder: string): Maker {
  const call = async (operationId: string, input: unknown) =>
    await kernel.dispatch({ operationId, input, credentials: { kind: "caller", caller } });
  return {
    async make(name, operationId, input) {
      const ended = Promise.withResolvers<string>();
      let reads = 0;
      const stop = kernel.bus.listen(["agents.run.", "approvals.requested", "observations."], (event) => {
        const { kind, corrId, data } = event;
        if (kind === "approvals.requested")
          void call("approvals.decide", { approvalId: (data as { approvalId: string }).approvalId, decision: "allow" });
        if (kind === "observations.recorded" && ++reads === stoppedAfterReads && name === "stopped-loop")
          void call("agents.stop", { episode: corrId });
        if (/\.(?:finished|failed|cancelled)$/u.test(kind)) ended.resolve(corrId);
      });
      await call(operationId, input);
      const episode = await ended.promise;
      stop();
      const file = join(folder, `${name}.capsule`);
      await rm(file, { force: true });
      const { outcome } = await call("capsules.export", { episode, file });
      assert.ok(outcome.kind === "answer");
      const { size } = await stat(file);
      assert.ok(size <= capsuleBytesMax, `${name}: ${size} bytes are too many to keep`);
      return `${file}: ${size} bytes`;
    },
  };
}

async function makeCapsules(): Promise<readonly string[]> {
  const folder = join(programRoot(), "examples", "capsules");
  const base = await mkdtemp(join(tmpdir(), "arw-capsules-"));
  try {
    const notes = join(base, "garden-notes");
    await cp(join(programRoot(), "examples", "garden-notes"), notes, { recursive: true });
    await mkdir(folder, { recursive: true });
    const config = loadConfig({
      flags: { stateDir: join(base, "state"), port: "0" },
      env: {},
      platform: platformOf(process.platform),
      home: homedir(),
      workDir: base,
      programDir: base,
      readFile: () => null,
    });
    await using hub = await openHub({ config, givenToken: undefined, pid: process.pid });
    // What the hub is configured to is written down when it opens its door.
    await hub.listen();
    const { make } = makerOf(hub, folder);
    const recipe = (text: string) => ({ recipe: text, input: [`folder=${notes}`] });
    return [
      await make("brief", "scout.brief", { folder: notes, allowWrite: true }),
      await make("denied-injection", "recipes.run", recipe(obedient)),
      await make("approval", "recipes.run", recipe(asking)),
      await make("stopped-loop", "recipes.run", recipe(lost)),
      ...(await keepFixtures(folder)),
    ];
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

async function keepFixtures(folder: string): Promise<readonly string[]> {
  const kept = join(programRoot(), "test", "fixtures", "capsules", `v${formatNewest}`);
  if (existsSync(kept)) return [];
  await mkdir(kept, { recursive: true });
  const names = ["brief", "denied-injection", "approval", "stopped-loop"].map((name) => `${name}.capsule`);
  for (const name of names) await copyFile(join(folder, name), join(kept, name));
  return [`${kept}: ${names.length} capsules`];
}

if (import.meta.main) process.stdout.write(`${(await makeCapsules()).join("\n")}\n`);
