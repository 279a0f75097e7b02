/** The list of what the hub can do. A new domain is one line here. */
import { type Label, labels } from "../contract/caller.ts";
import type { Domain } from "../contract/domain.ts";
import { type Audit, createAudit } from "../domains/audit/service.ts";
import type { AgentProgram } from "../domains/agents/contract.ts";
import { createWitness } from "../domains/agents/outside.ts";
import { runs } from "../domains/agents/views.ts";
import type { Backups } from "../domains/backup/port.ts";
import { createBackup } from "../domains/backup/service.ts";
import type { Doctor } from "../domains/doctor/port.ts";
import { createDoctor } from "../domains/doctor/service.ts";
import type { Source } from "../domains/approvals/contract.ts";
import type { LeaseDesk } from "../domains/approvals/decide.ts";
import { createApprovals } from "../domains/approvals/service.ts";
import type { PriceLists } from "../domains/budgets/port.ts";
import { type Budgets, createBudgets } from "../domains/budgets/service.ts";
import { parseAllowance } from "../domains/budgets/syntax.ts";
import { createChat } from "../domains/chat/service.ts";
import { createCalculator } from "../domains/calculator/service.ts";
import { type ConsumerReaders, createConsumers } from "../domains/consumers/service.ts";
import type { EgressSettings } from "../domains/egress/leases.ts";
import type { ProxyDoor, Wire } from "../domains/egress/port.ts";
import { createEgress, type Egress, type EgressDeps } from "../domains/egress/service.ts";
import { createEpisodes } from "../domains/episodes/service.ts";
import { episodes } from "../domains/episodes/views.ts";
import { createEvents } from "../domains/events/service.ts";
import type { Folders } from "../domains/fs/port.ts";
import { createFolderReader, type FolderReader, type LearningRedactor } from "../domains/fs/reader.ts";
import { createFs } from "../domains/fs/service.ts";
import { createTextFiles } from "../domains/fs/text-files.ts";
import { createWholeFiles } from "../domains/fs/whole-files.ts";
import { createHalt } from "../domains/halt/service.ts";
import { createMcp } from "../domains/mcp/service.ts";
import { Chat, Complete, Embed, Rerank, Stream } from "../domains/models/contract.ts";
import { createModels } from "../domains/models/service.ts";
import type { ProfileFiles } from "../domains/profiles/port.ts";
import { createNotes } from "../domains/notes/service.ts";
import { createProjects } from "../domains/projects/service.ts";
import { createQuestions } from "../domains/questions/service.ts";
import { createProvenance, type Provenance } from "../domains/provenance/service.ts";
import type { RuleFile } from "../domains/gating/port.ts";
import { createGating, type Gating } from "../domains/gating/service.ts";
import type { DenyRule } from "../domains/gating/sources.ts";
import type { HierarchyState } from "../domains/hierarchy/contract.ts";
import { createHierarchy } from "../domains/hierarchy/service.ts";
import { createPolicy } from "../domains/policy/service.ts";
import type { SampleFolder } from "../domains/scout/port.ts";
import type { Frontier, JournalFiles, RetentionRule } from "../domains/journal/port.ts";
import { createLeases, type LeasesDeps, type LeasesService } from "../domains/leases/service.ts";
import { erase } from "../domains/journal/retention.ts";
import { createJournalKeeper } from "../domains/journal/service.ts";
import type { PolicySet } from "../domains/policy/engine-port.ts";
import { explainRulings } from "../domains/policy/explain-rulings.ts";
import { createRulings } from "../domains/policy/rulings.ts";
import type { SolverSeat } from "../domains/prove/port.ts";
import { createRecipes } from "../domains/recipes/service.ts";
import type { FolderNotices, RecipeFiles } from "../domains/schedules/port.ts";
import { createSchedules } from "../domains/schedules/service.ts";
import { createScout } from "../domains/scout/service.ts";
import { createSecrets, type SecretsDeps } from "../domains/secrets/service.ts";
import type { Confinement } from "../domains/shell/port.ts";
import type { HubFacts } from "../domains/system/port.ts";
import { createSystem } from "../domains/system/service.ts";
import { createTasks } from "../domains/tasks/service.ts";
import { createTime } from "../domains/time/service.ts";
import { createText } from "../domains/text/service.ts";
import { createUndo } from "../domains/undo/service.ts";
import { createWeb } from "../domains/web/service.ts";
import { createAccess } from "../domains/access/service.ts";
import { composeShell } from "./confine-seat.ts";
import { createServerStarter } from "./mcp-starter.ts";
import type { ModelSeat } from "./model-seat.ts";
import { openProve } from "./prove-seat.ts";
import { recipeText } from "./recipe-text.ts";
import { recordsCheck } from "./records-check.ts";
import { openWhatIf, type WhatIfSeat } from "./what-if-seat.ts";
import { capsuleRules, type CapsuleSeat } from "./capsule-seat.ts";
import type { RunCapsuleSeat } from "./run-capsule-seat.ts";
import { openRuns } from "./run-seat.ts";
import type { Composition, KernelParts } from "../kernel/create-kernel.ts";
import type { Table } from "../kernel/kernel.ts";
import type { BlobStore, Brake, Clock, Exits, Identity, Log } from "../kernel/ports.ts";
import { stateOperations } from "../kernel/state-operations.ts";
import { createTable } from "../kernel/table.ts";

