/** One hub: its state directory, its kernel and its HTTP door, opened together and closed together. */
import { readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { createIds } from "../base/ids.ts";
import { openAuditAnchor } from "../adapters/audit/anchor.ts";
import { plainLines, sealedLines } from "../adapters/audit/chain.ts";
import { type AuditLog, openAuditLog } from "../adapters/audit/audit-log.ts";
import { openAssetFolder } from "../adapters/assets/asset-folder.ts";
import { createBackups } from "../adapters/backup/make-backup.ts";
import { sealedContents } from "../adapters/backup/sealed-contents.ts";
import { createDoctor } from "../adapters/doctor/examine.ts";
import { diskFree } from "../adapters/files/disk.ts";
import { createFileFolders } from "../adapters/files/folder.ts";
import { folderNotices, recipeFiles } from "../adapters/files/folder-notices.ts";
import { makeFolder } from "../adapters/files/make-folder.ts";
import { realFolder } from "../adapters/files/real-folder.ts";
import { namesOwn, type OwnFiles, withoutOwn } from "../adapters/files/own-folder.ts";
import { createSampleFolder, samplesFolder } from "../adapters/files/sample.ts";
import { createStateFiles, type Damage, type StateFiles } from "../adapters/files/state-file.ts";
import { acquireStateLock } from "../adapters/files/state-lock.ts";
import { createFileLog } from "../adapters/log/log.ts";
import { journalFiles } from "../adapters/tee/journal-files.ts";
import type { Sealer } from "../adapters/sealed-state/sealer.ts";
import { createClientAddress } from "../adapters/network/client-address.ts";
import { createMetrics, type Metrics } from "../adapters/metrics/metrics.ts";
import { openSqliteStore, storeFormat } from "../adapters/sqlite/store.ts";
import { createSystemChance, systemClock } from "../adapters/system/clock.ts";
import type { Caller } from "../contract/caller.ts";
import type { AgentProgram } from "../domains/agents/contract.ts";
import { createAudit } from "../domains/audit/service.ts";
import type { ConsumerReaders } from "../domains/consumers/service.ts";
import { consumers, consumersMax } from "../domains/consumers/views.ts";
import { ServiceOpened, ServiceClosed } from "../domains/events/contract.ts";
import { recordConfiguration } from "../domains/system/configuration.ts";
import type { RuleFile } from "../domains/gating/port.ts";
import type { HubFacts } from "../domains/system/port.ts";
import { createKernel, type StartedKernel } from "../kernel/create-kernel.ts";
import type { Log, Telemetry } from "../kernel/ports.ts";
import { createHttpSurface, type HttpSurface } from "../surfaces/http/surface.ts";
import { mcpRoute } from "../surfaces/mcp/route.ts";
import { openAiRoutes } from "../surfaces/openai/routes.ts";
import { formatBytes } from "../base/units.ts";
import { createSecrecy, openAccessSeat } from "./access-seat.ts";
import { openContents } from "./run-capsule-seat.ts";
import { openCapsuleSeat } from "./capsule-seat.ts";
import type { LoadedConfig } from "./config/load.ts";
import { createConfineSeat } from "./confine-seat.ts";
import { composeDomains } from "./domains.ts";
import { createEgressSeat } from "./egress-seat.ts";
import { keyPaths } from "./key-places.ts";
import { createModelSeat } from "./model-seat.ts";
import { createOtlpSeat, type OtlpSeat } from "./otlp-seat.ts";
import { createProfileFiles } from "./profile-seat.ts";
import { recordedRule } from "./records-check.ts";
import { createReload } from "./reload.ts";
import { openRuleFile } from "./rules/rule-file.ts";
import { openSeal } from "./seal-seat.ts";
import { journalCheck, journalTailFault, nodeMin, refuseLostJournal } from "./state-checks.ts";
import { watchStore } from "./store-watch.ts";
import { createSolverSeat } from "./prove-seat.ts";
import { createPolicySeat } from "./policy-seat.ts";
import { createAdoptedRules } from "./what-if-seat.ts";
import { openPriceFolder } from "./prices/price-folder.ts";
import { checkTeePath, createTeeSeat, type TeeSeat } from "./tee-seat.ts";
import { nodeIdOf, programRoot, writeHubNote } from "./state-dir.ts";
import type { Unlocking } from "./unlock.ts";

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
  /** Reads anew what a person edits as files. */
  reload(): Promise<void>;
  /** A fresh sign-in link, to be put behind the address. */
  signinPath(): Promise<string>;
}

