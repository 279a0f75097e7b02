/** A whole kernel for tests: real services, nothing of the machine. Time, chance and disk are in the test's hands. */
import { randomBytesOf, seededRandom } from "./chance.ts";
import { parsedDefaultPolicies } from "../../src/adapters/cedar/default-policies.generated.ts";
import { createCedarEngine } from "../../src/adapters/cedar/engine.ts";
import { createCedarLoader } from "../../src/adapters/cedar/wasm.ts";
import { createMemoryBlobs } from "../../src/adapters/files/memory-blobs.ts";
import { createManualClock, type ManualClock } from "../../src/adapters/memory/clock.ts";
import { createMemoryStore } from "../../src/adapters/memory/store.ts";
import { createRedactor } from "../../src/base/redact.ts";
import type { Caller } from "../../src/contract/caller.ts";
import type { Domain } from "../../src/contract/domain.ts";
import type { Envelope } from "../../src/contract/event.ts";
import type { Bound } from "../../src/contract/operation.ts";
import { Problem } from "../../src/contract/problem.ts";
import { Unauthenticated } from "../../src/contract/standard-problems.ts";
import type { AgentProgram } from "../../src/domains/agents/contract.ts";
import { createAgents } from "../../src/domains/agents/service.ts";
import { createApprovals } from "../../src/domains/approvals/service.ts";
import type { PriceLists } from "../../src/domains/budgets/port.ts";
import { type Budgets, createBudgets } from "../../src/domains/budgets/service.ts";
import { parseAllowance } from "../../src/domains/budgets/syntax.ts";
import type { SecretSource } from "../../src/domains/egress/headers.ts";
import type { EgressSettings } from "../../src/domains/egress/leases.ts";
import type { ProxyDoor, Wire } from "../../src/domains/egress/port.ts";
import { createEgress, type Egress } from "../../src/domains/egress/service.ts";
import { createWeb } from "../../src/domains/web/service.ts";
import { createEpisodes } from "../../src/domains/episodes/service.ts";
import { createEvents } from "../../src/domains/events/service.ts";
import { cedarProgram } from "../../src/app/state-dir.ts";
import { explainRulings } from "../../src/domains/policy/explain-rulings.ts";
import type { PolicySet } from "../../src/domains/policy/engine-port.ts";
import { createRulings } from "../../src/domains/policy/rulings.ts";
import { createHalt } from "../../src/domains/halt/service.ts";
import type { RuleFile } from "../../src/domains/gating/port.ts";
import { createGating, type Gating } from "../../src/domains/gating/service.ts";
import { createHierarchy } from "../../src/domains/hierarchy/service.ts";
import { createLeases } from "../../src/domains/leases/service.ts";
import { createPolicy } from "../../src/domains/policy/service.ts";
import { createTasks } from "../../src/domains/tasks/service.ts";
import { createKernel, type KernelParts, type StartedKernel } from "../../src/kernel/create-kernel.ts";
import type { Answered } from "../../src/kernel/kernel.ts";
import type { BlobStore, Identity, Sample, Store, Vault, Witness } from "../../src/kernel/ports.ts";

export const admin: Caller = { kind: "person", id: "admin" };
export const startMs = 1_750_000_000_000;
export const approvalTimeoutMs = 45_000;

export interface KitOptions {
  readonly store?: Store;
  readonly blobs?: BlobStore;
  readonly clock?: ManualClock;
  readonly seed?: number;
  readonly workers?: number;
  readonly programs?: readonly AgentProgram[];
  /** Who calls, instead of the kit's one token. */
  readonly identityOf?: (given: { readonly clock: ManualClock }) => {
    readonly identity: Identity;
    readonly domain: Domain;
  };
  /** What keeps handed-over secrets out of what is written, and a domain that is given the kit's redactor. */
  readonly vault?: Vault;
  readonly learn?: (redactor: ReturnType<typeof createRedactor>) => Domain;
  /** Domains beside the hub's own. */
  readonly domains?: (parts: KernelParts, own: { readonly meter: Budgets["meter"] }) => readonly Domain[];
  readonly deny?: readonly string[];
  /** The file of rules; without it there is none. */
  readonly ruleFile?: RuleFile;
  /** The price lists; without them nobody knows a price. */
  readonly prices?: PriceLists;
  readonly ask?: readonly string[];
  readonly secrets?: readonly string[];
  /** Whether nothing confines programs on the machine of the kit. */
  readonly isUnconfined?: boolean;
  /** A way out; without it there is none, and no `egress` and `web`. */
  readonly egress?: {
    readonly wire: Wire;
    readonly door?: ProxyDoor;
    readonly settings?: Partial<EgressSettings>;
    readonly secrets?: SecretSource;
  };
  /** Records what programs outside ask for; without it nobody does. */
  readonly witness?: (parts: KernelParts) => Witness;
  readonly busCapacity?: number;
  readonly isStarted?: boolean;
}

