import { on, view } from "../../contract/view.ts";
import {
  Allowance,
  AllowanceGranted,
  AllowanceRevoked,
  BudgetCharged,
  BudgetRefunded,
  LimitNear,
  Use,
} from "./contract.ts";

export const allowancesMax = 500;
/** Episodes whose use is still known, over all allowances per run; long gone ones make room. */
const usesMax = 20_000;

const allowance = on<Allowance>();
export const allowances = view(Allowance)({
  name: "allowances",
  version: 1,
  about: "Ceilings on what may be used up, newest first.",
  rowsMax: allowancesMax,
  overflow: "guarded",
  folds: [
    allowance(
      AllowanceGranted,
      (e) => e.data.allowanceId,
      (_row, e) => ({ ...e.data, createdAtMs: e.timeMs, createdBy: e.caller }),
    ),
    allowance(
      AllowanceRevoked,
      (e) => e.data.allowanceId,
      () => null,
    ),
  ],
});

/** One use for each allowance, and for each episode where the allowance is per run. */
export const useKey = ({ allowanceId, episode }: Pick<Use, "allowanceId" | "episode">): string =>
  episode === undefined ? allowanceId : `${allowanceId}.${episode}`;

/** A later window begins at nothing. A clock that went back takes what was used along, so that it frees nothing. */
export const isSameWindow = <T extends Pick<Use, "window">>(known: T | undefined, window: number): known is T =>
  known !== undefined && window <= known.window;

export const afterCharge = (known: Pick<Use, "window" | "used"> | undefined, window: number, amount: number): number =>
  isSameWindow(known, window) ? known.used + amount : amount;

const use = on<Use>();
export const budgetUses = view(Use)({
  name: "budgetUses",
  version: 2,
  about: "How much of each allowance is used, newest allowance first.",
  rowsMax: usesMax,
  folds: [
    use(
      BudgetCharged,
      (e) => useKey(e.data),
      (row, { data, timeMs }) => ({
        allowanceId: data.allowanceId,
        ...(data.episode === undefined ? {} : { episode: data.episode }),
        window: data.window,
        used: afterCharge(row, data.window, data.amount),
        isNear: isSameWindow(row, data.window) && row.isNear,
        atMs: timeMs,
      }),
    ),
    use(
      LimitNear,
      (e) => useKey(e.data),
      (row, { data }) => (row === undefined || row.window !== data.window ? (row ?? null) : { ...row, isNear: true }),
    ),
    use(
      BudgetRefunded,
      (e) => useKey(e.data),
      (row, { data }) =>
        row === undefined || row.window !== data.window
          ? (row ?? null)
          : { ...row, used: Math.max(0, row.used - data.amount) },
    ),
    use(
      AllowanceRevoked,
      (e) => e.data.allowanceId,
      () => null,
    ),
  ],
});