export interface HubOptions {
  readonly config: LoadedConfig;
  readonly givenToken: string | undefined;
  /** Secrets for the collector of traces: `name=value,name=value`. */
  readonly otlpHeaders?: string | undefined;
  readonly pid: number;
  /** The way into an encrypted state; without it such a state stays closed. */
  readonly unlocking?: Unlocking;
  /** Agents beside the built-in one. */
  readonly programs?: readonly AgentProgram[];
}

/** Takes the state directory, opens the store and brings the views up to date. Throws `StateLocked`, `StoreFault`. */
export async function openHub(options: HubOptions): Promise<OpenHub> {
  const { values } = options.config;
  const stateDir = values.state.dir;
  await checkTeePath(options.config);
  await using opening = new AsyncDisposableStack();
  await makeFolder(stateDir, { mode: 0o700 });
  const lock = opening.use(await acquireStateLock(stateDir, { pid: options.pid, nowMs: systemClock.nowMs() }));
  refuseLostJournal(stateDir);
  const means = await openMeans(options, opening, await openSeal(options.config, options.unlocking));
  const { facts, log } = means;
  const kernel = opening.use(openKernel(options, means));
  const door = { isOpen: false };
  let isTold = false;
  const http = opening.use(await openDoor(options.config, { kernel, means, isReady: () => door.isOpen }));
  means.metrics.observe({
    bus: kernel.bus,
    queue: kernel.queue,
    streams: () => http.streamCount,
    headSeq: kernel.journal.headSeq,
    consumers: () => consumerStats(kernel, means.consumerReaders),
    disk: () => diskFree(stateDir),
    records: kernel.parts.recorder.usage,
    tee: means.tee.status,
    otlp: means.otlp.status,
  });
  await means.policies.load([...kernel.table.operations.values()].map((each) => each.operation));
  await kernel.start();
  opening.use(means.tee).open(kernel);
  await opening.use(means.otlp).open(kernel);
  door.isOpen = true;
  const held = opening.move();
  const system = kernel.parts.act({ caller: { kind: "system", id: "hub" }, corrId: facts.bootId });
  return {
    kernel,
    http,
    stateDir,
    tokenSource: means.tokenSource,
    stopAsked: means.stopAsked,
    async listen() {
      const { url } = await http.listen({ port: values.server.port, host: values.server.bind });
      await lock.announce(url);
      await writeHubNote(stateDir, { address: url, pid: options.pid, startedAt: facts.startedAtMs });
      await recordConfiguration(system, { journal: kernel.journal, facts, redactor: means.redactor });
      isTold = true;
      await system.emit(ServiceOpened, { version: facts.version, address: url, bootId: facts.bootId });
      return { url };
    },
    reload: createReload(kernel, log),
    async signinPath() {
      const caller: Caller = { kind: "person", id: "admin" };
      const { outcome } = await kernel.dispatch({
        operationId: "access.code",
        input: {},
        credentials: { kind: "caller", caller },
      });
      return outcome.kind === "answer" ? (outcome.output as { path: string }).path : "/";
    },
    async [Symbol.asyncDispose]() {
      door.isOpen = false;
      await http.close();
      // A hub that opened for one command leaves no more in the journal than the command did.
      const told = isTold
        ? system.emit(ServiceClosed, { bootId: facts.bootId, reason: "stopped in good order" })
        : null;
      await told?.catch((error: unknown) => log.error("the end could not be written", { error: String(error) }));
      await held.disposeAsync();
      log.flush();
    },
  };
}

