/** What servers of others need from outside: a way out for those that have an address, and a start for those that are programs. */
import type { Context } from "../../contract/operation.ts";

export interface Courier {
  send(
    request: {
      readonly operation: string;
      readonly url: string;
      readonly method: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Uint8Array;
      readonly limits: { readonly bodyBytesMax: number; readonly firstByteMs: number; readonly wholeMs: number };
    },
    ctx: Context,
  ): Promise<{
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Uint8Array;
    readonly isCut: boolean;
  }>;
}

/** A program that speaks the protocol over its input and output, one JSON text per line. */
export interface LineServer {
  /** A line that was too long to read comes as null. Ends with the program. */
  readonly lines: AsyncIterable<string | null>;
  write(line: string): Promise<void>;
  /** Ends it, and everything that it started. */
  close(): Promise<void>;
  /** Resolves with how it ended, in words. */
  readonly ended: Promise<string>;
}

/** Starts such programs, confined where the machine can. */
export interface ServerStarter {
  isConfined(): Promise<boolean>;
  /** Of the secrets that these variables name, those that there are not. */
  missing(variables: Readonly<Record<string, string>>): readonly string[];
  /** Throws the `mcp.server-failed` problem for a program that cannot be started as told. */
  start(order: {
    readonly server: string;
    readonly command: readonly string[];
    readonly read: readonly string[];
    readonly write: readonly string[];
    /** `{ API_KEY: "secret:FILES_KEY" }` */
    readonly env: Readonly<Record<string, string>>;
    readonly corrId: string;
    readonly signal: AbortSignal;
  }): Promise<LineServer>;
}
