/** What decides by policies, as the domain sees it. */
import type { Operation } from "../../contract/operation.ts";

/** A typed name: `Agent::"scout"`, `Folder::"/home/ada/notes"`. */
export interface Uid {
  readonly type: string;
  readonly id: string;
}

export interface PolicyRequest {
  readonly principal: Uid;
  /** Operation id. */
  readonly action: string;
  /** Groups that the action belongs to: its effect, its domain, its needs. */
  readonly groups: readonly string[];
  readonly resource: Uid;
  /** What the resource lies in, nearest first. */
  readonly within: readonly Uid[];
  readonly context: {
    /** A person granted this together with the run. */
    readonly granted: boolean;
    /** The host is open to this caller by the posture of the hub or by a lease; false for everything else. */
    readonly open: boolean;
    /** What the call was built from. */
    readonly labels: readonly string[];
    /** Path within the folder; empty when there is none. */
    readonly path: string;
    /** Of a call that would take in rules of somebody else: what they say of themselves, and what this hub is. */
    readonly capsule?: CapsuleFacts;
    /** Of a call that starts a program: nothing on this machine would confine it. */
    readonly unconfined?: boolean;
  };
}

export interface CapsuleFacts {
  readonly leaseSecs: number;
  readonly hopsLeft: number;
  readonly propagate: string;
  readonly role: string;
  readonly node: string;
  readonly tags: readonly string[];
}

export interface NamedPolicy {
  /** The annotation `@id`, or file and line. */
  readonly id: string;
  /** Where it stands: `default policies:4`, `policies/home.cedar:12`. */
  readonly source: string;
  readonly text: string;
  readonly effect: "permit" | "ask" | "forbid";
}

export type Verdict =
  | { readonly effect: "allow" | "forbid"; readonly policy: NamedPolicy }
  | { readonly effect: "ask"; readonly policy: NamedPolicy; readonly question: string }
  /** A policy could not be evaluated, which counts as a no. */
  | { readonly effect: "fault"; readonly policy: NamedPolicy; readonly message: string }
  /** No policy speaks of this call. */
  | { readonly effect: "none" };

/**
 * - A matching forbid wins over everything; a permit that asks wins over one that does not.
 * - `decide` is pure, answers at once when it can, and never rejects for what a policy says.
 */
export interface PolicyEngine {
  decide(request: PolicyRequest): Verdict | Promise<Verdict>;
  readonly policies: readonly NamedPolicy[];
}

/** An example that the user wrote: this call of this caller has to come to that. */
export interface PolicyExample {
  /** `policies/examples.toml:3`. */
  readonly at: string;
  readonly name: string;
  readonly caller: string;
  readonly operation: string;
  readonly input: unknown;
  readonly labels: readonly string[];
  readonly isGranted: boolean;
  readonly expect: "allow" | "ask" | "deny";
  /** The policy that has to decide, when the example names one. */
  readonly rule: string | null;
}

/** The policies in force, and how they are read anew. */
export interface PolicySet {
  engine(): PolicyEngine;
  /** Grows with each reload. */
  version(): number;
  /** Throws `InvalidPolicies`, and the former set stays in force. */
  reload(): Promise<void>;
  /** Throws `InvalidPolicies` for examples that cannot be read. */
  examples(): Promise<readonly PolicyExample[]>;
}

/** A file of policies as a reader knows it: `policies/home.cedar`. */
export interface PolicyText {
  readonly name: string;
  readonly text: string;
}

/** Policies that decide nothing and are only asked. What it holds is given back when it is disposed. */
export interface TrialEngine extends PolicyEngine, Disposable {}

export interface PolicyTrials {
  /** The default policies with other files of the user. Nothing comes into force. Throws `InvalidPolicies`. */
  engine(change: (own: readonly PolicyText[]) => readonly PolicyText[]): Promise<TrialEngine>;
  /** These files and nothing beside them, not even the default policies. Throws `InvalidPolicies`. */
  engineOf(files: readonly PolicyText[]): Promise<TrialEngine>;
}

/**
 * The hub's books: what runs of every agent have read, asked and written. Whoever reads them gets to know what lies in folders
 * that were granted to others. One task alone is none of them: its id is told to nobody but its caller.
 */
const books: ReadonlySet<string> = new Set([
  "audit",
  "chat",
  "episodes",
  "events",
  "journal",
  "schedules",
  "state",
  "whatif",
]);
const isOfBooks = (id: string, domain: string): boolean => books.has(domain) || id === "tasks.list";

/** What a policy may name instead of single operations: the effect, the domain, each need, and the hub's books. */
export function groupsOf({ id, effect, needs }: Pick<Operation, "id" | "effect" | "needs">): readonly string[] {
  const domain = id.includes(".") ? [id.slice(0, id.indexOf("."))] : [];
  const ofBooks = effect === "read" && isOfBooks(id, domain[0] ?? "") ? ["hub:books"] : [];
  return [effect, ...domain, ...needs, ...ofBooks];
}