export interface Kit extends AsyncDisposable {
  readonly kernel: StartedKernel;
  readonly gating: Gating;
  /** Only with the option of that name. */
  readonly egress: Egress;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly clock: ManualClock;
  readonly samples: Sample[];
  readonly commits: { readonly events: number }[];
  /** Log lines of level `error`. */
  readonly errors: string[];
  call(operationId: string, input: unknown, as?: Caller): Promise<Answered>;
  /** Resolves with the first event of this kind from now on, or among those already written when `pick` is given. */
  next(kind: string, pick?: (envelope: Envelope) => boolean): Promise<Envelope>;
  /** Every durable event so far. */
  events(): readonly Envelope[];
  kinds(): readonly string[];
}

export async function makeKernel(options: KitOptions = {}): Promise<Kit> {
  await loadCedar();
  const store = options.store ?? createMemoryStore();
  const blobs = options.blobs ?? createMemoryBlobs({ sizeBytesMaxEach: 10_000_000 });
  const clock = options.clock ?? createManualClock(startMs);
  const random = seededRandom(options.seed ?? 1);
  const redactor = createRedactor({ secrets: options.secrets ?? [] });
  const samples: Sample[] = [];
  const commits: { events: number }[] = [];
  const errors: string[] = [];
  const log = {
    info: () => {},
    warn: () => {},
    error: (message: string, fields?: object) => void errors.push(`${message} ${JSON.stringify(fields ?? {})}`),
  };
  const denyRules = (options.deny ?? []).map((pattern) => ({ pattern, source: "config:gate.deny" }));
  const late: { gating?: Gating; egress?: Egress } = {};
  const kernel = createKernel({
    store,
    blobs,
    clock,
    log,
    redactor,
    ...(options.vault === undefined ? {} : { vault: options.vault }),
    chance: { random, randomBytes: randomBytesOf(random) },
    node: "node-test",
    limits: {
      busCapacity: options.busCapacity ?? 1024,
      busReplay: 100,
      workers: options.workers ?? 4,
      recordBytesMax: 1e9,
      recordAgeMsMax: 1e12,
    },
    telemetry: { onSample: (sample) => void samples.push(sample), onCommit: (sample) => void commits.push(sample) },
    compose(parts) {
      const approvals = createApprovals({
        parts,
        blobs,
        clock,
        log,
        redactor,
        timeoutMs: approvalTimeoutMs,
        brake: () => halt.brake,
        leases: () => leases.desk,
        ...(options.egress === undefined ? {} : { exits: () => (late.egress as Egress).exits }),
      });
      const budgets = createBudgets({ parts, clock, log, lists: options.prices ?? noPrices });
      const endEgress = async (reason: string): Promise<void> => late.egress?.endAll(reason);
      const leases = createLeases({
        parts,
        clock,
        openings: () => late.egress?.openings() ?? [],
        halted: () => halt.brake.signal,
        readAmount: (text) => parseAllowance(`${text}/run`),
      });
      const halt = createHalt({ parts, clock, enders: [approvals.withdrawAll, endEgress, leases.endAll] });
      const hierarchy = createHierarchy({ parts });
      const gating = createGating({
        parts,
        clock,
        log,
        hierarchy,
        denyRules,
        file: options.ruleFile ?? noRules,
      });
      late.gating = gating;
      const policy = createRulings({
        engine: () => policies,
        askPatterns: options.ask ?? [],
        isOpen: (host, caller) => late.egress?.isOpen(host, caller) ?? false,
        isShut: (host, caller) => late.egress?.isShut(host, caller) ?? true,
        isUnconfined: () => Promise.resolve(options.isUnconfined === true),
        leases: leases.book,
      });
      const own = [
        gating.domain,
        budgets.domain,
        hierarchy.domain,
        createPolicy({
          parts,
          stages: [gating.explain, explainRulings(policy), budgets.explain],
          policies: policySet,
          rulings: policy,
        }),
        createAgents({ parts, programs: options.programs ?? [], policy }),
        approvals.domain,
        createEpisodes({ parts }),
        createEvents({ parts }),
        halt.domain,
        leases.domain,
        createTasks({ parts }),
      ];
      if (options.egress !== undefined) {
        const { wire, door = noDoor, secrets = noSecrets, settings } = options.egress;
        const { gate } = gating;
        const full = { posture: "closed" as const, hosts: [], ...settings };
        late.egress = createEgress({
          parts,
          clock,
          gate,
          policy,
          wire,
          door,
          secrets,
          redactor,
          budget: budgets.port,
          settings: full,
          leaseEnds: leases.signalOf,
        });
        own.push(late.egress.domain, createWeb({ courier: late.egress.courier }));
      }
      const access = options.identityOf?.({ clock });
      if (access !== undefined) own.unshift(access.domain);
      if (options.learn !== undefined) own.push(options.learn(redactor));
      return {
        identity: access?.identity ?? identity,
        gate: gating.gate,
        policy,
        brake: halt.brake,
        approvals: approvals.port,
        budget: budgets.port,
        ...(late.egress === undefined ? {} : { exits: late.egress.exits }),
        leases: leases.port,
        ...(options.witness === undefined ? {} : { witness: options.witness(parts) }),
        domains: [...own, ...(options.domains?.(parts, { meter: budgets.meter }) ?? [])],
      };
    },
  });
  if (options.isStarted !== false) await kernel.start();
  const events = () => kernel.journal.read({ limit: 1_000_000 });
  return {
    kernel,
    gating: late.gating as Gating,
    egress: late.egress as Egress,
    store,
    blobs,
    clock,
    samples,
    commits,
    errors,
    call: (operationId, input, caller = admin) =>
      kernel.dispatch({ operationId, input, credentials: { kind: "caller", caller } }),
    next: (kind, pick) => nextEvent({ kernel, kind, pick }),
    events,
    kinds: () => events().map((each) => each.kind),
    [Symbol.asyncDispose]: () => kernel[Symbol.asyncDispose](),
  };
}

