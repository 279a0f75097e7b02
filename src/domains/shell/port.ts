/** Programs that the hub starts, as domains see them. What a child may reach is decided before; the port holds it to that. */
import type { Caller } from "../../contract/caller.ts";

export interface ChildFolder {
  /** Absolute, and its own true path: no part of it is a link. */
  readonly path: string;
  readonly mode: "read" | "write";
}

/** `socketPath` leads to the proxy of the hub; null where the child finds it on the loopback of the machine. */
export type ChildNetwork =
  | { readonly kind: "none" }
  | { readonly kind: "proxy"; readonly socketPath: string | null; readonly port: number };

export interface ChildOrder {
  /** A name that is looked up in the folders of `PATH`, or a path. Never a line for a shell. */
  readonly command: string;
  readonly args: readonly string[];
  /** Beside the few variables that every child has. Nothing else of the hub's own environment goes along. */
  readonly env: Readonly<Record<string, string>>;
  /** One of the folders, or below one. */
  readonly cwd: string;
  readonly folders: readonly ChildFolder[];
  readonly network: ChildNetwork;
  readonly limits: {
    /** Null for a child that lasts until it is ended. */
    readonly timeoutMs: number | null;
    /** Of both outputs together, as far as they are read; null for none. */
    readonly outputBytesMax: number | null;
  };
  /** Ends the child. */
  readonly signal: AbortSignal;
}

/** Of one child together with everything that it started. */
export interface ChildCeilings {
  readonly memoryBytesMax: number;
  readonly processesMax: number;
}

/** Enough for a build or a test suite of a large project, and not enough to take a machine from whoever sits at it. */
export const childCeilings: ChildCeilings = { memoryBytesMax: 4_000_000_000, processesMax: 256 };

/** Who ended it; `memory` and `processes`: it used more than its ceiling. `fault`: the confinement could not be made, and the command never ran; its errors say why. */
export type ChildEnding = "itself" | "time" | "output" | "memory" | "processes" | "caller" | "fault";

export interface ChildEnd {
  /** Null when a signal ended it. 127 where there is no such command and 126 where it is none, as shells have it. */
  readonly exitCode: number | null;
  /** `SIGTERM`. */
  readonly signal: string | null;
  readonly endedBy: ChildEnding;
}

export interface Child {
  readonly stdin: {
    /** Resolves when there is room for more; a child that does not listen any more is no fault. */
    write(bytes: Uint8Array): Promise<void>;
    end(): void;
  };
  /** Each to be read once. What is not read holds the child up, as it does in a pipe. */
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  /** Never rejects. By then nothing is left of the child and of what it started, as far as `abilities` reach. */
  readonly exited: Promise<ChildEnd>;
  /** Asks it to end, and makes it end a little later. */
  end(): void;
}

export interface ConfinementAbilities {
  /** Children see the folders of their order and the system's programs, and no other file. */
  readonly confinesFiles: boolean;
  /** Children reach the proxy, where their order has it, and nothing else. */
  readonly confinesNetwork: boolean;
  /** `bubblewrap 0.8.0`; what stands there instead when nothing confines. */
  readonly by: string;
  /** Why it confines nothing, in words for whoever decides about a start; null when it does. */
  readonly lack: string | null;
}

/** The order cannot be followed: a folder that is none, a link, or one that no child may be given. */
export class ChildFault extends Error {
  constructor(detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = "ChildFault";
  }
}

/**
 * - `start` rejects with `ChildFault` and nothing else, or with the signal's reason.
 * - Every child is a group of its own: ending it ends what it started.
 * - On Linux one that uses more than the ceilings is ended at once, and it gives way to whatever else wants the processor.
 * - Environment: `PATH`, `LANG`, `HOME`, `TMPDIR` and what the order says.
 * - Nothing outlives the confinement's own end.
 */
export interface Confinement extends AsyncDisposable {
  /** Found out once, at the first question. */
  abilities(): Promise<ConfinementAbilities>;
  /** What was found; null before. */
  known(): ConfinementAbilities | null;
  start(order: ChildOrder): Promise<Child>;
  /** Ends every child, and every start that is under way. Later ones may start. */
  endAll(reason: string): Promise<void>;
}

/** The way out for children: what `egress.children` gives, as far as it is needed here. */
export interface ProxyPasses {
  admit(grant: {
    readonly caller: Caller;
    readonly corrId: string;
    readonly operation: string;
    readonly signal: AbortSignal;
    readonly isConfined: boolean;
  }): Promise<
    Disposable & { readonly environment: Readonly<Record<string, string>>; readonly socketPath: string | null }
  >;
}
