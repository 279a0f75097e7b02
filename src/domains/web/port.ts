/** What the web needs from the way out. */
import type { Context } from "../../contract/operation.ts";

export interface Courier {
  send(
    request: {
      readonly operation: string;
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly limits: { readonly bodyBytesMax: number };
    },
    ctx: Context,
  ): Promise<{
    readonly url: string;
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Uint8Array;
    readonly isCut: boolean;
    readonly bytesOutTotal: number;
  }>;
}
