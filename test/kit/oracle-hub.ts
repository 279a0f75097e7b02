/**
 * A hub of all its domains whose handlers are exchanged for one that notes that it was reached: the corridor is the real one
 * to its last step, and nothing runs. What a test needs to happen for real, such as a stop or a yes, it says as `control`.
 */
import { parsedDefaultPolicies } from "../../src/adapters/cedar/default-policies.generated.ts";
import { createCedarEngine } from "../../src/adapters/cedar/engine.ts";
import { readPolicies } from "../../src/adapters/cedar/read-policies.ts";
import { cedarSchemaOf } from "../../src/adapters/cedar/schema.ts";
import { createCedarLoader } from "../../src/adapters/cedar/wasm.ts";
import { createMemoryBlobs } from "../../src/adapters/files/memory-blobs.ts";
import { createManualClock, type ManualClock } from "../../src/adapters/memory/clock.ts";
import { createMemoryStore } from "../../src/adapters/memory/store.ts";
import { composeDomains, type Means } from "../../src/app/domains.ts";
import { cedarProgram } from "../../src/app/state-dir.ts";
import { createRedactor } from "../../src/base/redact.ts";
import type { Domain } from "../../src/contract/domain.ts";
import type { Bound, Operation } from "../../src/contract/operation.ts";
import type { StoredNamedToken } from "../../src/domains/access/port.ts";
import { createAccess } from "../../src/domains/access/service.ts";
import { createTokenDigest } from "../../src/domains/access/token-check.ts";
import { createAudit } from "../../src/domains/audit/service.ts";
import { PolicyReloaded } from "../../src/domains/policy/contract.ts";
import type { PolicyEngine } from "../../src/domains/policy/engine-port.ts";
import type { PlacedContract } from "../../src/domains/gating/rule.ts";
import type { Confinement, ConfinementAbilities } from "../../src/domains/shell/port.ts";
import { createKernel, type StartedKernel } from "../../src/kernel/create-kernel.ts";
import type { Answered } from "../../src/kernel/kernel.ts";
import type { Sample } from "../../src/kernel/ports.ts";
import { randomBytesOf, seededRandom } from "./chance.ts";
import { createFakeWire } from "./fake-wire.ts";
import { admin, approvalTimeoutMs, startMs, until } from "./kernel.ts";

const salt = "ab".repeat(32);
const digestOf = createTokenDigest(salt);
/** Nothing in a test expires by itself. */
const farMs = startMs + 10 ** 11;

/** The most that a rate can be: limits of tokens have tests of their own. */
const callsMax = 100_000;

export const adminToken = "the token of the admin";

export interface OracleHubOptions {
  /** Named tokens; the text of each is its name. */
  readonly tokens: readonly Pick<StoredNamedToken, "name" | "role" | "keys">[];
  /** Own policies, as they would stand in a file. */
  readonly policies?: string;
  /** What stands in the file of rules. */
  readonly contracts?: readonly PlacedContract[];
  /** Whether commands would be confined; they would without it. */
  readonly isUnconfined?: boolean;
  /** An answer of the exchanged handlers that fits the operation's schema. */
  readonly answerOf: (operation: Operation) => unknown;
}

export interface OracleHub extends AsyncDisposable {
  readonly kernel: StartedKernel;
  readonly clock: ManualClock;
  /** Correlation ids of the calls that reached their handler. */
  readonly reached: ReadonlySet<string>;
  /** Finished walks, in their order. */
  readonly samples: readonly Sample[];
  /** Log lines of level `error`. */
  readonly errors: readonly string[];
  /** From now on the own policies and the file of rules are in force, too. */
  begin(): Promise<void>;
  /** Makes this call for real, as the admin. */
  control(operationId: string, input: unknown): Promise<Answered>;
}

const controlPrefix = "control-";
const loadCedar = createCedarLoader(cedarProgram);
let engines = 0;

export async function openOracleHub(options: OracleHubOptions): Promise<OracleHub> {
  const cedar = await loadCedar();
  const means = meansOf(options);
  const { clock, blobs, log, redactor, chance } = means;
  const reached = new Set<string>();
  const samples: Sample[] = [];
  const kernel = createKernel({
    store: createMemoryStore(),
    blobs,
    clock,
    log,
    redactor,
    chance,
    node: "node-test",
    limits: { busCapacity: 64, busReplay: 10, workers: 2, recordBytesMax: 1e9, recordAgeMsMax: 1e12 },
    telemetry: { onSample: (sample) => void samples.push(sample), onCommit: () => undefined },
    compose(parts) {
      const composed = composeDomains(withNothingElse<Means>(means.known), parts);
      return { ...composed, domains: composed.domains.map(exchanger(options.answerOf, reached)) };
    },
  });
  const operations = [...kernel.table.operations.values()].map(({ operation }) => operation);
  const own = readPolicies(cedar, [{ name: "own", text: options.policies ?? "" }], cedarSchemaOf(operations));
  if (own.faults.length > 0) throw new RangeError(JSON.stringify(own.faults.slice(0, 3)));
  await kernel.start();
  let controls = 0;
  return {
    kernel,
    clock,
    reached,
    samples,
    errors: means.errors,
    async begin() {
      means.late.engine = engineOf([...parsedDefaultPolicies, ...own.policies]);
      if (options.contracts === undefined || options.contracts.length === 0) return;
      means.late.changed?.();
      await until(() => kernel.journal.read({ kinds: [PolicyReloaded.kind], limit: 1 }).length > 0, "rules are read");
    },
    control: (operationId, input) =>
      kernel.dispatch({
        operationId,
        input,
        credentials: { kind: "caller", caller: admin },
        corrId: `${controlPrefix}${(controls += 1)}`,
      }),
    [Symbol.asyncDispose]: () => kernel[Symbol.asyncDispose](),
  };
}

