/** One hub: its state directory, its kernel and its HTTP door, opened together and closed together. */
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createIds } from "../base/ids.ts";
import { createRedactor } from "../base/redact.ts";
import { openAssetFolder } from "../adapters/assets/asset-folder.ts";
import { openCredentials } from "../adapters/credentials/credentials.ts";
import { createSessionFile } from "../adapters/credentials/session-file.ts";
import { createFileBlobs } from "../adapters/files/blobs.ts";
import { diskFree } from "../adapters/files/disk.ts";
import { createFileFolders } from "../adapters/files/folder.ts";
import { createSampleFolder } from "../adapters/files/sample.ts";
import { acquireStateLock } from "../adapters/files/state-lock.ts";
import { createFileLog } from "../adapters/log/log.ts";
import { createMetrics } from "../adapters/metrics/metrics.ts";
import { openSqliteStore } from "../adapters/sqlite/store.ts";
import { createSystemChance, systemClock } from "../adapters/system/clock.ts";
import { createAccess } from "../domains/access/service.ts";
import { ServiceStarted, ServiceStopped } from "../domains/events/contract.ts";
import type { HubFacts } from "../domains/system/port.ts";
import { createKernel, type StartedKernel } from "../kernel/create-kernel.ts";
import { createHttpSurface, type HttpSurface } from "../surfaces/http/surface.ts";
import { formatBytes } from "../base/units.ts";
import type { LoadedConfig } from "./config/load.ts";
import { composeDomains } from "./domains.ts";
import { nodeIdOf, programRoot, writeHubNote } from "./state-dir.ts";

/** Recorded results and before-images above this are not kept as blobs. */
const blobBytesMax = 64_000_000;
/** Tasks at the same time: runs mostly wait for disks and people. */
const workers = 8;
/** Below this the health check warns: a journal that cannot grow stops the hub's work. */
const diskBytesMin = 200_000_000;

export interface OpenHub extends AsyncDisposable {
  readonly kernel: StartedKernel;
  readonly http: HttpSurface;
  readonly stateDir: string;
  /** Where the admin token came from. */
  readonly tokenSource: "given" | "file";
  /** Resolves with the reason when somebody asked the hub to stop. */
  readonly stopAsked: Promise<string>;
  /** Opens the HTTP door. */
  listen(): Promise<{ readonly url: string }>;
  /** A fresh sign-in link, to be put behind the address. */
  signinPath(): Promise<string>;
}

export interface HubOptions {
  readonly config: LoadedConfig;
  readonly givenToken: string | undefined;
  readonly pid: number;
}