/** The default policies, decided by Cedar itself. */
const loadCedar = createCedarLoader(cedarProgram);
const policies = createCedarEngine({
  policies: parsedDefaultPolicies,
  load: loadCedar,
  name: "kit",
});

const noSecrets: SecretSource = { secretFor: () => null };
const noDoor: ProxyDoor = {
  admit: () => Promise.reject(new RangeError("this kit has no proxy")),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

const noRules: RuleFile = {
  path: "gating.toml",
  first: [],
  read: () => Promise.resolve({ kind: "rules", placed: [] }),
  watch: () => ({ isWatching: true, [Symbol.dispose]: () => {} }),
};

const noPrices: PriceLists = {
  folder: "prices",
  first: [],
  template: "",
  read: () => Promise.resolve({ kind: "prices", prices: [], lists: 0 }),
};

const policySet: PolicySet = {
  engine: () => policies,
  version: () => 1,
  reload: () => Promise.resolve(),
  examples: () => Promise.resolve([]),
};

/** `token` is the admin; any other token is refused; none is nobody. */
const identity: Identity = {
  identify(credentials) {
    if (credentials.kind === "token" && credentials.token === "token") return admin;
    if (credentials.kind === "none") return null;
    throw new Problem(Unauthenticated, "no such token");
  },
};

function nextEvent({
  kernel,
  kind,
  pick,
}: {
  readonly kernel: StartedKernel;
  readonly kind: string;
  readonly pick?: ((envelope: Envelope) => boolean) | undefined;
}) {
  const known = pick === undefined ? undefined : kernel.journal.read({ kinds: [kind], limit: 1_000_000 }).find(pick);
  if (known !== undefined) return Promise.resolve(known);
  return new Promise<Envelope>((resolve) => {
    const stop = kernel.bus.listen([kind], (envelope) => {
      if (envelope.kind !== kind || (pick !== undefined && !pick(envelope))) return;
      stop();
      resolve(envelope);
    });
  });
}

/** A domain of a few operations, for tests of the kernel. */
export const domainOf = (
  name: string,
  parts: Partial<Omit<Domain, "operations">> & { readonly operations?: readonly Bound[] },
): Domain => ({
  name,
  operations: [],
  events: [],
  views: [],
  ...parts,
});

/** One turn of the event loop: everything that waits for a commit or a promise has moved on. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Both have to be over: turns pass quickly where others work for them, and slowly where the machine has much to do. */
const untilTurnsMax = 10_000;
const untilMsMax = 20_000;

/** As many turns as it takes until `isDone`. */
export async function until(isDone: () => boolean, what: string): Promise<void> {
  const lastMs = performance.now() + untilMsMax;
  for (let turns = 0; turns < untilTurnsMax || performance.now() < lastMs; turns += 1) {
    if (isDone()) return;
    await turn();
  }
  throw new RangeError(`it never came about that ${what}`);
}
