/** What a session with a server that is reached by its address needs from the way out. */
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
