/** Policies as proofs read them: parsed, with the real engine over exactly these, and the solver where it is installed. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { defaultPoliciesName } from "../adapters/cedar/default-policies.ts";
import { parsedDefaultPolicies } from "../adapters/cedar/default-policies.generated.ts";
import { createCedarEngine } from "../adapters/cedar/engine.ts";
import type { ParsedPolicy } from "../adapters/cedar/heads.ts";
import { readPolicies } from "../adapters/cedar/read-policies.ts";
import { cedarSchemaOf } from "../adapters/cedar/schema.ts";
import { createCedarLoader } from "../adapters/cedar/wasm.ts";
import { findZ3 } from "../adapters/z3/solver.ts";
import { z3SizeBytes, z3Version } from "../adapters/z3/pinned.ts";
import { formatBytes } from "../base/units.ts";
import type { Caller } from "../contract/caller.ts";
import type { Domain } from "../contract/domain.ts";
import type { Operation } from "../contract/operation.ts";
import { Problem } from "../contract/problem.ts";
import { parseAllowance } from "../domains/budgets/syntax.ts";
import { InvalidPolicies } from "../domains/policy/contract.ts";
import { groupsOf, type PolicyEngine, type PolicySet } from "../domains/policy/engine-port.ts";
import { createRulings } from "../domains/policy/rulings.ts";
import type { Said, Witness } from "../domains/prove/contract.ts";
import type { PolicyBook, PolicyReader, SolverSeat } from "../domains/prove/port.ts";
import type { ProveDeps } from "../domains/prove/desk.ts";
import { createProve } from "../domains/prove/service.ts";
import { callOf } from "../domains/prove/space.ts";
import type { Confinement } from "../domains/shell/port.ts";
import type { KernelParts } from "../kernel/create-kernel.ts";
import type { Clock } from "../kernel/ports.ts";
import { platformOf } from "./config/places.ts";
import { cedarProgram } from "./state-dir.ts";

export interface PolicyReaderOptions {
  readonly policies: Pick<PolicySet, "engine">;
  readonly operations: () => readonly Operation[];
  /** Tells the engines that are made here from those of other hubs in the process. */
  readonly name: string;
}

export function createPolicyReader({ policies, operations, name: owner }: PolicyReaderOptions): PolicyReader {
  let made = 0;
  const load = createCedarLoader(cedarProgram);
  const parsed = async (text: string, name: string): Promise<readonly ParsedPolicy[]> => {
    const read = readPolicies(await load(), [{ name, text }], cedarSchemaOf(operations()));
    if (read.faults.length > 0) throw refused(read.faults);
    return read.policies;
  };
  // Parsed and checked once for each set that comes into force.
  const books = new WeakMap<PolicyEngine, Promise<PolicyBook>>();
  const bookInForce = async (engine: PolicyEngine): Promise<PolicyBook> => {
    const own = engine.policies.filter(({ id }) => !parsedDefaultPolicies.some((each) => each.id === id));
    // One after the other they are read in their order; ids and places stay those of their files.
    const again = own.length === 0 ? [] : await parsed(own.map(({ text }) => text).join("\n"), "policies");
    assert.equal(again.length, own.length, "the policies in force are read as they were");
    const all = again.map((each, place) => ({ ...each, ...own[place] }));
    return bookOf(engine, [...parsedDefaultPolicies, ...all], operations);
  };
  return {
    groupsOf,
    inForce() {
      const engine = policies.engine();
      const book = books.get(engine) ?? bookInForce(engine);
      books.set(engine, book);
      return book;
    },
    async read(text, { name, hasDefaults }) {
      const own = await parsed(text, name);
      const taken = own.filter(({ id }) => hasDefaults && parsedDefaultPolicies.some((each) => each.id === id));
      if (taken.length > 0)
        throw refused(
          taken.map(({ id, source }) => ({
            at: source,
            message: `the id ${id} belongs to one of the ${defaultPoliciesName}`,
            hint: null,
          })),
        );
      const all = hasDefaults ? [...parsedDefaultPolicies, ...own] : own;
      return bookOf(createCedarEngine({ policies: all, load, name: `prove:${owner}:${(made += 1)}` }), all, operations);
    },
  };
}

/** Where the solver is installed. */
export const z3Folder = (stateDir: string): string => join(stateDir, "engines", "z3");

/** The command that installs it. */
export const solverWords = "arw prove solver";

export const createSolverSeat = (stateDir: string): SolverSeat => ({
  name: `z3 ${z3Version}`,
  version: z3Version,
  next: `${solverWords} installs it (${formatBytes(z3SizeBytes)})`,
  find: () => Promise.resolve(findZ3(z3Folder(stateDir))),
});

interface Seated {
  readonly policies: PolicySet;
  readonly solver: SolverSeat;
  readonly askPatterns: readonly string[];
  readonly stages: ProveDeps["stages"];
  readonly clock: Pick<Clock, "soon">;
  readonly confinement: Pick<Confinement, "abilities">;
  /** Whether nothing opens that host to the caller. */
  readonly isShut: (host: string, caller: Caller) => boolean;
}

export function openProve(parts: KernelParts, { policies, clock, confinement, isShut, ...given }: Seated): Domain {
  const operations = () => [...parts.kernel.table.operations.values()].map((each) => each.operation);
  const reader = createPolicyReader({ policies, operations, name: parts.node });
  return createProve({
    ...given,
    parts,
    reader,
    readAllowance(text) {
      const terms = parseAllowance(text);
      return "fault" in terms ? null : terms;
    },
    platform: platformOf(process.platform),
    soon: clock.soon,
    canLeave: (host, caller) => !isShut(host, caller),
    isUnconfined: async () => !(await confinement.abilities()).confinesFiles,
  });
}

const refused = (
  faults: readonly { readonly at: string; readonly message: string; readonly hint: string | null }[],
): Problem =>
  new Problem(
    InvalidPolicies,
    `the policies do not hold:\n${faults
      .slice(0, 5)
      .map(({ at, message }) => `${at}: ${message}`)
      .join("\n")}`,
    { faults: faults.slice(0, 20) },
  );

/** A set with the real engine over it. */
export const bookOf = (
  engine: PolicyEngine,
  policies: readonly ParsedPolicy[],
  operations: () => readonly Operation[],
): PolicyBook => ({ policies, rule: (call) => ruleOf(engine, call, operations()) });

/** The lattice over the engine, in a world that is exactly as the call says. */
async function ruleOf(engine: PolicyEngine, call: Witness, operations: readonly Operation[]): Promise<Said> {
  const { caller, scope } = callOf(call);
  const { capsule } = call;
  const rulings = createRulings({
    engine: () => engine,
    askPatterns: [],
    isOpen: () => call.isOpen,
    isUnconfined: () => Promise.resolve(call.isUnconfined === true),
    ...(capsule === undefined ? {} : { self: () => ({ role: capsule.role, node: capsule.node, tags: capsule.tags }) }),
  });
  const found = operations.find(({ id }) => id === call.operation);
  const { effect = "read", needs = [], isForPersons = false } = found ?? {};
  const ruling = await rulings.rule({
    operation: call.operation,
    key: call.key,
    caller,
    scope,
    effect,
    needs,
    isForPersons,
  });
  return { effect: ruling.effect, rule: ruling.rule, reason: ruling.reason.slice(0, 2000) };
}