function engineOf(policies: typeof parsedDefaultPolicies): PolicyEngine {
  return createCedarEngine({ policies, load: loadCedar, name: `oracle-${(engines += 1)}` });
}

/** What the rules need: tokens, files of rules, policies, issuers and a way out. Nobody asks for the rest. */
function meansOf({ tokens, contracts = [], isUnconfined = false }: OracleHubOptions) {
  const clock = createManualClock(startMs);
  const random = seededRandom(1);
  const chance = { random, randomBytes: randomBytesOf(random) };
  const redactor = createRedactor();
  const blobs = createMemoryBlobs({ sizeBytesMaxEach: 10_000_000 });
  const errors: string[] = [];
  const log = {
    info: () => {},
    warn: () => {},
    error: (message: string, fields?: object) => void errors.push(`${message} ${JSON.stringify(fields ?? {})}`),
  };
  const late: { engine: PolicyEngine; changed?: () => void } = { engine: engineOf(parsedDefaultPolicies) };
  const saved = { save: () => Promise.resolve() };
  const rates = { limit: callsMax, windowMs: 1 };
  const abilities: ConfinementAbilities = {
    confinesFiles: !isUnconfined,
    confinesNetwork: !isUnconfined,
    by: "a test",
    lack: isUnconfined ? "a test wants it so" : null,
  };
  const known: Partial<Means> = {
    access: createAccess({
      token: { salt, hash: digestOf(adminToken) ?? "" },
      tokens: { stored: { salt, tokens: tokens.map(storedToken) }, store: saved },
      sessions: { stored: [], store: saved },
      randomBytes: chance.randomBytes,
      clock,
      log,
      rates: { admin: rates, reads: rates },
      learnSecrets: () => undefined,
    }),
    programs: [],
    audit: createAudit({ trail: nothing, clock, redactor, log }),
    blobs,
    clock,
    log,
    redactor,
    journal: { files: nothing, rules: [], frontier: nothing },
    consumerReaders: new Map(),
    capsules: { stored: [], store: { ...saved, load: async () => [] }, isLedgerKept: false, serve: () => {} },
    secrets: { stored: [], store: nothing, learnSecrets: () => undefined },
    egress: { wire: createFakeWire(), door: nothing, settings: { posture: "closed", hosts: [] } },
    confinement: withNothingElse<Confinement>({ abilities: () => Promise.resolve(abilities), known: () => abilities }),
    policies: {
      engine: () => late.engine,
      version: () => 1,
      reload: () => Promise.resolve(),
      examples: () => Promise.resolve([]),
    },
    facts: { bootId: "boot" } as Means["facts"],
    denyRules: [],
    ruleFile: {
      path: "gating.toml",
      first: [],
      read: () => Promise.resolve({ kind: "rules", placed: contracts }),
      watch(changed) {
        late.changed = changed;
        return { isWatching: true, [Symbol.dispose]: () => {} };
      },
    },
    askPatterns: [],
    isHubFile: () => false,
    realFolder: (folder: string) => Promise.resolve(folder),
    approvalTimeoutMs,
  };
  return { known, late, clock, chance, log, errors, redactor, blobs };
}

const storedToken = (token: OracleHubOptions["tokens"][number]): StoredNamedToken => ({
  ...token,
  hash: digestOf(token.name) ?? "",
  createdAtMs: startMs,
  expiresAtMs: farMs,
  lifeMs: farMs - startMs,
});

/** Whatever is asked of what no handler will ask: more of the same. */
const nothing: never = new Proxy(() => nothing, {
  // What can be waited for would be waited for without end.
  get: (_target, name) => (name === "then" ? undefined : nothing),
  apply: () => nothing,
}) as never;

/** What a domain of tomorrow is given besides: it is not asked while nothing runs. */
const withNothingElse = <T extends object>(known: Partial<T>): T =>
  new Proxy(known, { get: (target, name) => (name in target ? Reflect.get(target, name) : nothing) }) as T;

function exchanger(answerOf: OracleHubOptions["answerOf"], reached: Set<string>): (domain: Domain) => Domain {
  const exchanged = ({ operation, run }: Bound): Bound => ({
    operation,
    run(input, ctx) {
      if (ctx.corrId.startsWith(controlPrefix)) return run(input, ctx);
      reached.add(ctx.corrId);
      return operation.mode === "many" ? noItems() : answerOf(operation);
    },
  });
  return (domain) => {
    const { start, ...rest } = domain;
    // What runs work under is written down behind them, by calls of the hub's own that would count among those asked about.
    const isLeftOut = start === undefined || domain.name === "capsules";
    return { ...rest, ...(isLeftOut ? {} : { start }), operations: domain.operations.map(exchanged) };
  };
}

async function* noItems(): AsyncGenerator<never> {}
