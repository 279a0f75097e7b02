import assert from "node:assert/strict";
import { test } from "vitest";
import { answer, arw, type Ran, type Script } from "../../../test/kit/command-line.ts";
import { TaskFinished } from "../../contract/task.ts";
import { CallFailed, type CallResult } from "./port.ts";

const accepted: CallResult = { kind: "accepted", taskId: "t1", corrId: "c1" };
const finishedAt = (seq: number) => ({
  seq,
  kind: TaskFinished.kind,
  data: { taskId: "t1", output: { written: true } },
});
const happened = (seq: number) => ({ seq, kind: "run.step", data: {} });

const refusal = (status: number, extra: object = {}): CallFailed =>
  new CallFailed({ type: "", title: "No", status, code: "x.no", detail: "not now", instance: "", ...extra });

/** A hub that has said so much of a job, a page of it at a time. */
function tellingHub(pageMax = 1000): { seq: number; readonly call: NonNullable<Script["call"]> } {
  const hub = {
    seq: 0,
    call: (id: string, input: Readonly<Record<string, unknown>>): CallResult => {
      if (id === "notes.write") return accepted;
      if (id !== "notes.show") return answer({});
      const afterSeq = Number(input["afterSeq"]);
      const upTo = Math.min(hub.seq, afterSeq + pageMax);
      const lines = Array.from({ length: upTo - afterSeq }, (_, place) => afterSeq + place + 1);
      const told = lines.map((seq) => ({ seq, text: `line ${seq}` }));
      return answer(Object.assign(told, upTo < hub.seq ? { more: upTo } : {}));
    },
  };
  return hub;
}

const reads = ({ calls }: Ran): number => calls.filter(([id]) => id === "notes.show").length;
const linesTo = (seq: number): string => Array.from({ length: seq }, (_, place) => `line ${place + 1}\n`).join("");

/** Waiting that lasts until the test says that the time is over. */
function heldWaits() {
  const delays: number[] = [];
  let arrived = Promise.withResolvers<void>();
  let over = Promise.withResolvers<void>();
  return {
    delays,
    wait: async (delayMs: number, signal: AbortSignal): Promise<void> => {
      delays.push(delayMs);
      over = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => over.reject(signal.reason));
      arrived.resolve();
      await over.promise;
    },
    /** Resolves while the time is waited for. */
    async waited(): Promise<void> {
      await arrived.promise;
      arrived = Promise.withResolvers<void>();
    },
    pass: (): void => over.resolve(),
  };
}

test("however many events a job has between two pulses, its story is read once, and once more at its end", async () => {
  const hub = tellingHub(5000);
  const waits = heldWaits();
  async function* items(): AsyncGenerator {
    for (let round = 0; round < 3; round += 1) {
      for (let count = 0; count < 500; count += 1) yield happened((hub.seq += 1));
      await waits.waited();
      waits.pass();
    }
    yield finishedAt((hub.seq += 1));
  }
  const ran = await arw(["write", "f"], { call: hub.call, items, wait: waits.wait });
  assert.deepEqual([ran.code, ran.out], [0, `${linesTo(1501)}written  yes\n`]);
  assert.ok(reads(ran) <= 5, `${reads(ran)} reads of 1,501 events`);
});

test("a story of several pages is read to its end, each line once", async () => {
  const hub = tellingHub(10);
  async function* items(): AsyncGenerator {
    hub.seq = 45;
    yield finishedAt(45);
  }
  const ran = await arw(["write", "f"], { call: hub.call, items });
  assert.deepEqual([ran.code, ran.out, reads(ran)], [0, `${linesTo(45)}written  yes\n`, 5]);
});

test("a hub that takes no more reads for now is asked again when it said", async () => {
  const hub = tellingHub();
  const waits = heldWaits();
  let refusals = 1;
  const call: NonNullable<Script["call"]> = (id, input) => {
    if (id === "notes.show" && refusals-- > 0) throw refusal(429, { retryAfterMs: 7000 });
    return hub.call(id, input);
  };
  async function* items(): AsyncGenerator {
    yield happened((hub.seq += 1));
    await waits.waited();
    yield finishedAt((hub.seq += 1));
  }
  const ran = await arw(["write", "f"], { call, items, wait: waits.wait });
  assert.deepEqual([ran.code, ran.out, waits.delays], [0, `${linesTo(2)}written  yes\n`, [7000]]);
});

test("what is left of a story when the hub takes no more reads is named, and the job still ends as it ended", async () => {
  const call: NonNullable<Script["call"]> = (id) => {
    if (id === "notes.show") throw refusal(429);
    return id === "notes.write" ? accepted : answer({});
  };
  async function* items(): AsyncGenerator {
    yield finishedAt(2);
  }
  const ran = await arw(["write", "f"], { call, items });
  assert.equal(ran.code, 0);
  assert.match(ran.out, /takes no more reads for now; `arw notes show c1` tells the rest\.\nwritten {2}yes\n$/u);
});

test("a story that may not be read ends the following with the reason", async () => {
  const call: NonNullable<Script["call"]> = (id) => {
    if (id === "notes.show") throw refusal(403);
    return id === "notes.write" ? accepted : answer({});
  };
  async function* items(signal: AbortSignal): AsyncGenerator {
    yield happened(1);
    await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  }
  const ran = await arw(["write", "f"], { call, items });
  assert.equal(ran.code, 1);
  assert.match(ran.err, /not now/u);
});

test("--yes answers every question, also where the hub takes no more answers for a while", async () => {
  const waits: number[] = [];
  let refusals = 2;
  const decided = Promise.withResolvers<void>();
  const call: NonNullable<Script["call"]> = (id, input) => {
    if (id === "notes.question") return answer({ status: "waiting", summary: "create a.md" });
    if (id === "notes.answer") {
      if (refusals-- > 0) throw refusal(429, { retryAfterMs: 900 });
      assert.equal(input["decision"], "allow");
      decided.resolve();
    }
    return id === "notes.write" ? accepted : answer([]);
  };
  async function* items(): AsyncGenerator {
    yield { kind: "asked", data: { approvalId: "p1" } };
    await decided.promise;
    yield finishedAt(2);
  }
  const wait = async (delayMs: number): Promise<void> => void waits.push(delayMs);
  const ran = await arw(["write", "f", "--yes"], { call, items, wait });
  assert.equal(ran.code, 0);
  assert.deepEqual(
    waits.filter((delayMs) => delayMs === 900),
    [900, 900],
  );
});
