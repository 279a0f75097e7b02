/** Tells whoever waits for long work how far it is. */
import { etaMs } from "../../base/units.ts";
import type { Context } from "../../contract/operation.ts";
import { CapsuleProgress } from "./contract.ts";
import type { Waiting } from "./pieces.ts";

/** Shorter work is over before anybody has read how far it is. */
const quietMs = 1_000;
/** More often than this tells nobody anything. */
const toldEveryMs = 200;

/** `capsule` is the name that it was asked for by, so that whoever asked finds their own. */
export function waitingFor(capsule: string, ctx: Context): Required<Waiting> {
  const startedMs = ctx.now();
  let toldMs = startedMs + quietMs - toldEveryMs;
  let current = { phase: "", startedMs };
  return {
    signal: ctx.signal,
    onPlace({ phase, done, total }) {
      const nowMs = ctx.now();
      if (phase !== current.phase) current = { phase, startedMs: nowMs };
      if (nowMs - toldMs < toldEveryMs) return;
      toldMs = nowMs;
      const left = etaMs({ done, total, elapsedMs: nowMs - current.startedMs }) ?? null;
      tell(ctx, { capsule, phase, done, total, unit: "events", etaMs: left });
    },
  };
}

/** A rule may keep it from being told: the work goes on all the same. */
function tell(ctx: Context, data: Parameters<typeof ctx.emit<typeof CapsuleProgress>>[1]): void {
  void (async () => await ctx.emit(CapsuleProgress, data))().catch(() => undefined);
}
