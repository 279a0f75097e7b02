/** The words in which the oracle is asked and answers. */
import type { Grant, Scope } from "../../src/contract/caller.ts";
import type { Operation } from "../../src/contract/operation.ts";

export interface Who {
  readonly kind: "person" | "agent" | "plugin" | "node";
  readonly id: string;
  /** Of a token that does not reach everything. */
  readonly reach?: { readonly token: string; readonly keys: readonly string[]; readonly isReadOnly: boolean };
  readonly grants?: readonly Grant[];
  readonly labels?: readonly string[];
}

/** A rule that denies what a key names. */
export interface Denying {
  readonly id: string;
  readonly pattern: string;
  /** Lifted by calls alone, which it therefore leaves to persons. */
  readonly leavesWayOut: boolean;
  readonly state: "active" | "waiting" | "spent";
}

export interface Rules {
  readonly denying: readonly Denying[];
  readonly role: "edge" | "observer" | "connector";
  readonly isHalted: boolean;
  /** Of the user's own policies: one that forbids, and one that asks. */
  readonly forbids: (operation: Operation) => boolean;
  readonly asks: (operation: Operation) => boolean;
  readonly openHosts: readonly string[];
  /** Live leases: what they permit, to whom, and perhaps in which folder alone. */
  readonly leases: readonly { readonly capability: string; readonly holder: string; readonly folder?: string }[];
  /** Nothing confines commands on this machine. */
  readonly isUnconfined: boolean;
  /** A person says yes to whatever is asked. */
  readonly isApproved: boolean;
  /** Whose allowance of calls is used up. */
  readonly isBroke: (who: Who) => boolean;
}

export type Verdict = "runs" | "asks" | "unauthenticated" | "halted" | "too-many" | "broke" | `denied by ${string}`;

export interface Asking {
  readonly operation: Operation;
  readonly scope: Scope;
  /** `nobody` shows nothing; a `stranger` shows what proves nothing, and is told so before anything else. */
  readonly who: Who | "nobody" | "stranger";
  readonly rules: Rules;
}
