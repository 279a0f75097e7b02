import { oneOf } from "../../contract/schema.ts";
import { on, view } from "../../contract/view.ts";
import {
  Approval,
  ApprovalCancelled,
  ApprovalDenied,
  ApprovalExpired,
  ApprovalGranted,
  ApprovalRequested,
  approvalStatuses,
} from "./contract.ts";

const approvalsMax = 5000;

const approval = on<Approval>();
const answered =
  (status: Approval["status"]) =>
  (
    row: Approval | undefined,
    e: {
      readonly timeMs: number;
      readonly caller: string;
      readonly data: { readonly reason?: string; readonly via?: Approval["via"] };
    },
  ): Approval | null => {
    if (!row) return null;
    const reason = e.data.reason === undefined ? {} : { reason: e.data.reason };
    const via = e.data.via === undefined ? {} : { via: e.data.via };
    return { ...row, status, answeredAtMs: e.timeMs, answeredBy: e.caller, ...reason, ...via };
  };

export const approvals = view(Approval)({
  name: "approvals",
  version: 2,
  about: "Calls that wait for a person, and how they were answered, newest first.",
  isWayOut: true,
  rowsMax: approvalsMax,
  filters: {
    status: { schema: oneOf(approvalStatuses), matches: (row: Approval, value: string) => row.status === value },
  },
  folds: [
    approval(
      ApprovalRequested,
      (e) => e.data.approvalId,
      (_row, e) => {
        const { inputRef: _kept, ...shown } = e.data;
        return { ...shown, status: "waiting", corrId: e.corrId, requestedAtMs: e.timeMs };
      },
    ),
    approval(
      ApprovalGranted,
      (e) => e.data.approvalId,
      (row, e) => {
        const { approvalId: _known, reason: _told, ...answeredWith } = e.data;
        const granted = answered("granted")(row, e);
        return granted === null ? null : { ...granted, ...answeredWith };
      },
    ),
    approval(ApprovalDenied, (e) => e.data.approvalId, answered("denied")),
    approval(ApprovalExpired, (e) => e.data.approvalId, answered("expired")),
    approval(ApprovalCancelled, (e) => e.data.approvalId, answered("cancelled")),
  ],
});
