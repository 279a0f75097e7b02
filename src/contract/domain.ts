/** A domain as the rest of the house sees it: the value that its service factory returns. */
import type { EventDefinition } from "./event.ts";
import type { Bound, Context } from "./operation.ts";
import type { View } from "./view.ts";

export interface Domain {
  /** Folder name; the first segment of its operations' ids. */
  readonly name: string;
  /** First segments of its events; the name alone when absent. */
  readonly families?: readonly string[];
  readonly operations: readonly Bound[];
  readonly events: readonly EventDefinition[];
  readonly views: readonly View[];
  /** Runs once at start, after the views are whole and before surfaces open: mends what a crash left behind. */
  readonly start?: (ctx: Context) => Promise<void>;
}