/** Takes the state directory, opens the store and brings the views up to date. Throws `StateLocked`, `StoreFault`. */
export async function openHub({ config, givenToken, pid }: HubOptions): Promise<OpenHub> {
  const { values } = config;
  const stateDir = values.state.dir;
  await using opening = new AsyncDisposableStack();
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const lock = opening.use(await acquireStateLock(stateDir, { pid, nowMs: systemClock.nowMs() }));
  const chance = createSystemChance();
  const ids = createIds({ now: systemClock.nowMs, randomBytes: chance.randomBytes });
  const redactor = createRedactor({ secrets: givenToken === undefined ? [] : [givenToken] });
  const log = createFileLog({ path: join(stateDir, "hub.log"), level: values.log.level, redactor });
  const store = openSqliteStore(join(stateDir, "journal.db"));
  const blobs = createFileBlobs({ folder: join(stateDir, "blobs"), sizeBytesMaxEach: blobBytesMax });
  const metrics = opening.use(createMetrics({ version: versionOf() }));
  const credentials = await openCredentials({ stateDir, givenToken, randomBytes: chance.randomBytes });
  const sessions = createSessionFile(stateDir);
  const [limit = 60, windowS = 60] = values.access.adminRateLimit.split("/").map(Number);
  const access = opening.use(
    createAccess({
      token: credentials.token,
      sessions: { stored: await sessions.load(), store: sessions },
      randomBytes: chance.randomBytes,
      now: systemClock.nowMs,
      log,
      failures: { limit, windowMs: windowS * 1000 },
    }),
  );
  const stop = Promise.withResolvers<string>();
  const facts = hubFacts({ config, node: await nodeIdOf(stateDir, ids.next), bootId: ids.next(), metrics: metrics.text, stop: stop.resolve });
  const kernel = createKernel({
    store,
    blobs,
    clock: systemClock,
    chance,
    log,
    redactor,
    node: facts.node,
    limits: {
      busCapacity: values.bus.capacity,
      busReplay: values.bus.replay,
      workers,
      recordBytesMax: values.record.sizeBytesMax,
      recordAgeMsMax: values.record.ageMsMax,
    },
    onSample: metrics.onSample,
    onCommit: metrics.onCommit,
    compose: (parts) =>
      composeDomains(
        {
          access,
          blobs,
          clock: systemClock,
          log,
          redactor,
          folders: createFileFolders(),
          sample: createSampleFolder({ source: join(programRoot(), "examples", "garden-notes"), stateDir }),
          facts,
          denyRules: config.denyRules,
          askPatterns: values.approvals.ask,
          approvalTimeoutMs: values.approvals.timeoutMs,
        },
        parts,
      ),
  });
  opening.use(kernel);
  let isReady = false;
  const http = opening.use(
    createHttpSurface({
      kernel,
      clock: systemClock,
      chance,
      log,
      newCorrId: ids.next,
      isReady: () => isReady,
      cookies: access.cookies,
      web: await openAssetFolder(join(programRoot(), "web", "dist")),
      spec: await openAssetFolder(join(programRoot(), "spec")),
      limits: { bodyBytesMax: values.server.bodyBytesMax },
    }),
  );
  metrics.observe({ bus: kernel.bus, queue: kernel.queue, streams: () => http.streamCount, headSeq: kernel.journal.headSeq });
  await kernel.start();
  isReady = true;
  const held = opening.move();
  const system = kernel.parts.act({ caller: { kind: "system", id: "hub" }, corrId: facts.bootId });
  return {
    kernel,
    http,
    stateDir,
    tokenSource: credentials.source,
    stopAsked: stop.promise,
    async listen() {
      const { url } = await http.listen({ port: values.server.port, host: values.server.bind });
      await lock.announce(url);
      await writeHubNote(stateDir, { address: url, pid, startedAt: facts.startedAtMs });
      await system.emit(ServiceStarted, { version: facts.version, address: url, bootId: facts.bootId });
      return { url };
    },
    async signinPath() {
      const { outcome } = await kernel.dispatch({
        operationId: "access.code",
        input: {},
        credentials: { kind: "caller", caller: { kind: "person", id: "admin" } },
      });
      return outcome.kind === "answer" ? (outcome.output as { path: string }).path : "/";
    },
    async [Symbol.asyncDispose]() {
      isReady = false;
      await http.close();
      await system.emit(ServiceStopped, { bootId: facts.bootId, reason: "stopped in good order" }).catch((error: unknown) => log.error("the end could not be written", { error: String(error) }));
      await held.disposeAsync();
      log.flush();
    },
  };
}

interface FactsOptions {
  readonly config: LoadedConfig;
  readonly node: string;
  readonly bootId: string;
  readonly metrics: () => Promise<string>;
  readonly stop: (reason: string) => void;
}

function hubFacts({ config, node, bootId, metrics, stop }: FactsOptions): HubFacts {
  return {
    version: versionOf(),
    bootId,
    node,
    startedAtMs: systemClock.nowMs(),
    configuration: config.sources,
    metrics,
    stop,
    async checks() {
      const { freeBytes } = await diskFree(config.values.state.dir);
      return [
        { name: "store", ok: true, detail: "open" },
        { name: "disk", ok: freeBytes >= diskBytesMin, detail: `${formatBytes(freeBytes)} free` },
      ];
    },
  };
}

const versionOf = (): string => (JSON.parse(readFileSync(join(programRoot(), "package.json"), "utf8")) as { version: string }).version;
