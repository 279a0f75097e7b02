/** A call that a solver found, asked of the real engine. What it sees otherwise is shown to nobody. */
import { egressKey } from "../../contract/gate-keys.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Operation } from "../../contract/operation.ts";
import { parseEndpoint } from "../../base/web-address.ts";
import type { ExplainStage, Question, StageAnswer } from "../policy/contract.ts";
import type { Confirmed, Said, Witness } from "./contract.ts";
import type { Point } from "./decide.ts";
import { fits } from "./fits.ts";
import type { PolicyBook } from "./port.ts";
import { runOfOther } from "./questions.ts";
import { samplesOf } from "./reach.ts";
import { callOf } from "./space.ts";
import { callText } from "./told.ts";

export interface Engines {
  readonly stages: readonly ExplainStage[];
  readonly operations: ReadonlyMap<string, Operation>;
  readonly nowMs: number;
  readonly canLeave: (host: string, caller: Caller) => boolean;
  /** What the file of the agent asks about each time, where one agent is looked at. */
  readonly asks?: readonly string[];
}

/** The engine says that it passes, but later: something is used up until then. */
export interface Later {
  readonly laterMs: number;
}
export type Confirmation = Confirmed | Later | null;
type Confirm = (call: Witness, point: Point) => Promise<Confirmation>;

interface Walk {
  readonly said: Said;
  /** Epoch milliseconds from which on it may pass. */
  readonly laterMs: number | null;
}

/** What the deciding stages of the corridor say of the call, one after the other. */
async function walked(call: Witness, engines: Engines): Promise<Walk> {
  const [first, ...others] = await Promise.all(
    inputsOf(call, engines).map((input) => walkedWith(questionOf(call, input, engines), engines.stages)),
  );
  return others.find((each) => each.said.effect === "allow") ?? (first as Walk);
}

function questionOf(call: Witness, input: unknown, { operations, nowMs, asks = [] }: Engines): Question {
  const { caller, scope } = callOf(call);
  return {
    key: call.key,
    operation: operations.get(call.operation) ?? null,
    caller: asks.length === 0 ? caller : { ...caller, asks: [...asks] },
    input,
    scope,
    tags: [],
    atMs: call.atMs ?? nowMs,
    ...(call.run === undefined ? {} : { corrId: call.run }),
  };
}

/** Ceilings read the cost of a call out of its input: a short one that goes there, where one could be made up. */
function inputsOf({ operation: id, reached }: Witness, { operations }: Engines): readonly unknown[] {
  const operation = operations.get(id);
  if (operation?.cost === undefined) return [undefined];
  const text = reached.type === "Host" ? `https://${reached.id}/` : reached.type === "Model" ? reached.id : "";
  const made = samplesOf(operation, [...new Set([text, ""])]).map(({ input }) => input);
  return made.length === 0 ? [undefined] : made;
}

async function walkedWith(question: Question, stages: readonly ExplainStage[]): Promise<Walk> {
  const told = (await Promise.all(stages.map(async (stage) => stage.explain(question)))).flat();
  const denied = told.filter(({ verdict }) => verdict === "deny");
  const asked = told.find(({ verdict }) => verdict === "ask");
  return {
    said: said(denied[0] ?? asked ?? told.find(({ stage }) => stage === "policy")),
    laterMs: laterOf(denied, question.atMs),
  };
}

/** When the last of those that stand in the way is out of it; null where one stays there. */
function laterOf(denied: readonly StageAnswer[], nowMs: number): number | null {
  if (denied.length === 0 || denied.some(({ retryAfterMs }) => retryAfterMs === undefined)) return null;
  return nowMs + Math.max(1, ...denied.map(({ retryAfterMs = 0 }) => retryAfterMs));
}

const effectOf = { pass: "allow", ask: "ask", deny: "deny" } as const;
const said = (answer: StageAnswer | undefined): Said =>
  answer === undefined
    ? { effect: "allow", rule: "", reason: "no rule stands in the way" }
    : { effect: effectOf[answer.verdict], rule: answer.rule ?? "", reason: answer.reason.slice(0, 2000) };

const later = (laterMs: number | null): Later | null => (laterMs === null ? null : { laterMs });
const theHub = (answer: Said) => [{ of: "the hub", ...answer }];

/** The call passes. */
export const confirmPassing =
  (engines: Engines): Confirm =>
  async (call) => {
    const { said: answer, laterMs } = await walked(call, engines);
    if (answer.effect !== "allow") return later(laterMs);
    return { call, said: theHub(answer), text: callText(call) };
  };

