/** P14: a policy is held against everything that was recorded, in decisions a second, from a journal on the disk. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { contractTable } from "../../src/app/domains.ts";
import { createPolicySeat } from "../../src/app/policy-seat.ts";
import { createTrialRules } from "../../src/app/what-if-seat.ts";
import type { Caller } from "../../src/contract/caller.ts";
import type { EventDefinition } from "../../src/contract/event.ts";
import { RunFinished, RunStarted } from "../../src/domains/agents/contract.ts";
import { ApprovalGranted, ApprovalRequested } from "../../src/domains/approvals/contract.ts";
import { ActionApplied, ObservationRecorded } from "../../src/domains/episodes/contract.ts";
import { benchOf } from "../../src/domains/what-if/decision.ts";
import { createEffectSum } from "../../src/domains/what-if/policy-effect.ts";
import { wholeHistory } from "../../src/domains/what-if/whole-history.ts";
import { type Kit, makeKernel } from "../../test/kit/kernel.ts";
import { amount, type Bench } from "../harness/bench.ts";
import { figure, median } from "../harness/rows.ts";

const decisionsMost = 50_000;
const stepsEach = 25;
const folder = "/home/ada/notes";
const digest = `sha256:${"0".repeat(64)}`;
const agent = "scout";
const caller: Caller = { kind: "agent", id: agent };

/** Reads and writes of an agent; every fifth step asks, and no two steps are of the same file. */
async function record({ kernel }: Kit, runs: number): Promise<void> {
  const { journal } = kernel;
  for (let run = 0; run < runs; run += 1) {
    const origin = { caller, corrId: `run-${run}`, causeId: null };
    const say = (event: EventDefinition, data: unknown) => journal.emit(event, data, origin);
    const grants = [{ key: "fs:read", folder }];
    const told = [say(RunStarted, { agent, model: "none", title: "Work", input: {}, grants, labels: ["user"] })];
    for (let step = 1; step <= stepsEach; step += 1) {
      const path = `${run}/${step}.md`;
      const isWrite = step % 5 === 0;
      const tool = isWrite ? "fs.write" : "fs.read";
      const argsDigest = `sha256:${(run * stepsEach + step).toString(16).padStart(64, "0")}`;
      if (isWrite) told.push(...asked(say, { approvalId: `${run}-${step}`, argsDigest, path }));
      const recorded = {
        step,
        tool,
        argsDigest,
        resultRef: digest,
        resultSizeBytes: 1,
        kept: "digest",
        atMs: 1,
        durationMs: 1,
      };
      const event = isWrite ? ActionApplied : ObservationRecorded;
      told.push(say(event, { agent, summary: "A step", folder, path, recorded }));
    }
    told.push(say(RunFinished, { agent, outcome: "done", notDone: [] }));
    await Promise.all(told);
  }
}

interface Question {
  readonly approvalId: string;
  readonly argsDigest: string;
  readonly path: string;
}

function asked(
  say: (event: EventDefinition, data: unknown) => Promise<unknown>,
  { approvalId, argsDigest, path }: Question,
): Promise<never>[] {
  const question = {
    approvalId,
    operation: "fs.write",
    key: "fs:write",
    input: { folder, path, text: "Words" },
    argsDigest,
    folder,
    path,
    caller,
    rule: "ask-before-change",
    ruleSource: "default policies:34",
    labels: ["user", "file"],
    summary: "Write",
    canUndo: true,
    expiresAtMs: 1,
    isResumable: false,
  };
  return [say(ApprovalRequested, question), say(ApprovalGranted, { approvalId })] as Promise<never>[];
}

const policy = `@id("briefs") @answers("ask-before-change")
permit (principal == Agent::"${agent}", action == Action::"fs.write", resource == Folder::"${folder}")
when { context.path like "1*" };
@id("hands-off") forbid (principal is Agent, action, resource in Folder::"/home") when { context.path like "*/7.md" };`;

export const benchWhatIf: Bench = async (options) => {
  const kit = await makeKernel({ store: openSqliteStore(join(options.scratch, "what-if.db")) });
  options.defer(() => kit[Symbol.asyncDispose]());
  const decisions = amount(options, decisionsMost, 500);
  await record(kit, Math.ceil(decisions / stepsEach));
  const table = contractTable();
  let names = 0;
  const seat = createPolicySeat({ folder: join(options.scratch, "policies"), newId: () => `what-if-${(names += 1)}` });
  await seat.load([...table.operations.values()].map(({ operation }) => operation));
  const rules = createTrialRules({ engine: () => seat.engine(), askPatterns: [] }, seat.trials);
  const parts = { kernel: { journal: kit.kernel.journal, table } } as never;
  const clock = { soon: (run: () => void) => void setImmediate(run) };
  // Of this thread's own time: the walk waits for nothing but the disk, which has its pages in memory.
  const rates: number[] = [];
  const clocked: number[] = [];
  for (let round = 0; round <= options.rounds; round += 1) {
    using before = rules.inForce();
    using candidate = await rules.over({ text: policy });
    const sum = createEffectSum(benchOf(before, candidate));
    const startedMs = performance.now();
    const started = process.threadCpuUsage();
    for await (const _at of wholeHistory({ parts, clock }, (item) => sum.add(item), new AbortController().signal));
    const { user, system } = process.threadCpuUsage(started);
    const durationMs = performance.now() - startedMs;
    const { answered, blocked, unknown } = sum.effect();
    assert(answered > 0 && blocked > 0 && unknown === 0);
    // The first round also loads Cedar.
    if (round === 0) continue;
    rates.push((sum.decisions * 1_000_000) / (user + system));
    clocked.push((sum.decisions * 1000) / durationMs);
  }
  const what = `policy over ${decisions.toLocaleString("en")} recorded decisions, no two alike`;
  const note = `of processor time; ${Math.round(median(clocked)).toLocaleString("en")}/s by the clock`;
  return [figure({ path: "P14", what, values: rates, unit: "/s", target: { atLeast: 10_000 }, note })];
};
