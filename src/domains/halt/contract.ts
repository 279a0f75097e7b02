/** Halt: the emergency stop of a whole hub, which holds until a person lets go of it. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { closed, EpochMs, type Static, Type } from "../../contract/schema.ts";
import { StoreFailed } from "../../contract/standard-problems.ts";

const Reason = Type.String({ maxLength: 500, description: "Why, in the words of whoever stopped." });

export const HaltEngaged = event({
  kind: "halt.engaged",
  about: "A person stopped all work of the hub; it holds until it is released, over restarts too.",
  data: closed({ reason: Type.Optional(Reason) }),
});
export const HaltReleased = event({
  kind: "halt.released",
  about: "A person let the hub work again.",
  data: closed({}),
});

export const HaltState = closed({
  isHalted: Type.Boolean(),
  by: Type.String({ description: "Who stopped or released last; empty when nobody ever did." }),
  changedAtMs: EpochMs,
  reason: Type.Union([Reason, Type.Null()]),
});
export type HaltState = Static<typeof HaltState>;

export const Engage = op({
  id: "halt.engage",
  http: "POST /halt",
  cli: "halt",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Stop every run, task, tool call and stream of agents, plugins and nodes now, until the hub is released.",
  input: closed({ reason: Type.Optional(Reason) }),
  output: closed({
    ...HaltState.properties,
    endedTasks: Type.Integer({ minimum: 0, description: "Tasks that ran and were ended." }),
    cancelledTasks: Type.Integer({
      minimum: 0,
      description: "Waiting tasks of agents, plugins and nodes, taken back.",
    }),
    stillEnding: Type.Integer({ minimum: 0, description: "Tasks that were told to end and have not said so yet." }),
  }),
  problems: [StoreFailed],
  emits: [HaltEngaged],
});
export const Release = op({
  id: "halt.release",
  http: "POST /halt/release",
  cli: "halt release",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Let a halted hub work again; what was ended stays ended, and waiting tasks of persons go on.",
  input: closed({}),
  output: HaltState,
  emits: [HaltReleased],
});
export const Status = op({
  id: "halt.status",
  http: "GET /halt",
  cli: "halt status",
  effect: "read",
  isWayOut: true,
  about: "Say whether the hub is halted, since when, by whom and why.",
  input: closed({}),
  output: HaltState,
});