/** The call passes, by itself or by a program that another one starts, and where it goes to a host, it gets there. */
export const confirmLeaving =
  (engines: Engines, startOf: (point: Point) => Witness | null): Confirm =>
  async (call, point) => {
    const start = startOf(point);
    if (start !== null && !fits(start, engines.operations)) return null;
    const walks = start === null ? [await walked(call, engines)] : await walkedAsProgram(call, start, engines);
    if (call.reached.type === "Host") walks.push(await wayOut(call, engines));
    const barred = walks.find(({ said: { effect } }) => effect !== "allow");
    if (barred !== undefined) return later(barred.laterMs);
    const shown = start === null ? call : { ...call, startedBy: startedBy(start) };
    return { call: shown, said: theHub((walks[0] as Walk).said), text: callText(shown) };
  };

const startedBy = ({ operation, key, reached, path, isGranted, labels }: Witness) => ({
  operation,
  key,
  reached,
  path,
  isGranted,
  labels,
});

/** The start is walked as a call; what its program sends is ruled as a fetch, and counted as the start. */
async function walkedAsProgram(call: Witness, start: Witness, engines: Engines): Promise<Walk[]> {
  const named = (name: string, isWanted: boolean) => engines.stages.filter((each) => (each.name === name) === isWanted);
  const ruled = await walkedWith(questionOf(call, undefined, engines), named("policy", true));
  const counted = { ...call, operation: start.operation, key: start.key };
  const paid = await walkedWith(questionOf(counted, undefined, engines), named("budget", true));
  return [ruled, paid, await walked(start, engines)];
}

/** Deny rules over the way out, and what opens the host. */
async function wayOut(call: Witness, engines: Engines): Promise<Walk> {
  const { caller } = callOf(call);
  const to = parseEndpoint(call.reached.id);
  if (to === null || !engines.canLeave(call.reached.id, caller)) return shut;
  const keys = [egressKey(`net:${to.host}`), egressKey("net")];
  const asked = { ...questionOf(call, undefined, engines), operation: null, scope: {} };
  const walks = await Promise.all(keys.map((key) => walkedWith({ ...asked, key }, engines.stages)));
  return walks.find(({ said: { effect } }) => effect === "deny") ?? open;
}

const open: Walk = { said: said(undefined), laterMs: null };
const shut: Walk = { said: { effect: "deny", rule: "egress.closed", reason: "nothing opens the host" }, laterMs: null };

/** The one agent may, and the other may not. */
export const confirmChild =
  (engines: Engines, runs: ReadonlySet<string>): Confirm =>
  async (call, point) => {
    const { run: _own, ...shared } = call;
    const run = point.texts.get(runOfOther) ?? "";
    const other = { ...shared, ...(runs.has(run) ? { run } : {}) };
    const parent = { ...other, caller: `agent:${point.texts.get("other") ?? "another"}` };
    const [own, others] = [await walked(call, engines), await walked(parent, engines)];
    if (own.said.effect !== "allow") return later(own.laterMs);
    if (others.said.effect === "allow") return null;
    return {
      call,
      said: [
        { of: `the child ${call.caller}`, ...own.said },
        { of: `its parent ${parent.caller}`, ...others.said },
      ],
      text: callText(call),
    };
  };

/** The rule is the one that decides. */
export const confirmRule =
  (rule: string, by: { readonly book: PolicyBook } | { readonly engines: Engines }): Confirm =>
  async (call) => {
    const answer = "book" in by ? await by.book.rule(call) : (await walked(call, by.engines)).said;
    return answer.rule === rule ? { call, said: [{ of: "the hub", ...answer }], text: callText(call) } : null;
  };

const ranks = { deny: 0, ask: 1, allow: 2 } as const;

/** The two sets differ about it; where more is looked for, the second is the milder one. */
export const confirmPair =
  (one: PolicyBook, two: PolicyBook, { isAnyChange }: { readonly isAnyChange: boolean }): Confirm =>
  async (call) => {
    const [first, second] = [await one.rule(call), await two.rule(call)];
    const isRefuted = isAnyChange ? first.effect !== second.effect : ranks[second.effect] > ranks[first.effect];
    if (!isRefuted) return null;
    return {
      call,
      said: [
        { of: "the first", ...first },
        { of: "the second", ...second },
      ],
      text: callText(call),
    };
  };
