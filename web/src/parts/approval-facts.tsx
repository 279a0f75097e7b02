import { useNow } from "../hub-context.ts";
import type { Approval } from "../shapes.ts";
import { formatClock, formatDuration } from "../text/formats.ts";
import { t } from "../text/messages.ts";
import { type Reason, Reasons } from "./why-panel.tsx";

/** What a person weighs before an answer. What an older question does not say is left out. */
export function ApprovalFacts({ approval }: { readonly approval: Approval }) {
  const { caller, operation, folder, path, host, effect, canUndo, needs = [], labels = [] } = approval;
  const leftMs = approval.expiresAtMs - useNow();
  const clock = formatClock(approval.expiresAtMs);
  const agent = `${caller.kind}:${caller.id}`;
  const target = [folder, path].filter((part) => part !== undefined).join("/") || host;
  const undo = canUndo ? t("approval.card.undoable") : t("approval.card.final");
  const facts: readonly Reason[] = [
    { label: t("approval.card.who"), value: agent },
    { label: t("approval.card.does"), value: operation, isCode: true },
    ...(target ? [{ label: t("approval.card.on"), value: target, isCode: true }] : []),
    { label: t("approval.card.effect"), value: canUndo ? `${effect ?? ""} ${undo}`.trim() : (effect ?? undo) },
    ...(needs.length > 0 ? [{ label: t("approval.card.needs"), value: listText(needs) }] : []),
    ...(labels.length > 0
      ? [{ label: t("approval.card.built"), value: listText(labels.map((label) => t(`label.word.${label}`))) }]
      : []),
    ...(approval.why ? [{ label: t("approval.card.why"), value: approval.why }] : []),
    { label: t("approval.why.rule"), value: ruleText(approval) },
    { label: t("approval.card.no"), value: t("approval.card.denies", { agent }) },
    {
      label: t("approval.card.until"),
      value:
        leftMs > 0
          ? t("approval.card.left", { clock, left: formatDuration(Math.max(1000, leftMs)) })
          : t("approval.card.over", { clock }),
    },
  ];
  return <Reasons reasons={facts} />;
}

/** The rule that asks, with the place where it is written. */
export const ruleText = ({ rule, ruleSource }: Approval): string =>
  ruleSource === undefined ? rule : t("approval.card.rule", { rule, source: ruleSource });

const listText = (parts: readonly string[]): string => new Intl.ListFormat("en").format(parts);
