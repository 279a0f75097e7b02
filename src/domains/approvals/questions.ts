/** The questions that wait: who is to be told the answer, and when it is too late for one. */
import type { WaitingRoom } from "../../base/waiting-room.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Decision } from "../../kernel/ports.ts";

/** A caller that waits inside its call, and what it asked for; both are gone with the hub. */
export interface WaitingCall {
  readonly caller: Caller;
  readonly input: unknown;
}

export type Questions = WaitingRoom<Decision, WaitingCall>;
