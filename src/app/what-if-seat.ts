/** What what-if is given: rules to try over other policies, and the file of rules that were adopted from proposals. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Codec, StateFiles } from "../adapters/files/state-file.ts";
import { defaultPoliciesName } from "../adapters/cedar/default-policies.ts";
import { createKeyedMutex } from "../base/async.ts";
import type { Domain } from "../contract/domain.ts";
import { isProblem } from "../contract/problem.ts";
import { InvalidPolicies } from "../domains/policy/contract.ts";
import type { PolicyEngine, PolicyText, PolicyTrials, TrialEngine } from "../domains/policy/engine-port.ts";
import { createRulings, type RulingsOptions } from "../domains/policy/rulings.ts";
import { namelessPolicy } from "../domains/what-if/contract.ts";
import { type RuleInText, withoutRule, withRule } from "../domains/what-if/adopted-text.ts";
import type {
  AdoptedRules,
  Candidate,
  NamedRule,
  PlacedRule,
  RecordedRules,
  Rules,
  Trial,
  World,
} from "../domains/what-if/port.ts";
import { createWhatIf, type WhatIfDeps } from "../domains/what-if/service.ts";
import type { KernelParts } from "../kernel/create-kernel.ts";
import type { Clock, Policy } from "../kernel/ports.ts";

export interface WhatIfSeat {
  readonly trials: PolicyTrials;
  readonly adopted: AdoptedRules;
}

interface WhatIfNeeds {
  readonly house: House;
  readonly runs: WhatIfDeps["runs"];
}

export const openWhatIf = (
  { clock, whatIf }: { readonly clock: Clock; readonly whatIf: WhatIfSeat },
  parts: KernelParts,
  { house, runs }: WhatIfNeeds,
): Domain => {
  const { trials, adopted } = whatIf;
  return createWhatIf({ parts, clock, runs, adopted, rules: createTrialRules(house, trials) });
};

type House = Pick<RulingsOptions, "askPatterns" | "isHubFile" | "self" | "engine">;

/** Engines are asked as the corridor asks them, with the world as it is given with each call. */
export const createTrialRules = (house: House, trials: PolicyTrials): Rules => {
  const inForce = (): Trial => ({ ...trialOf(house.engine(), house), [Symbol.dispose]: () => undefined });
  const over = async (candidate: Candidate): Promise<Trial> =>
    disposing(await trials.engine((own) => filesWith(own, candidate)), house);
  return {
    inForce,
    over,
    async recorded(rules) {
      // Reading a set takes Cedar longer than a thousand calls.
      if (isInForce(rules, house)) return inForce();
      try {
        return disposing(await trials.engineOf(filesOf(rules.policies)), houseOfThen(rules, house));
      } catch (error) {
        // A record of an older hub may name what the table no longer has.
        if (isProblem(error, InvalidPolicies)) return null;
        throw error;
      }
    },
    async recordedOver(rules, candidate) {
      if (isInForce(rules, house)) return await over(candidate);
      const files = filesOf(rules.policies);
      const isOwn = ({ name }: PolicyText): boolean => name !== defaultPoliciesName;
      const own = filesWith(files.filter(isOwn), candidate);
      const defaults = files.filter((each) => !isOwn(each));
      return disposing(await trials.engineOf([...defaults, ...own]), houseOfThen(rules, house));
    },
  };
};

const houseOfThen = ({ askPatterns }: RecordedRules, house: House): House => ({ ...house, askPatterns });

function isInForce({ policies, askPatterns }: RecordedRules, house: House): boolean {
  const now = house.engine().policies;
  const isSame = ({ id, source, text }: NamedRule, place: number): boolean => {
    const each = now[place];
    return each?.id === id && each.source === source && each.text === text;
  };
  const isAskedAlike = askPatterns.join("\n") === house.askPatterns.join("\n");
  return isAskedAlike && policies.length === now.length && policies.every(isSame);
}

const disposing = (engine: TrialEngine, house: House): Trial => ({
  ...trialOf(engine, house),
  [Symbol.dispose]: () => engine[Symbol.dispose](),
});

/** Each policy on the line where it stood, which is its name where it has no id. */
function filesOf(policies: readonly NamedRule[]): readonly PolicyText[] {
  const files = new Map<string, string>();
  for (const { source, text } of policies) {
    const cut = source.lastIndexOf(":");
    const name = source.slice(0, cut);
    const before = files.get(name) ?? "";
    const missing = Math.max(0, Number(source.slice(cut + 1)) - before.split("\n").length);
    files.set(name, `${before}${"\n".repeat(missing)}${text} `);
  }
  return [...files].map(([name, text]) => ({ name, text }));
}

function filesWith(own: readonly PolicyText[], { text, name, isAlone = false }: Candidate): readonly PolicyText[] {
  const file = { name: name === undefined ? namelessPolicy : `policies/${name}`, text };
  return [...(isAlone ? [] : own.filter((each) => each.name !== file.name)), file];
}

function trialOf(engine: PolicyEngine, house: House): Omit<Trial, keyof Disposable> {
  const worlds = new Map<string, Policy>();
  const policyIn = (world: World): Policy => {
    const key = `${world.isOpen} ${world.isShut} ${world.isUnconfined} ${world.isLeased}`;
    const known = worlds.get(key) ?? rulingsIn(world, engine, house);
    worlds.set(key, known);
    return known;
  };
  return { policies: engine.policies, rule: (call, world) => policyIn(world).rule(call) };
}

const rulingsIn = (world: World, engine: PolicyEngine, house: House): Policy =>
  createRulings({
    ...house,
    engine: () => engine,
    isOpen: () => world.isOpen,
    isShut: () => world.isShut,
    isUnconfined: () => Promise.resolve(world.isUnconfined),
    leases: { covering: () => (world.isLeased ? { leaseId: "then", grantedBy: "a person" } : null) },
  });

const adoptedName = "adopted.cedar";
const textCodec: Codec<string> = {
  parse: (bytes) => new TextDecoder().decode(bytes),
  format: (text) => new TextEncoder().encode(text),
};

interface AdoptedOptions {
  /** The folder of the user's policies. */
  readonly folder: string;
  readonly files: StateFiles;
  readonly trials: PolicyTrials;
}

export function createAdoptedRules({ folder, files, trials }: AdoptedOptions): AdoptedRules {
  const turns = createKeyedMutex();
  const name = `policies/${adoptedName}`;
  const file = files.open({ path: join(folder, adoptedName), codec: textCodec, keepsBackup: false });
  const write = async (text: string): Promise<void> => {
    // Held against the rules first: what is not valid is never written.
    using engine = await trials.engine((own) => [...own.filter((each) => each.name !== name), { name, text }]);
    void engine;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await file.write(text);
  };
  return {
    put: (rule) =>
      turns.run(name, async () => {
        const made = withRule(await file.read(), rule);
        await write(made.text);
        return placed(made);
      }),
    take: (id) =>
      turns.run(name, async () => {
        const left = withoutRule((await file.read()) ?? "", id);
        if (left === null) return null;
        await write(left.text);
        return placed(left);
      }),
  };
}

const placed = ({ line, rule }: RuleInText): PlacedRule => ({ place: `policies/${adoptedName}:${line}`, text: rule });