/** Everything the kernel and the services are built from, opened in the state directory. */
async function openMeans(options: HubOptions, opening: AsyncDisposableStack, sealer: Sealer | null) {
  const { config, givenToken, otlpHeaders } = options;
  const { values } = config;
  const ruleFile = await openRules(config);
  const stateDir = values.state.dir;
  const prices = await openPriceFolder(join(stateDir, "prices"));
  const chance = createSystemChance();
  const newId = createIds({ now: systemClock.nowMs, randomBytes: chance.randomBytes }).next;
  const { redactor, vault, learn } = createSecrecy(givenToken);
  const log = createFileLog({ path: join(stateDir, "hub.log"), level: values.log.level, redactor, sealer });
  const metrics = opening.use(createMetrics({ version: versionOf() }));
  const files = createStateFiles({ nowMs: systemClock.nowMs });
  const door = { values, givenToken, files, chance, clock: systemClock, log, learn, sealer };
  const { access, secrets, tokenSource } = await openAccessSeat(door);
  opening.use(access);
  const capsules = await openCapsuleSeat({ stateDir, files, isLedgerKept: values.provenance.keepLedger });
  const auditLog = await openAudit({ config, files, log, sealer }, opening);
  const stop = Promise.withResolvers<string>();
  const tee = createTeeSeat(values, log);
  const node = await nodeIdOf(stateDir, { files, newId });
  const version = versionOf();
  const otlp = createOtlpSeat({ config, headers: otlpHeaders, version, node, files, chance, log, redactor });
  const watched = watchStore(openSqliteStore(join(stateDir, "journal.db"), { sealer }));
  const policyFolder = join(stateDir, "policies");
  const policies = createPolicySeat({ folder: policyFolder, newId });
  const { trials } = policies;
  const facts = hubFacts({
    tee,
    otlp,
    config,
    node,
    bootId: newId(),
    metrics,
    stop: stop.resolve,
    damages: files.damages,
    checks: () => [watched.check(), journalCheck(watched.store), policies.health()],
    auditLog,
  });
  return {
    tee,
    otlp,
    ruleFile,
    store: watched.store,
    ...openContents({ values, version, redactor, vault, report: files.report, sealer }),
    chance,
    newId,
    redactor,
    vault,
    log,
    metrics,
    access,
    capsules,
    secrets,
    egress: opening.use(createEgressSeat(values, chance)),
    confinement: opening.use(
      createConfineSeat({ own: ownOf(options, ruleFile), programs: values.shell.programs, ceilings: values.shell }),
    ),
    policies,
    solver: createSolverSeat(stateDir),
    whatIf: { trials, adopted: createAdoptedRules({ folder: policyFolder, files, trials }) },
    prices,
    models: createModelSeat(process.env),
    consumerReaders: new Map() as ConsumerReaders,
    audit: createAudit({ trail: auditLog, clock: systemClock, redactor, log }),
    facts,
    sealer,
    tokenSource,
    stopAsked: stop.promise,
  };
}

interface AuditMeans {
  readonly config: LoadedConfig;
  readonly files: StateFiles;
  readonly log: Log;
  readonly sealer: Sealer | null;
}

async function openAudit({ config, files, log, sealer }: AuditMeans, opening: AsyncDisposableStack): Promise<AuditLog> {
  const { values } = config;
  const stateDir = values.state.dir;
  const onFault = (error: unknown): void =>
    log.error("the audit log's head could not be kept", { error: String(error) });
  // Closed behind the log, whose last row it keeps.
  const anchor = opening.use(await openAuditAnchor({ stateDir, files, clock: systemClock, onFault, sealer }));
  const { known } = anchor;
  const auditLog = openAuditLog({
    folder: stateDir,
    sizeBytesMax: values.audit.sizeBytesMax,
    nowMs: systemClock.nowMs,
    known,
    onRow: anchor.moved,
    lines: sealer === null ? plainLines : sealedLines(sealer),
  });
  anchor.follow(auditLog.head);
  return opening.use(auditLog);
}

