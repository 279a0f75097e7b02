/** What the proofs need from outside: policies as they are parsed, the engine that decides by them, and a solver that may not be there. */
import type { Operation } from "../../contract/operation.ts";
import type { Said, Witness } from "./contract.ts";

/** A policy with its parsed form, as Cedar's JSON says it. */
export interface ReadPolicy {
  readonly id: string;
  readonly source: string;
  readonly effect: "permit" | "ask" | "forbid";
  readonly json: unknown;
}

export interface PolicyBook {
  readonly policies: readonly ReadPolicy[];
  /** What the real engine over exactly these says of a call. Nothing is leased, and no configuration asks. */
  rule(call: Witness): Promise<Said>;
}

export interface PolicyReader {
  /** The policies in force now. */
  inForce(): Promise<PolicyBook>;
  /** Throws `InvalidPolicies`. `name` stands in its faults. */
  read(text: string, options: { readonly name: string; readonly hasDefaults: boolean }): Promise<PolicyBook>;
  /** What an operation belongs to, as policies name it. */
  groupsOf(operation: Operation): readonly string[];
}

export type SolverAnswer =
  | { readonly kind: "unsat" }
  /** The values of the constants that were asked for, as SMT-LIB writes them. */
  | { readonly kind: "sat"; readonly values: ReadonlyMap<string, string> }
  | { readonly kind: "unknown"; readonly reason: string };

/** A solver for SMT-LIB 2. One question at a time, each in a process of its own that ends with it. */
export interface Solver {
  readonly name: string;
  /** Asks whether the script's assertions can hold together, and for the values of these constants if so. */
  solve(
    question: { readonly script: string; readonly constants: readonly string[] },
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<SolverAnswer>;
}

export interface SolverSeat {
  readonly name: string;
  readonly version: string;
  /** How a person gets it. */
  readonly next: string;
  /** Null where it is not installed. */
  find(): Promise<Solver | null>;
}
