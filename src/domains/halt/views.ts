/** One row: whether the hub is halted. */
import { on, view } from "../../contract/view.ts";
import { HaltEngaged, HaltReleased, HaltState } from "./contract.ts";

export const haltKey = "hub";

const state = on<HaltState>();
export const halt = view(HaltState)({
  name: "halt",
  version: 1,
  about: "Whether the hub is halted, since when, by whom and why.",
  isWayOut: true,
  rowsMax: 1,
  folds: [
    state(
      HaltEngaged,
      () => haltKey,
      (_row, { data, timeMs, caller }) => ({
        isHalted: true,
        by: caller,
        changedAtMs: timeMs,
        reason: data.reason ?? null,
      }),
    ),
    state(
      HaltReleased,
      () => haltKey,
      (_row, { timeMs, caller }) => ({ isHalted: false, by: caller, changedAtMs: timeMs, reason: null }),
    ),
  ],
});
