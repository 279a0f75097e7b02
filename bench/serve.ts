/** One HTTP contestant in a process of its own; tells its port to its parent. Started by `paths/http.ts`. */
import Fastify from "fastify";
import { join } from "node:path";
import { createSystemChance, systemClock } from "../src/adapters/system/clock.ts";
import { createAccess } from "../src/domains/access/service.ts";
import { tokenHash } from "../src/domains/access/port.ts";
import { createDenyGate } from "../src/domains/gating/service.ts";
import { openDoor } from "./harness/door.ts";
import { openSubject, RunTool } from "./harness/subject.ts";

const [kind = "", scratch = "", token = ""] = process.argv.slice(2);
const denyRules = 1000;

/** The hub's door before a real kernel: token, a thousand rules, schemas both ways, sample and metrics. */
async function serveHub(): Promise<number> {
  const chance = createSystemChance();
  const salt = "5a".repeat(32);
  const nothing = (): undefined => undefined;
  const log = { info: nothing, warn: nothing, error: nothing };
  const access = createAccess({
    token: { salt, hash: tokenHash(salt, token) },
    sessions: { stored: [], store: { save: async () => undefined } },
    randomBytes: chance.randomBytes,
    tokens: { stored: { salt, tokens: [] }, store: { save: async () => undefined } },
    clock: systemClock,
    log,
    // Counted as always, and never reached.
    rates: { admin: { limit: 100_000, windowMs: 1 }, reads: { limit: 100_000, windowMs: 1 } },
    learnSecrets: nothing,
  });
  const gate = createDenyGate(
    Array.from({ length: denyRules }, (_, index) => ({
      pattern: `area${index % 50}:verb${index}${index % 2 === 0 ? "" : "*"}`,
      source: "config:gate.deny",
    })),
    systemClock,
  );
  const { kernel } = await openSubject({ path: join(scratch, "http.db"), identity: access.identity, gate });
  const { port } = await openDoor(kernel);
  return port;
}

/** The same input and output schemas, checked and serialised the way Fastify does it. No token, no rules, no metrics. */
async function serveFastify(): Promise<number> {
  const app = Fastify();
  let calls = 0;
  app.post("/bench/run", { schema: { body: RunTool.input, response: { 200: RunTool.output } } }, (request, reply) => {
    calls += 1;
    reply.send({ ok: true, id: (request.body as { id: string }).id, seq: calls });
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  const address = app.server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const port = kind === "hub" ? await serveHub() : await serveFastify();
process.send?.({ port });
// Ends with its parent, however that one ended.
process.on("disconnect", () => process.exit());
