/** The questions: what each of them claims, as a formula over every call that would refute it. */
import type { QuestionName } from "./contract.ts";
import { byProgram, type Carrying, carried, staysIn } from "./carried.ts";
import { encodePolicy, type EncodedPolicy } from "./cedar-policy.ts";
import { all, any, choice, type Formula, flag, not, reduced, textIs, textWithin } from "./formula.ts";
import { decidesAmong, type InForce, programs, verdictsOf } from "./in-force.ts";
import type { ReadPolicy } from "./port.ts";
import { below, runText, type Space } from "./space.ts";

export interface QuestionRow {
  readonly name: QuestionName;
  readonly asks: string;
  readonly claim: string;
  readonly command: string;
}

const rows: Readonly<Record<QuestionName, Omit<QuestionRow, "name">>> = {
  network: {
    asks: "Can anything reach the network?",
    claim: "no agent, plugin or node reaches another machine unless a person says yes to that call",
    command: "arw prove network [--agent scout]",
  },
  "writes-outside": {
    asks: "Can a tool write outside its folder?",
    claim: "no agent, plugin or node changes files outside what a person granted unless a person says yes to that call",
    command: "arw prove writes-outside [--agent scout] [--in-folder /home/ada/notes]",
  },
  child: {
    asks: "Can a child agent do what its parent cannot?",
    claim: "no agent does by a run that it starts what it may not do itself",
    command: "arw prove child [--agent scout]",
  },
  reachable: {
    asks: "Is this rule ever reachable?",
    claim: "the rule decides about no call",
    command: "arw prove reachable RULE",
  },
  stricter: {
    asks: "Is the second set of policies at least as strict as the first?",
    claim: "the second policies permit nothing that the first do not",
    command: "arw prove stricter FILE FILE",
  },
  changed: {
    asks: "What changed between two versions?",
    claim: "both sets of policies say the same of every call",
    command: "arw prove changed FILE FILE",
  },
};

export const questionRow = (name: QuestionName): QuestionRow => ({ name, ...rows[name] });

export const encodeAll = (policies: readonly ReadPolicy[], space: Space): readonly EncodedPolicy[] =>
  policies.map((policy) => encodePolicy(policy, space));

/** Whose calls are looked at: any program's, or those of one agent by the tools that it declares. */
export interface Whose {
  readonly agent: string;
  readonly tools: readonly string[];
  /** Of an agent of a project: the hub gives each of its calls this folder and this project. */
  readonly place?: Place | undefined;
}

export interface Place {
  readonly folder: string;
  readonly project: string;
}

const callerIn = (whose: Whose | null): Formula =>
  whose === null ? programs : all([choice("kind", ["Agent"]), textIs("caller", whose.agent)]);
const callsOf = (whose: Whose | null, space: Space): Formula =>
  whose === null ? programs : all([callerIn(whose), choice("action", whose.tools), staysIn(whose, space)]);

/** A command that nothing confines does whatever its person can. */
const freely = all([choice("reached", ["Folder"]), flag("unconfined")]);

/** A call goes there itself, or a program does that a call started. */
export function reachesNetwork(carrying: Carrying, whose: Whose | null): Formula {
  const { rules, space } = carrying;
  const direct = all([not(byProgram), callsOf(whose, space), any([rules.leaves, freely]), rules.passes]);
  const program = all([callerIn(whose), rules.leaves, carried(carrying, whose)]);
  return all([any([direct, program]), rules.world, space.possible, space.here]);
}

export function writesOutside(
  rules: InForce,
  space: Space,
  asked: { readonly whose: Whose | null; readonly inFolder: string | null },
): Formula {
  // A program writes in the folder that it was started in.
  const isWriting = (need: string): boolean => need === "fs:write" || need === "exec";
  const writing = [...space.operations.values()].filter(({ needs }) => needs.some(isWriting)).map(({ id }) => id);
  const changes = any([all([choice("action", writing), choice("reached", ["Folder"])]), freely]);
  const { inFolder } = asked;
  const isOutside = inFolder === null ? false : not(insideFolder(inFolder));
  return all([
    callsOf(asked.whose, space),
    changes,
    any([not(flag("granted")), isOutside]),
    rules.world,
    rules.passes,
    space.possible,
    space.here,
  ]);
}

const insideFolder = (folder: string): Formula =>
  any([textIs("resource", folder), textWithin("resource", below(folder))]);

/** Two agents make the same call; `other` is the parent, and its run is no more than its own. */
export const childExceeds = (rules: InForce, space: Space, parent: string | null): Formula =>
  all([
    choice("kind", ["Agent"]),
    parent === null ? true : textIs("other", parent),
    rules.world,
    rules.passes,
    not(asOther(rules.passes)),
    space.possible,
    space.here,
    asOther(all([rules.world, space.possible])),
  ]);

/** Each of the two works in a run of its own. */
export const runOfOther = `${runText} of the other`;

const asOther = (formula: Formula): Formula =>
  reduced(formula, (atom) => {
    if (atom.is === "text" && atom.name === "caller") return textWithin("other", atom.language);
    if (atom.is === "text" && atom.name === runText) return textWithin(runOfOther, atom.language);
    // What depends on who calls; grants and labels are those of the run.
    const isOwn = atom.is === "flag" && /^(unknown:|fault:|open$)/.test(atom.name);
    return isOwn ? flag(`${atom.name} of the other`) : undefined;
  });

export const policyDecides = (policies: readonly EncodedPolicy[], space: Space, id: string): Formula =>
  all([decidesAmong(policies, id), space.possible]);

/** It matches, and no contract in front of it does. */
export function contractDecides(rules: InForce, space: Space, id: string): Formula {
  const place = rules.contracts.findIndex((each) => each.id === id);
  const before = rules.contracts.slice(0, place).filter(({ hasQuota }) => !hasQuota);
  const one = rules.contracts[place];
  if (one === undefined) return false;
  return all([one.matches, not(any(before.map(({ matches }) => matches))), rules.world, space.possible]);
}

export interface Sets {
  readonly first: readonly EncodedPolicy[];
  readonly second: readonly EncodedPolicy[];
  readonly space: Space;
}

/** The second lets pass, or asks about, what the first does not. */
export function permitsMore({ first, second, space }: Sets): Formula {
  const [one, two] = [verdictsOf(first), verdictsOf(second)];
  const more = any([all([two.allows, not(one.allows)]), all([two.asks, not(one.asks), not(one.allows)])]);
  return all([more, space.possible]);
}

export function saysOtherwise({ first, second, space }: Sets): Formula {
  const [one, two] = [verdictsOf(first), verdictsOf(second)];
  const differ = (a: Formula, b: Formula): Formula => any([all([a, not(b)]), all([b, not(a)])]);
  return all([any([differ(one.allows, two.allows), differ(one.asks, two.asks)]), space.possible]);
}
