/** Makes one call of a tool as the wrapped agent, through the corridor, and records it as a step of the session's episode. */
import { digestOf } from "../../base/canonical-json.ts";
import { truncate } from "../../base/text-marks.ts";
import { type Caller, callerName } from "../../contract/caller.ts";
import { type Context, gateKey } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { ApprovalDenied, BudgetExceeded, Cancelled, Denied, Halted } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Redactor } from "../../kernel/ports.ts";
import { GoOn } from "../agents/contract.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  IntentProposed,
  type KeptValue,
  keptValue,
  ObservationRecorded,
} from "../episodes/contract.ts";
import { Call, Read, ToolChangedHold } from "./contract.ts";
import { refuseGated, refuseHeld } from "./refusals.ts";
import type { Ceiling, Exchange, Reply, Session } from "./sessions.ts";
import { toolKey, tools } from "./views.ts";

const summaryMax = 400;
const reasonMax = 1000;
const refusals: ReadonlySet<string> = new Set(
  [Denied, ApprovalDenied, BudgetExceeded, Halted, ToolChangedHold].map((each) => each.code),
);

/** `files: read_file {"path":"a.txt"}` */
export const summaryOf = (server: string, tool: string, params: Readonly<Record<string, unknown>>): string =>
  truncate(`${server}: ${tool} ${JSON.stringify(params["arguments"] ?? {})}`, summaryMax);

export interface Recording {
  readonly parts: KernelParts;
  readonly redactor: Pick<Redactor, "value">;
}

/** What is asked for is kept beside what is answered: the code that asks is not the hub's, and cannot be asked again. */
export async function takeStep(session: Session, exchange: Exchange, { parts, redactor }: Recording): Promise<Reply> {
  const { server } = session;
  const { tool, params, signal } = exchange;
  const row = parts.kernel.views.get(tools, toolKey({ server, tool }));
  const isAllowed = row?.allowedFor === session.command && row.status === "known";
  const operation = isAllowed ? Read : Call;
  const caller = callerOf(session, isAllowed ? { key: gateKey(Read), tool: toolKey({ server, tool }) } : null);
  const actor = parts.act({ caller, corrId: session.id, signal });
  const step = {
    agent: session.agent.id,
    step: session.nextStep(),
    tool: operation.id,
    summary: summaryOf(server, tool, params),
    argsDigest: digestOf({ server, tool, params }),
  };
  if (!isAllowed) await actor.emit(IntentProposed, step);
  const asked = keptValue(await parts.recorder.keep(redactor.value({ server, tool, params })));
  const over = session.over({ tool, params }, actor.now());
  const atMs = actor.now();
  try {
    refuseHeld(row);
    refuseGated({ parts, caller: actor.caller, key: `${gateKey(operation)}:${server}:${tool}` });
    if (over !== null) await askToGoOn(actor, { session, exchange, over });
    const input = { server, tool, params };
    exchange.isAbout(input);
    const { result, error } = await actor.call(operation, input);
    await told(actor, { step, asked, isAllowed, atMs, parts, reply: { result, error } });
    return result === undefined ? { error } : { result };
  } catch (error) {
    await failed(actor, { ...step, asked }, error);
    throw error;
  }
}

interface GoingOver {
  readonly session: Session;
  readonly exchange: Exchange;
  readonly over: Ceiling;
}

/** What its model took, and cost, is known to whoever runs it. Who heard a no is not asked again, and neither is a person. */
async function askToGoOn(actor: Context, { session, exchange, over }: GoingOver): Promise<void> {
  const { reached, steps, sinceMs, no } = over;
  if (no !== null) throw no;
  const taken = { steps, tokens: null, microUsd: null, durationMs: Math.max(0, actor.now() - sinceMs) };
  try {
    const input = { agent: session.agent.id, reached, taken };
    exchange.isAbout(input);
    await actor.call(GoOn, input);
  } catch (error) {
    if (isProblem(error) && error.definition.code === ApprovalDenied.code) session.stays(error);
    throw error;
  }
}

/** What a foreign agent has read elsewhere nobody here knows: its words count as those of strangers. */
const callerOf = ({ agent }: Session, grant: NonNullable<Caller["grants"]>[number] | null): Caller => ({
  ...agent,
  labels: ["user", "tool"],
  ...(grant === null ? {} : { grants: [grant] }),
});

interface Told {
  readonly step: Static<typeof IntentProposed.data>;
  readonly asked: KeptValue;
  readonly isAllowed: boolean;
  readonly atMs: number;
  readonly parts: KernelParts;
  readonly reply: Reply;
}

async function told(actor: Context, { step, asked, isAllowed, atMs, parts, reply }: Told): Promise<void> {
  if (reply.result === undefined) {
    const error = truncate(JSON.stringify(reply.error ?? null), reasonMax);
    const extra = { error: reply.error ?? null };
    await actor.emit(ActionFailed, { ...step, asked, extra, code: "mcp.server-error", error });
    return;
  }
  const { agent, summary, ...named } = step;
  const recorded = {
    ...named,
    atMs,
    durationMs: Math.max(0, actor.now() - atMs),
    ...(await parts.recorder.keep(reply.result)),
  };
  await actor.emit(isAllowed ? ObservationRecorded : ActionApplied, { agent, summary, asked, recorded });
}

async function failed(actor: Context, step: Told["step"] & Pick<Told, "asked">, error: unknown): Promise<void> {
  const reason: unknown = actor.signal.aborted ? actor.signal.reason : error;
  if (!isProblem(reason)) {
    await actor.emit(ActionFailed, {
      ...step,
      code: "arw.internal",
      error: `${callerName(actor.caller)} got no answer`,
    });
    return;
  }
  const { code } = reason.definition;
  const text = truncate(reason.message, reasonMax);
  const rule = typeof reason.extra["rule"] === "string" ? { rule: reason.extra["rule"] } : {};
  if (refusals.has(code)) await actor.emit(ActionRefused, { ...step, code, ...rule, reason: text });
  else await actor.emit(ActionFailed, { ...step, code: code === Cancelled.code ? "arw.cancelled" : code, error: text });
}