/** What the services need beside the kernel. */
export interface Means {
  readonly access: { readonly domain: Domain; readonly identity: Identity };
  /** Agents beside the built-in one. */
  readonly programs: readonly AgentProgram[];
  readonly audit: Audit;
  readonly backups: Backups;
  readonly doctor: Doctor;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly redactor: LearningRedactor;
  readonly folders: Folders;
  /** Whether that folder, or that path in it, belongs to the hub itself. */
  readonly isHubFile: (folder: string, path?: string) => boolean;
  readonly realFolder: (folder: string) => Promise<string>;
  readonly journal: {
    readonly files: JournalFiles;
    readonly rules: readonly RetentionRule[];
    readonly frontier: Frontier;
  };
  readonly sample: SampleFolder;
  readonly consumerReaders: ConsumerReaders;
  readonly capsules: Omit<CapsuleSeat, "door">;
  readonly runCapsules: RunCapsuleSeat;
  readonly secrets: SecretsDeps;
  readonly egress: { readonly wire: Wire; readonly door: ProxyDoor; readonly settings: EgressSettings };
  readonly confinement: Confinement;
  readonly shell: { readonly isEnabled: boolean };
  readonly schedules: { readonly files: RecipeFiles; readonly notices: FolderNotices };
  readonly models: ModelSeat;
  readonly profileFiles: ProfileFiles;
  readonly facts: HubFacts;
  readonly policies: PolicySet;
  readonly solver: SolverSeat;
  readonly whatIf: WhatIfSeat;
  readonly prices: PriceLists;
  readonly denyRules: readonly DenyRule[];
  readonly ruleFile: RuleFile;
  readonly askPatterns: readonly string[];
  readonly approvalTimeoutMs: number;
}

/** Whoever asks a model: what was asked and answered is recorded. */
const modelCalls: ReadonlySet<string> = new Set([Chat, Stream, Complete, Embed, Rerank].map(({ id }) => id));

