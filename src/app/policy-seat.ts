/** The policies in force: the default set, and beside it what the user wrote in the folder `policies` of the state directory. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "smol-toml";
import { parsedDefaultPolicies } from "../adapters/cedar/default-policies.generated.ts";
import { createCedarEngine } from "../adapters/cedar/engine.ts";
import { readPolicyFolder } from "../adapters/cedar/policy-folder.ts";
import { answerFaults, type PolicyFault, readPolicies } from "../adapters/cedar/read-policies.ts";
import { cedarSchemaOf } from "../adapters/cedar/schema.ts";
import { createCedarLoader } from "../adapters/cedar/wasm.ts";
import type { Operation } from "../contract/operation.ts";
import { Problem } from "../contract/problem.ts";
import { checkerOf, closed, oneOf, type Static, Type } from "../contract/schema.ts";
import { InvalidPolicies } from "../domains/policy/contract.ts";
import type {
  PolicyEngine,
  PolicyExample,
  PolicySet,
  PolicyText,
  PolicyTrials,
  TrialEngine,
} from "../domains/policy/engine-port.ts";
import { cedarProgram } from "./state-dir.ts";

export interface PolicySeat extends PolicySet {
  /** Reads the folder. Throws `InvalidPolicies`, and the former set stays in force. */
  load(operations: readonly Operation[]): Promise<void>;
  /** Whether what was read last holds. */
  health(): { readonly name: string; readonly ok: boolean; readonly detail: string };
  readonly trials: PolicyTrials;
}

/** Faults that are shown; somebody who has more mends these first. */
const faultsShown = 5;

export function createPolicySeat(options: { readonly folder: string; readonly newId: () => string }): PolicySeat {
  const load = createCedarLoader(cedarProgram);
  const engineOf = (policies: typeof parsedDefaultPolicies, name = options.newId()): PolicyEngine =>
    createCedarEngine({ policies, load, name });
  let engine = engineOf(parsedDefaultPolicies);
  let version = 1;
  let fault: string | null = null;
  let known: readonly Operation[] = [];
  const read = async (): Promise<void> => {
    const files = await readFiles(options.folder);
    // Without own files nothing has to be parsed, and Cedar stays unloaded.
    if (files.length === 0) {
      engine = engineOf(parsedDefaultPolicies);
      return;
    }
    engine = engineOf(await withOwn(files));
  };
  const withOwn = async (
    files: readonly PolicyText[],
    defaults = parsedDefaultPolicies,
  ): Promise<typeof parsedDefaultPolicies> => {
    const { policies, faults } = readPolicies(await load(), files, cedarSchemaOf(known));
    const taken = policies.filter(({ id }) => defaults.some((each) => each.id === id));
    const all = [...defaults, ...policies];
    const wrong = [...faults, ...taken.map(({ id, source }) => takenFault(id, source)), ...answerFaults(all)];
    if (wrong.length > 0) throw refused(wrong);
    return all;
  };
  // Cedar keeps what it has parsed under names for ever, so a name that is free again is taken first.
  const freeNames: string[] = [];
  const onTrial = (all: typeof parsedDefaultPolicies): TrialEngine => {
    const name = freeNames.pop() ?? options.newId();
    return { ...engineOf(all, name), [Symbol.dispose]: () => void freeNames.push(name) };
  };
  const trials: PolicyTrials = {
    engine: async (change) => onTrial(await withOwn(change(await readFiles(options.folder)))),
    engineOf: async (files) => onTrial(await withOwn(files, [])),
  };
  return {
    engine: () => engine,
    version: () => version,
    async load(operations) {
      known = operations;
      await read();
    },
    async reload() {
      try {
        await read();
      } catch (error) {
        fault = error instanceof Error ? error.message.replaceAll("\n", " ") : String(error);
        throw error;
      }
      fault = null;
      version += 1;
    },
    health: () => ({
      name: "policies",
      ok: fault === null,
      detail:
        fault === null
          ? `version ${version}, ${engine.policies.length} in force`
          : `${fault}; the policies of version ${version} stay in force; mend the file, then: arw policy reload`,
    }),
    examples: () => readExamples(join(options.folder, "examples.toml")),
    trials,
  };
}

const Examples = closed({
  example: Type.Array(
    closed({
      name: Type.Optional(Type.String({ maxLength: 200 })),
      caller: Type.String({ maxLength: 200 }),
      operation: Type.String({ maxLength: 200 }),
      input: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      labels: Type.Optional(Type.Array(Type.String())),
      granted: Type.Optional(Type.Boolean()),
      expect: oneOf(["allow", "ask", "deny"]),
      rule: Type.Optional(Type.String()),
    }),
    { maxItems: 1000 },
  ),
});

/** None when there is no such file. */
async function readExamples(path: string): Promise<readonly PolicyExample[]> {
  const at = "policies/examples.toml";
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw refused([{ at, message: String(error), hint: null }]);
  });
  if (text === null) return [];
  const value = parsedToml(text, at);
  const checker = checkerOf(Examples);
  if (!checker.check(value))
    throw refused(checker.faults(value).map((each) => ({ at: `${at} ${each.at}`, message: each.message, hint: null })));
  return (value as Static<typeof Examples>).example.map((each, place) => ({
    at: `${at}, example ${place + 1}`,
    name: each.name ?? `${each.caller} ${each.operation}`,
    caller: each.caller,
    operation: each.operation,
    input: each.input ?? {},
    labels: each.labels ?? [],
    isGranted: each.granted ?? false,
    expect: each.expect,
    rule: each.rule ?? null,
  }));
}

function parsedToml(text: string, at: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw refused([{ at, message: error instanceof Error ? error.message : String(error), hint: null }]);
  }
}

async function readFiles(folder: string): ReturnType<typeof readPolicyFolder> {
  try {
    return await readPolicyFolder(folder);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw refused([{ at: "policies", message, hint: "Make the files readable, or move them away." }]);
  }
}

const takenFault = (id: string, at: string): PolicyFault => ({
  at,
  message: `the id ${JSON.stringify(id)} belongs to a default policy`,
  hint: "Give it an id of its own; a forbid closes what a default policy opens.",
});

function refused(faults: readonly PolicyFault[]): Problem {
  const lines = faults
    .slice(0, faultsShown)
    .map(({ at, message, hint }) => `${at}: ${message}${hint === null ? "" : ` (${hint})`}`);
  const more = faults.length > faultsShown ? `\nand ${faults.length - faultsShown} more` : "";
  return new Problem(InvalidPolicies, `the policies do not hold:\n${lines.join("\n")}${more}`, { faults });
}
