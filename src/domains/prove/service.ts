/** Answers questions about the rules for every call there could be. Nothing is called, counted or changed. */
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Delegate, RunStarted } from "../agents/contract.ts";
import { ask, type Found, type Question } from "./ask.ts";
import { startPoint, startsOf } from "./carried.ts";
import { confirmChild, confirmLeaving, confirmPair, confirmPassing, confirmRule } from "./confirm.ts";
import {
  changesMax,
  ListQuestions,
  type Proof,
  ProveChanged,
  ProveChild,
  ProveNetwork,
  ProveReachable,
  ProveStricter,
  ProveWrites,
  questionNames,
  type QuestionName,
  UnknownRule,
  type Witness,
} from "./contract.ts";
import { decideInTurns, type Point } from "./decide.ts";
import { declaredBy, type Desk, open, type ProveDeps, spaceOf } from "./desk.ts";
import { fits } from "./fits.ts";
import { all, type Formula } from "./formula.ts";
import type { ListedContract } from "./in-force.ts";
import type { PolicyBook } from "./port.ts";
import {
  childExceeds,
  contractDecides,
  encodeAll,
  permitsMore,
  policyDecides,
  questionRow,
  reachesNetwork,
  saysOtherwise,
  writesOutside,
} from "./questions.ts";
import { witnessOf } from "./space.ts";
import {
  alikeChange,
  doubtOf,
  leftOut,
  lookedAt,
  type Narrowed,
  narrowedWords,
  nextOf,
  notModelledIn,
  outsideOf,
  policiesText,
  textOf,
} from "./told.ts";

export const createProve = (deps: ProveDeps): Domain => ({
  name: "prove",
  operations: [
    bind(ListQuestions, () => listQuestions(deps)),
    bind(ProveNetwork, async ({ agent }, ctx) => {
      const desk = await open(deps, ctx, agent);
      const starts = startsOf(desk, desk.whose);
      const startOf = (point: Point): Witness | null => {
        const start = startPoint(point, starts);
        return start === null ? null : witnessOf(start, desk.telling);
      };
      const refuted = reachesNetwork(desk, desk.whose);
      return await answered("network", desk, { refuted, confirm: confirmLeaving(desk.engines, startOf) });
    }),
    bind(ProveWrites, async ({ agent, inFolder }, ctx) => {
      const desk = await open(deps, ctx, agent);
      const { rules, space, whose } = desk;
      const refuted = writesOutside(rules, space, { whose, inFolder: inFolder ?? null });
      const asking = { refuted, confirm: confirmPassing(desk.engines), folder: inFolder };
      return await answered("writes-outside", desk, asking);
    }),
    bind(ProveChild, async ({ agent }, ctx) => await child(agent, await open(deps, ctx), ctx)),
    bind(ProveReachable, async ({ rule }, ctx) => await reachable(rule, await open(deps, ctx))),
    bind(ProveStricter, (input, ctx) => compared("stricter", input, { deps, ctx })),
    bind(ProveChanged, (input, ctx) => compared("changed", input, { deps, ctx })),
  ],
  events: [],
  views: [],
});

async function listQuestions({ solver }: ProveDeps): Promise<Static<typeof ListQuestions.output>> {
  const isInstalled = (await solver.find()) !== null;
  const { name, version, next } = solver;
  return {
    questions: questionNames.map(questionRow),
    solver: { name, version, isInstalled, ...(isInstalled ? {} : { next }) },
  };
}

/** The signal is that of the call: nobody waits for an answer that came too late. */
const restOf =
  ({ soon }: ProveDeps, { signal }: Context) =>
  async (): Promise<void> => {
    await new Promise<void>((resolve) => soon(resolve));
    signal.throwIfAborted();
  };

interface Asking {
  readonly refuted: Formula;
  readonly confirm: Question["confirm"];
  /** Where nothing is to be changed outside of it, whatever was granted. */
  readonly folder?: string | undefined;
}

async function answered(name: QuestionName, desk: Desk, { refuted, confirm, folder }: Asking): Promise<Proof> {
  const found = await askedAt(desk, { refuted, confirm, examplesMax: 1 });
  const told = toldBy(desk);
  return proofOf(name, found, { ...told, narrowed: { ...told.narrowed, folder } });
}

/** Asks what is to be refuted of every call there could be, within the time of the question. */
const askedAt = async (
  { deps, ctx, space, telling }: Pick<Desk, "deps" | "ctx" | "space" | "telling">,
  question: Pick<Question, "refuted" | "confirm" | "examplesMax" | "alike">,
): Promise<Found> =>
  await ask({
    ...question,
    domains: space.domains,
    solver: await deps.solver.find(),
    signal: ctx.signal,
    rest: restOf(deps, ctx),
    witnessOf: (point) => witnessOf(point, telling),
    fits: (call) => fits(call, space.operations),
  });

const toldBy = ({ deps, rules, facts, whose }: Desk): About => ({
  deps,
  notModelled: notModelledIn(rules.policies),
  lookedAt: lookedAt(rules, facts, whose),
  isOfOne: whose !== null,
  isInPlace: whose?.place !== undefined,
  narrowed: { agent: whose?.agent },
});

interface About {
  readonly notModelled: readonly string[];
  readonly lookedAt: readonly string[];
  readonly isOfOne: boolean;
  readonly isInPlace?: boolean;
  readonly narrowed: Narrowed;
  readonly deps: ProveDeps;
  readonly subject?: string;
}

