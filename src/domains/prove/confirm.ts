/** A call that a solver found, asked of the real engine. What it sees otherwise is shown to nobody. */
import { egressKey } from "../../contract/gate-keys.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Operation } from "../../contract/operation.ts";
import { parseEndpoint } from "../../base/web-address.ts";
import type { ExplainStage, StageAnswer } from "../policy/contract.ts";
import type { Confirmed, Said, Witness } from "./contract.ts";
import type { Point } from "./decide.ts";
import type { PolicyBook } from "./port.ts";
import { callOf } from "./space.ts";
import { callText } from "./told.ts";

export interface Engines {
  readonly stages: readonly ExplainStage[];
  readonly operations: ReadonlyMap<string, Operation>;
  readonly nowMs: number;
  readonly canLeave: (host: string, caller: Caller) => boolean;
}

type Confirm = (call: Witness, point: Point) => Promise<Confirmed | null>;

/** What the deciding stages of the corridor say of the call, one after the other. */
async function walked(call: Witness, { stages, operations, nowMs }: Engines): Promise<Said> {
  const operation = operations.get(call.operation) ?? null;
  const { caller, scope } = callOf(call);
  const question = { key: call.key, operation, caller, input: undefined, scope, tags: [], atMs: call.atMs ?? nowMs };
  const told = (await Promise.all(stages.map(async (stage) => stage.explain(question)))).flat();
  const denied = told.find(({ verdict }) => verdict === "deny");
  const asked = told.find(({ verdict }) => verdict === "ask");
  return said(denied ?? asked ?? told.find(({ stage }) => stage === "policy"));
}

const effectOf = { pass: "allow", ask: "ask", deny: "deny" } as const;
const said = (answer: StageAnswer | undefined): Said =>
  answer === undefined
    ? { effect: "allow", rule: "", reason: "no rule stands in the way" }
    : { effect: effectOf[answer.verdict], rule: answer.rule ?? "", reason: answer.reason.slice(0, 2000) };

/** The call passes, and where it goes to another host, it gets there. */
export const confirmPassing =
  (engines: Engines, { leaves }: { readonly leaves: boolean }): Confirm =>
  async (call) => {
    const answer = await walked(call, engines);
    if (answer.effect !== "allow") return null;
    if (leaves && call.reached.type === "Host" && !(await isLetOut(call, engines))) return null;
    return { call, said: [{ of: "the hub", ...answer }], text: callText(call) };
  };

/** Deny rules over the way out, and what opens the host. */
async function isLetOut(call: Witness, { stages, nowMs, canLeave }: Engines): Promise<boolean> {
  const { caller } = callOf(call);
  const to = parseEndpoint(call.reached.id);
  if (to === null) return false;
  const asked = { operation: null, caller, input: undefined, scope: {}, tags: [], atMs: call.atMs ?? nowMs };
  for (const key of [egressKey(`net:${to.host}`), egressKey("net")])
    for (const stage of stages)
      if ((await stage.explain({ ...asked, key })).some(({ verdict }) => verdict === "deny")) return false;
  return canLeave(call.reached.id, caller);
}

/** The one agent may, and the other may not. */
export const confirmChild =
  (engines: Engines): Confirm =>
  async (call, point) => {
    const parent = { ...call, caller: `agent:${point.texts.get("other") ?? "another"}` };
    const [own, others] = [await walked(call, engines), await walked(parent, engines)];
    if (own.effect !== "allow" || others.effect === "allow") return null;
    return {
      call,
      said: [
        { of: `the child ${call.caller}`, ...own },
        { of: `its parent ${parent.caller}`, ...others },
      ],
      text: callText(call),
    };
  };

/** The rule is the one that decides. */
export const confirmRule =
  (rule: string, by: { readonly book: PolicyBook } | { readonly engines: Engines }): Confirm =>
  async (call) => {
    const answer = "book" in by ? await by.book.rule(call) : await walked(call, by.engines);
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