export function composeDomains(means: Means, parts: KernelParts): Composition {
  const { clock, log, redactor, policies } = means;
  const hierarchy = createHierarchy({ parts });
  const gating = createGating({ parts, clock, log, hierarchy, denyRules: means.denyRules, file: means.ruleFile });
  const approvals = openApprovals(means, parts, () => ({ brake: halt.brake, desk: leases.desk, exits: egress.exits }));
  const budgets = createBudgets({ parts, clock, log, lists: means.prices });
  const leases = openLeases({ parts, clock, openings: () => egress.openings(), halted: () => halt.brake.signal });
  const house = houseOf(means, hierarchy);
  const rulings = openRulings(means, { egress: () => egress, house, leases });
  const recipes = createRecipes({ parts, text: recipeText, policy: rulings });
  const run = openRuns(means, parts, { recipe: recipes.program, policy: rulings, contracts: gating.contracts });
  const reader = createFolderReader({ folders: means.folders, redactor });
  const secrets = createSecrets(means.secrets);
  const rules = { gate: gating.gate, policy: rulings, budget: budgets.port, leaseEnds: leases.signalOf };
  const egress = openEgress(means, { parts, secrets, ...rules });
  const shell = composeShell(means, { passes: egress.children, reader });
  const starter = createServerStarter(shell.starter, secrets);
  const mcp = createMcp({ parts, clock, redactor, courier: egress.courier, starter });
  const provenance = openProvenance(means, parts, gating);
  const questions = createQuestions({ ...means, parts, timeoutMs: means.approvalTimeoutMs });
  const stages = [gating.explain, explainRulings(rulings), budgets.explain];
  const enders = [approvals.withdrawAll, questions.endAll, egress.endAll, shell.endAll, mcp.endAll, leases.endAll];
  const halt = createHalt({ parts, clock, enders });
  return {
    identity: means.access.identity,
    brake: halt.brake,
    gate: gating.gate,
    policy: rulings,
    approvals: approvals.port,
    budget: budgets.port,
    exits: egress.exits,
    leases: leases.port,
    witness: createWitness({ parts, redactor, log, always: modelCalls, clock }),
    domains: [
      // First: no other domain may start before the rules that were put are in force.
      gating.domain,
      means.access.domain,
      // Before agents: what is left of a session is no run that could go on.
      mcp.domain,
      ...run.domains,
      approvals.domain,
      ...upkeepOf(means, parts),
      budgets.domain,
      createChat({ parts, labelsOf: labelsIn(parts), erase: (events, ctx) => erase(parts, events, ctx) }),
      egress.domain,
      createEpisodes({ parts }),
      createEvents({ parts }),
      halt.domain,
      hierarchy.domain,
      createJournalKeeper({ parts, clock, onImported: both(gating.refresh, leases.refresh), ...means.journal }),
      leases.domain,
      createPolicy({ parts, stages, policies, rulings }),
      openProve(parts, { ...means, stages, isShut: (host, caller) => egress.isShut(host, caller) }),
      provenance.domain,
      questions.domain,
      recipes.domain,
      createSchedules({ parts, clock, log, halted: () => halt.brake.signal, ...means.schedules }),
      secrets.domain,
      shell.domain,
      createSystem({
        parts,
        facts: withChecks(means.facts, [gating, budgets, provenance, shell, recordsCheck(() => parts.recorder)]),
      }),
      openWhatIf(means, parts, { house, runs: { ...run, budgetOf: budgets.trial } }),
      ...worldOf(means, parts, { reader, courier: egress.courier, meter: budgets.meter }),
    ],
  };
}

/** What every ruling rests on, those that are only tried as well. */
const houseOf = (means: Means, hierarchy: ReturnType<typeof createHierarchy>) => ({
  engine: () => means.policies.engine(),
  askPatterns: means.askPatterns,
  self: () => placeOf(hierarchy.current()),
  isHubFile: means.isHubFile,
});

interface RulingMeans {
  readonly house: ReturnType<typeof houseOf>;
  readonly egress: () => Egress;
  readonly leases: LeasesService;
}

const openRulings = ({ confinement, realFolder }: Means, { house, egress, leases }: RulingMeans) =>
  createRulings({
    ...house,
    isOpen: (host, caller) => egress().isOpen(host, caller),
    isShut: (host, caller) => egress().isShut(host, caller),
    isUnconfined: async () => !(await confinement.abilities()).confinesFiles,
    leases: leases.book,
    realFolder,
  });

interface World {
  readonly reader: FolderReader;
  readonly courier: Egress["courier"];
  readonly meter: Budgets["meter"];
}

/** What agents and people work with: files, the web, models, and what is made of them. */
const worldOf = (means: Means, parts: KernelParts, { reader, courier, meter }: World): readonly Domain[] => [
  createCalculator(),
  createFs({ reader, recorder: () => parts.recorder }),
  createModels({ parts, clock: means.clock, courier, meter, ...means.models }),
  createNotes({ parts, redactor: means.redactor, erase: (events, ctx) => erase(parts, events, ctx) }),
  createProjects({ parts }),
  createScout({ parts, blobs: means.blobs, sample: means.sample }),
  createText({ files: createTextFiles(reader) }),
  createTime({ zone: () => new Intl.DateTimeFormat().resolvedOptions().timeZone }),
  createUndo({
    parts,
    files: createWholeFiles(reader),
    isRunning: (episode) => parts.kernel.views.get(runs, episode)?.status === "running",
  }),
  createWeb({ courier }),
];

/** What looks after the hub's own state. */
const upkeepOf = (means: Means, parts: KernelParts): readonly Domain[] => [
  means.audit.domain(parts),
  createBackup({ backups: means.backups }),
  createDoctor({ doctor: means.doctor }),
  createConsumers({ parts, clock: means.clock, readers: means.consumerReaders }),
  createTasks({ parts }),
];
const openApprovals = (
  { blobs, clock, log, redactor, approvalTimeoutMs: timeoutMs }: Means,
  parts: KernelParts,
  late: () => { readonly brake: Brake; readonly desk: LeaseDesk; readonly exits: Exits },
) =>
  createApprovals({
    blobs,
    clock,
    log,
    redactor,
    timeoutMs,
    parts,
    brake: () => late().brake,
    leases: () => late().desk,
    exits: () => late().exits,
    sourcesOf: sourcesIn(parts),
  });