function proofOf(name: QuestionName, given: Found, about: About): Proof {
  const { notModelled, deps, subject, isOfOne, isInPlace } = about;
  const found = { ...given, doubt: doubtOf(given.doubt, notModelled) };
  const { claim } = questionRow(name);
  const next = nextOf(found, deps.solver);
  return {
    question: name,
    claim: narrowedWords(subject === undefined ? claim : claim.replace("the rule", subject), about.narrowed),
    answer: found.answer,
    text: narrowedWords(textOf(name, found, subject), about.narrowed),
    examples: [...found.examples],
    isComplete: found.isComplete,
    checkedBy: [...found.checkedBy],
    lookedAt: [...about.lookedAt],
    // What is proved, and what was found, holds whatever those policies say.
    notModelled: [...(found.answer === "unknown" ? notModelled : []), ...outsideOf({ name, isOfOne, isInPlace })],
    leftOut: [...leftOut(name)],
    ...(next === undefined ? {} : { next }),
  };
}

async function reachable(rule: string, desk: Desk): Promise<Proof> {
  const { rules, space, book, engines } = desk;
  const isPolicy = rules.policies.some(({ id }) => id === rule);
  const isContract = rules.contracts.some(({ id }) => id === rule);
  if (!isPolicy && !isContract)
    throw new Problem(UnknownRule, `no policy and no contract in force is called ${rule}`, {
      next: "arw policy list, or arw gate contracts",
    });
  const refuted = isPolicy ? policyDecides(rules.policies, space, rule) : contractDecides(rules, space, rule);
  const confirm = confirmRule(rule, isPolicy ? { book } : { engines });
  const found = await askedAt(desk, { refuted, confirm, examplesMax: 1 });
  const quota = desk.facts.contracts.find((each) => each.id === rule && each.quotaLimit !== undefined);
  const isDoubted = found.answer === "unknown" && quota !== undefined;
  const doubt = isDoubted ? quotaDoubt(quota) : found.doubt;
  const proof = proofOf("reachable", { ...found, doubt }, { ...toldBy(desk), subject: rule });
  return proof.answer === "proved" ? { ...proof, text: await deadText(rule, desk) } : proof;
}

/** A rule that matches no call is a mistake; one that others always decide before is only idle. */
async function deadText(rule: string, { rules, space, deps, ctx }: Desk): Promise<string> {
  const matches = [...rules.policies, ...rules.contracts].find(({ id }) => id === rule)?.matches ?? false;
  const matched = await decideInTurns(all([matches, space.possible]), space.domains, restOf(deps, ctx));
  if (matched.kind === "none") return `Proved: ${rule} never decides; it matches no call that there could be.`;
  return `Proved: ${rule} never decides; of every call that it matches other rules decide.`;
}

/** One call alone never meets it, so there is none to show. */
const quotaDoubt = ({ id, quotaLimit = 0, quotaWindowSecs = 0 }: ListedContract): string =>
  `${id} is a quota, and decides only about what is above ${quotaLimit} calls in ${quotaWindowSecs} s, which no single call is`;

/** Who declares no tool that starts an agent has no children, whatever the rules say. */
async function child(agent: string | undefined, desk: Desk, ctx: Context): Promise<Proof> {
  const { rules, space, telling, deps } = desk;
  const declared = agent === undefined ? null : await declaredBy(agent, deps, ctx);
  const isParent = (id: string): boolean =>
    id === Delegate.id || space.operations.get(id)?.emits.some(({ kind }) => kind === RunStarted.kind) === true;
  const isChildless = declared !== null && !declared.tools.some(isParent);
  const refuted = isChildless ? false : childExceeds(rules, space, agent ?? null);
  const proof = await answered("child", desk, { refuted, confirm: confirmChild(desk.engines, telling.runs) });
  return isChildless ? { ...proof, text: `Proved: ${agent} starts no agent; none of its tools does.` } : proof;
}

interface Comparing {
  readonly deps: ProveDeps;
  readonly ctx: Context;
}

async function compared(
  name: "stricter" | "changed",
  input: Static<typeof ProveStricter.input>,
  { deps, ctx }: Comparing,
): Promise<Proof> {
  const nowMs = ctx.now();
  const space = spaceOf(deps, nowMs);
  const hasDefaults = input.isAlone !== true;
  const bookOf = (text: string, which: string): Promise<PolicyBook> => {
    if (text.trim() === "now") return deps.reader.inForce();
    const own = text.trim() === "default" ? "" : text;
    return deps.reader.read(own, { name: `${which} policies`, hasDefaults: hasDefaults || own === "" });
  };
  const [one, two] = [await bookOf(input.first, "first"), await bookOf(input.second, "second")];
  const sets = { first: encodeAll(one.policies, space), second: encodeAll(two.policies, space), space };
  const isAllChanges = name === "changed";
  const at = { deps, ctx, space, telling: { nowMs, runs: new Set<string>() } };
  const found = await askedAt(at, {
    refuted: isAllChanges ? saysOtherwise(sets) : permitsMore(sets),
    confirm: confirmPair(one, two, { isAnyChange: isAllChanges }),
    examplesMax: isAllChanges ? changesMax : 1,
    alike: alikeChange(sets),
  });
  return proofOf(name, found, {
    notModelled: notModelledIn([...sets.first, ...sets.second]),
    lookedAt: [`${policiesText(sets.first)} of the first`, `${policiesText(sets.second)} of the second`],
    isOfOne: false,
    narrowed: {},
    deps,
  });
}
