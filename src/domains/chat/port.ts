/** What conversations need of the journal: that it lets go of the words of these events for good, and says so. */
import type { Context } from "../../contract/operation.ts";

export type Eraser = (
  events: { readonly kind: string; readonly seqs: readonly number[] },
  ctx: Context,
) => Promise<void>;
