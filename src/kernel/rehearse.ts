/** What a call would come to before anybody is asked about it: for a person who changes a call that waits for their answer. */
import { digestOf } from "../base/canonical-json.ts";
import type { Scope } from "../contract/caller.ts";
import type { Preview } from "../contract/operation.ts";
import { type Call, contextOf, type Dispatch, type DispatchOptions } from "./call.ts";
import type { Ruling } from "./ports.ts";
import { refuseSecrets } from "./sealed.ts";
import { previewOf } from "./stage-approve.ts";
import { decode } from "./stage-decode.ts";
import { gate } from "./stage-gate.ts";
import { identify } from "./stage-identify.ts";
import { policy } from "./stage-policy.ts";

export interface Rehearsal {
  readonly argsDigest: string;
  readonly scope: Scope;
  /** Null where the policies are not asked. */
  readonly ruling: Ruling | null;
  readonly preview: Preview;
}

/** Throws what the stages throw. */
export async function rehearsed(call: Call, options: DispatchOptions, dispatch: Dispatch): Promise<Rehearsal> {
  identify(call, options);
  gate(call, options.gate);
  decode(call);
  await policy(call, options.policy);
  refuseSecrets(call.input, options.vault);
  const preview = await previewOf(call, contextOf(call, options, dispatch));
  return { argsDigest: digestOf(call.input), scope: call.scope, ruling: call.ruling, preview };
}
