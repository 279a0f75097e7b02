/** What a wrapper stands between, and whom it asks. */
import type { ProblemDocument } from "../../contract/problem.ts";

/** One JSON text per line, as MCP over stdio has it. */
export interface Lines {
  /** Ends when the other side closes. A line that was too long to read comes as null. */
  readonly lines: AsyncIterable<string | null>;
  /** In the order of the calls; resolves when there is room for more. Says nothing when the other side is gone. */
  write(line: string): Promise<void>;
  close(): Promise<void>;
}

/** A server, and how it ended, or why it did not begin. */
export type Server = Lines & { readonly ended: Promise<string> };

/** What a server said to a call: one of the two. */
export interface Reply {
  readonly result?: unknown;
  readonly error?: unknown;
}

export type Params = Readonly<Record<string, unknown>>;

export interface ListedTool {
  readonly tool: string;
  readonly definition: unknown;
}

/** What a person is asked about a call, where their agent's own program asks them. */
export interface Question {
  readonly approvalId: string;
  readonly agent: string;
  readonly summary: string;
  readonly why: string;
  readonly rule: string;
}
export type Decision = "allow" | "deny";

export interface SessionEnd {
  readonly reason: string;
  /** The hub itself is gone; nobody ended the session. */
  readonly isHubGone: boolean;
}

/** A session with the hub. Everything rejects with `Refused` where the hub says no, and otherwise when it cannot be asked. */
export interface HubSession extends AsyncDisposable {
  readonly ended: Promise<SessionEnd>;
  /** Tells what the server says of its tools; answers which of them are held. */
  see(tools: readonly ListedTool[], signal: AbortSignal): Promise<readonly string[]>;
  /** Asks whether a tool may be called, calls it only then, and answers what the agent may see of the reply. */
  relay(call: {
    readonly tool: string;
    readonly params: Params;
    readonly signal: AbortSignal;
    carryOut(params: Params): Promise<Reply>;
    /** Puts a question where the agent's program can, until the signal says that it was answered; null when it was not there. */
    ask(question: Question, signal: AbortSignal): Promise<Decision | null>;
  }): Promise<Reply>;
}

/** The hub said no: its problem, to be told in the protocol's own shape. */
export class Refused extends Error {
  readonly document: ProblemDocument;
  constructor(document: ProblemDocument) {
    super(document.detail);
    this.name = "Refused";
    this.document = document;
  }
}
