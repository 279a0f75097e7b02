/** Status and family: always a glyph, a word and a colour, the same everywhere. */
import {
  CheckIcon,
  CircleIcon,
  CircleSlashIcon,
  ClockIcon,
  ContrastIcon,
  DiamondIcon,
  DotIcon,
  FlagIcon,
  type LucideIcon,
  ShieldIcon,
  SquareIcon,
  TriangleAlertIcon,
  TriangleIcon,
  XIcon,
} from "lucide-react";
import type { ReactNode } from "react";
import type { EpisodeStatus, Family } from "../shapes.ts";
import { type MessageKey, t } from "../text/messages.ts";
import styles from "./marks.module.css";

const statuses: Readonly<Record<EpisodeStatus, { readonly Icon: LucideIcon; readonly tone: string }>> = {
  running: { Icon: ContrastIcon, tone: "info" },
  waiting: { Icon: ClockIcon, tone: "warn" },
  finished: { Icon: CheckIcon, tone: "ok" },
  failed: { Icon: XIcon, tone: "bad" },
  cancelled: { Icon: CircleSlashIcon, tone: "calm" },
  interrupted: { Icon: TriangleAlertIcon, tone: "warn" },
};

export function StatusMark({ status }: { readonly status: EpisodeStatus }) {
  const { Icon, tone } = statuses[status];
  return (
    <span className={`${styles["mark"]} ${styles[tone]}`} data-status={status}>
      <Icon size={14} aria-hidden className={status === "running" ? styles["turning"] : undefined} />
      {t(`episodes.status.${status}` satisfies MessageKey)}
    </span>
  );
}

export type Tone = "ok" | "warn" | "bad" | "info" | "agent" | "brand" | "accent" | "calm";

/** Any other state: the same glyph, word and colour wherever it is told. */
export function ToneMark({ Icon, tone, children }: ToneMarkProps) {
  return (
    <span className={`${styles["mark"]} ${styles[tone]}`}>
      <Icon size={14} aria-hidden />
      {children}
    </span>
  );
}

interface ToneMarkProps {
  readonly Icon: LucideIcon;
  readonly tone: Tone;
  readonly children: ReactNode;
}

export type MarkFamily = Family | "error" | "refusal";

const families: Readonly<Record<MarkFamily, { readonly Icon: LucideIcon; readonly tone: string }>> = {
  run: { Icon: FlagIcon, tone: "calm" },
  observation: { Icon: CircleIcon, tone: "info" },
  belief: { Icon: DiamondIcon, tone: "agent" },
  intent: { Icon: TriangleIcon, tone: "brand" },
  action: { Icon: SquareIcon, tone: "accent" },
  approval: { Icon: ShieldIcon, tone: "warn" },
  refusal: { Icon: ShieldIcon, tone: "bad" },
  error: { Icon: XIcon, tone: "bad" },
  other: { Icon: DotIcon, tone: "calm" },
};

/** The family's shape; its word is read, and shown where there is room. */
export function FamilyMark({ family, hasWord = false }: { readonly family: MarkFamily; readonly hasWord?: boolean }) {
  const { Icon, tone } = families[family];
  const word = t(`family.name.${family}` satisfies MessageKey);
  return (
    <span className={`${styles["mark"]} ${styles[tone]}`} title={word}>
      <Icon size={12} aria-hidden strokeWidth={2.5} />
      <span className={hasWord ? undefined : "hidden-text"}>{word}</span>
    </span>
  );
}