/** What belongs to the hub itself, wherever it lies: nobody reads or changes it as a file, and no program that the hub starts. */
const ownOf = ({ config: { values, fileAt }, unlocking }: HubOptions, { path }: RuleFile): readonly string[] => [
  values.state.dir,
  path,
  ...["policies", "prices"].map((name) => join(values.state.dir, name)),
  ...(fileAt === null ? [] : [fileAt]),
  ...keyPaths(unlocking?.env ?? {}),
];

const openRules = ({ values, sources }: LoadedConfig): Promise<RuleFile> =>
  openRuleFile({
    path: resolve(values.state.dir, values.gate.file),
    isNamed: sources.some(({ key, source }) => key === "gate.file" && source !== "default"),
    clock: systemClock,
  });

type OpenedMeans = Awaited<ReturnType<typeof openMeans>>;

function openKernel(options: HubOptions, means: OpenedMeans): StartedKernel {
  const { config, programs = [] } = options;
  const { values } = config;
  const { store, blobs, chance, log, redactor, access, facts } = means;
  const sample = createSampleFolder({
    source: join(programRoot(), "examples", "garden-notes"),
    stateDir: values.state.dir,
  });
  const own: OwnFiles = { own: ownOf(options, means.ruleFile), open: [join(values.state.dir, samplesFolder)] };
  return createKernel({
    store,
    blobs,
    clock: systemClock,
    chance,
    log,
    redactor,
    vault: means.vault,
    node: facts.node,
    telemetry: telemetryOf(means),
    limits: {
      busCapacity: values.bus.capacity,
      busReplay: values.bus.replay,
      workers,
      recordBytesMax: values.record.sizeBytesMax,
      recordAgeMsMax: values.record.ageMsMax,
    },
    compose: (parts) =>
      composeDomains(
        {
          access,
          programs,
          audit: means.audit,
          ...keepersOf(config, means),
          blobs,
          clock: systemClock,
          log,
          redactor,
          folders: withoutOwn(createFileFolders(), own),
          isHubFile: namesOwn(own),
          realFolder,
          journal: {
            files: journalFiles,
            rules: [...values.journal.retention, recordedRule(values.record)],
            frontier: means.tee.frontier,
          },
          sample,
          capsules: means.capsules,
          runCapsules: means.runCapsules,
          secrets: means.secrets,
          egress: means.egress,
          confinement: means.confinement,
          shell: values.shell,
          schedules: { files: recipeFiles, notices: folderNotices },
          consumerReaders: means.consumerReaders,
          models: means.models,
          profileFiles: createProfileFiles(),
          facts,
          policies: means.policies,
          solver: means.solver,
          whatIf: means.whatIf,
          prices: means.prices,
          denyRules: config.denyRules,
          ruleFile: means.ruleFile,
          askPatterns: values.approvals.ask,
          approvalTimeoutMs: values.approvals.timeoutMs,
        },
        parts,
      ),
  });
}

/** Who copies the state directory, and who looks after it. */
function keepersOf({ values }: LoadedConfig, { blobs, runCapsules, confinement, facts, sealer }: OpenedMeans) {
  const stateDir = values.state.dir;
  const { version, node } = facts;
  const { nowMs } = systemClock;
  return {
    backups: createBackups({
      stateDir,
      ...(sealer === null ? { blobs, capsules: runCapsules.shelf } : sealedContents(stateDir)),
      version,
      node,
      nowMs,
    }),
    doctor: createDoctor({
      stateDir,
      nowMs,
      storeFormat,
      verifyTail: (path) => journalTailFault(path, sealer),
      sealer,
      versions: { arw: version, node: process.versions.node, nodeMin },
      holder: () => Promise.resolve("held by this hub"),
      confinement: () => confinement.abilities(),
      ailing: async () => (await facts.checks()).filter(({ ok }) => !ok),
    }),
  };
}

