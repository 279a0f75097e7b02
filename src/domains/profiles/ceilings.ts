/**
 * Ceilings that nobody needs to set. Whoever reaches one asks its person whether to go on, and begins to count anew after a
 * yes. What is counted stands in the record, so a resumed run counts the same.
 */
import { digestOf } from "../../base/canonical-json.ts";
import { GoOn, type Tools } from "../agents/contract.ts";
import type { Profile } from "./profile.ts";
import type { Meter } from "./meter.ts";

const minuteMs = 60_000;

export interface Ceilings {
  /**
   * Before a model is asked, and before each call of a tool, which is named then. Throws what the question ends with where
   * nobody says that the run goes on.
   */
  pass(call?: { readonly tool: string; readonly input: unknown }): Promise<void>;
  /** So long its person was asked something; that is no work. */
  waited(durationMs: number): void;
}

interface CeilingsOptions {
  readonly agent: string;
  readonly limits: Profile["ceilings"];
  readonly tools: Tools;
  readonly meter: Meter;
}

export function createCeilings({ agent, limits, tools, meter }: CeilingsOptions): Ceilings {
  let stepsFrom = 0;
  let workedFrom = 0;
  let sameCalls = 0;
  let last = "";
  /** Who heard a no is not asked again, and neither is its person. */
  let end: { readonly reason: unknown } | null = null;
  const reachedBy = (): string | null => {
    if (sameCalls >= limits.sameCalls) return `the same call ${sameCalls} times in a row`;
    if (meter.steps() - stepsFrom >= limits.steps) return `${limits.steps} steps`;
    return tools.workedMs() - workedFrom >= limits.minutes * minuteMs ? `${limits.minutes} minutes of work` : null;
  };
  const count = (call: string): void => {
    sameCalls = call === last ? sameCalls + 1 : 1;
    last = call;
  };
  return {
    waited(durationMs) {
      workedFrom += durationMs;
    },
    async pass(call) {
      if (end !== null) throw end.reason;
      if (call !== undefined) count(digestOf([call.tool, call.input]));
      const reached = reachedBy();
      if (reached !== null) {
        const taken = { ...meter.spent(), durationMs: tools.workedMs() };
        const summary = `ask whether to go on: it reached ${reached}`;
        await tools.call(GoOn, { agent, reached, taken }, summary).catch((reason: unknown) => {
          end = { reason };
          throw reason;
        });
        stepsFrom = meter.steps();
        workedFrom = tools.workedMs();
        sameCalls = Math.min(sameCalls, 1);
      }
      meter.step();
    },
  };
}