/** What a run has read that nobody declassified, for the questions that it asks. */
const sourcesIn =
  (parts: KernelParts) =>
  (corrId: string): readonly Source[] =>
    (parts.kernel.views.get(episodes, corrId)?.sources ?? [])
      .filter(({ isDeclassified }) => !isDeclassified)
      .map(({ label, step, tool, summary }) => ({ label, step, tool, summary }));

/** What a run was given and has read; of a run that nobody knows any more, anything. */
const labelsIn =
  (parts: KernelParts) =>
  (corrId: string): readonly Label[] => {
    const row = parts.kernel.views.get(episodes, corrId);
    if (row === undefined || row.sourcesMore > 0) return labels;
    const read = row.sources.filter(({ isDeclassified }) => !isDeclassified).map(({ label }) => label);
    return [...new Set([...row.givenLabels, ...read])];
  };

type GivenEgress = Omit<EgressDeps, keyof Means["egress"] | "clock" | "redactor">;
const openEgress = ({ clock, redactor, egress }: Means, given: GivenEgress): Egress =>
  createEgress({ clock, redactor, ...egress, ...given });

const both = (first: () => void, second: () => void) => (): void => {
  first();
  second();
};

/** A budget of a lease is read as an allowance of one run is. */
const openLeases = (deps: Omit<LeasesDeps, "readAmount">): LeasesService =>
  createLeases({ ...deps, readAmount: (text) => parseAllowance(`${text}/run`) });

const placeOf = ({ id, role, tags }: HierarchyState["self"]) => ({ node: id, role, tags });

function openProvenance(means: Means, parts: KernelParts, gating: Gating): Provenance {
  const { capsules, clock, log, facts } = means;
  const provenance = createProvenance({
    ...capsules,
    parts,
    clock,
    log,
    rules: capsuleRules(gating),
    bootId: facts.bootId,
  });
  capsules.serve(provenance);
  return provenance;
}

type Check = Awaited<ReturnType<HubFacts["checks"]>>[number];

const withChecks = (facts: HubFacts, checked: readonly { health(): Check }[]): HubFacts => ({
  ...facts,
  checks: async () => [...(await facts.checks()), ...checked.map((each) => each.health())],
});

/** The table without a hub, for documents, help texts and clients: nothing in it can be called. */
export function contractTable(): Table {
  const nothing = new Proxy({}, { get: () => nothing }) as never;
  const access = createAccess({
    token: { salt: "", hash: "" },
    sessions: { stored: [], store: { save: async () => undefined } },
    randomBytes: (count) => new Uint8Array(count),
    tokens: { stored: { salt: "", tokens: [] }, store: { save: async () => undefined } },
    clock: { nowMs: () => 0, after: () => () => undefined },
    log: nothing,
    rates: { admin: { limit: 1, windowMs: 1 }, reads: { limit: 1, windowMs: 1 } },
    learnSecrets: () => undefined,
  });
  const means: Means = {
    access,
    programs: [],
    audit: createAudit({ trail: nothing, clock: nothing, redactor: nothing, log: nothing }),
    backups: nothing,
    doctor: nothing,
    blobs: nothing,
    clock: nothing,
    log: nothing,
    redactor: nothing,
    folders: nothing,
    isHubFile: nothing,
    realFolder: nothing,
    journal: { files: nothing, rules: [], frontier: nothing },
    sample: nothing,
    consumerReaders: nothing,
    capsules: { stored: [], store: nothing, isLedgerKept: false, serve: () => undefined },
    runCapsules: nothing,
    secrets: { stored: [], store: nothing, learnSecrets: nothing },
    egress: { wire: nothing, door: nothing, settings: { posture: "closed", hosts: [] } },
    confinement: nothing,
    shell: { isEnabled: false },
    schedules: nothing,
    models: { environment: nothing, runtimeOf: nothing },
    profileFiles: nothing,
    facts: nothing,
    policies: nothing,
    solver: nothing,
    whatIf: { trials: nothing, adopted: nothing },
    prices: { folder: "prices", first: [], template: "", read: nothing },
    denyRules: [],
    ruleFile: { path: "gating.toml", first: [], read: nothing, watch: nothing },
    askPatterns: [],
    approvalTimeoutMs: 1,
  };
  const { domains } = composeDomains(means, nothing);
  const views = domains.flatMap((domain) => domain.views);
  return createTable({ domains, derived: stateOperations(views, () => nothing) });
}