const telemetryOf = ({ metrics, audit }: OpenedMeans): Telemetry => ({
  onSample(sample) {
    metrics.onSample(sample);
    audit.onSample(sample);
  },
  onCommit: metrics.onCommit,
  onEvent: metrics.onEvent,
});

interface DoorOptions {
  readonly kernel: StartedKernel;
  readonly means: OpenedMeans;
  readonly isReady: () => boolean;
}

async function openDoor(config: LoadedConfig, { kernel, means, isReady }: DoorOptions): Promise<HttpSurface> {
  return createHttpSurface({
    kernel,
    clock: systemClock,
    chance: means.chance,
    log: means.log,
    newCorrId: means.newId,
    isReady,
    cookies: means.access.cookies,
    meters: means.metrics.routes,
    web: await openAssetFolder(join(programRoot(), "web", "dist")),
    spec: await openAssetFolder(join(programRoot(), "spec")),
    capsules: means.capsules.door(kernel),
    foreign: [
      ...openAiRoutes(systemClock),
      mcpRoute({ table: kernel.table, version: versionOf(), timer: systemClock }),
    ],
    allowedHosts: allowedHosts(config),
    allowedOrigins: config.values.server.allowedOrigins,
    addresses: createClientAddress(config.values.server),
    limits: { bodyBytesMax: config.values.server.bodyBytesMax },
  });
}

function consumerStats({ views, journal }: StartedKernel, readers: ConsumerReaders) {
  const headSeq = journal.headSeq();
  return views.list(consumers, { limit: consumersMax }).rows.map(({ row }) => ({
    name: row.name,
    lag: Math.max(0, headSeq - row.floorSeq),
    inFlight: readers.get(row.name)?.inFlight() ?? 0,
    buried: row.buriedCount,
  }));
}

/** Who binds to one address of the machine means to be reached under it; a wildcard names none. */
function allowedHosts({ values }: LoadedConfig): readonly string[] {
  const { bind, port, allowedHosts: named } = values.server;
  const isWildcard = bind === "0.0.0.0" || bind === "::";
  return isWildcard ? named : [...named, `${bind.includes(":") ? `[${bind}]` : bind}:${port}`];
}

type Check = Awaited<ReturnType<HubFacts["checks"]>>[number];

interface FactsOptions {
  readonly config: LoadedConfig;
  readonly node: string;
  readonly bootId: string;
  readonly metrics: Metrics;
  readonly stop: (reason: string) => void;
  readonly damages: readonly Damage[];
  readonly checks: () => readonly Check[];
  readonly tee: TeeSeat;
  readonly otlp: OtlpSeat;
  readonly auditLog: AuditLog;
}

function hubFacts(options: FactsOptions): HubFacts {
  const { config, node, bootId, metrics, stop, damages, checks, auditLog, tee, otlp } = options;
  return {
    version: versionOf(),
    bootId,
    node,
    startedAtMs: systemClock.nowMs(),
    configuration: config.sources,
    metrics: metrics.text,
    stats: metrics.stats,
    stop,
    async checks() {
      const { freeBytes } = await diskFree(config.values.state.dir);
      return [
        ...checks(),
        { name: "disk", ok: freeBytes >= diskBytesMin, detail: `${formatBytes(freeBytes)} free` },
        filesCheck(damages),
        { name: "audit", ...auditLog.health() },
        ...tee.checks(),
        ...otlp.checks(),
      ];
    },
  };
}

function filesCheck(damages: readonly Damage[]): { name: string; ok: boolean; detail: string } {
  const texts = damages.map(({ path, keptAs, instead }) =>
    instead === "backup"
      ? `${basename(path)} was damaged and its backup is used; the damaged one is ${basename(keptAs)}`
      : `${basename(path)} was damaged and is made anew; the damaged one is ${basename(keptAs)}`,
  );
  return { name: "files", ok: texts.length === 0, detail: texts.join("; ") || "whole" };
}

const versionOf = (): string =>
  (JSON.parse(readFileSync(join(programRoot(), "package.json"), "utf8")) as { version: string }).version;
