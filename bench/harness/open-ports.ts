/** Answers to the kernel's questions where nothing is ruled, counted or asked: what is measured stands beside them. */
import type { Composition } from "../../src/kernel/create-kernel.ts";

const allowed = { effect: "allow", rule: "bench", source: "bench", reason: "all is allowed" } as const;
const nothingIsAsked = (): Promise<never> => Promise.reject(new TypeError("nothing is asked here"));

export const openPorts: Omit<Composition, "domains" | "identity"> = {
  gate: { check: () => null, admit: () => null },
  policy: { rule: () => allowed },
  budget: {
    reserve: () => null,
    ask: () => null,
    bytesOutLeft: () => null,
    amounts: () => ({ tokens: 0, microUsd: 0, bytesOut: 0, bytesWritten: 0 }),
  },
  approvals: { request: nothingIsAsked, decision: nothingIsAsked, isGranted: () => false },
};
