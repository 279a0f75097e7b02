import { CheckIcon, HandIcon, type LucideIcon, ShieldIcon } from "lucide-react";
import marks from "../../parts/marks.module.css";
import { p } from "./policy-messages.ts";

type Verdict = "allow" | "pass" | "ask" | "deny";
type Effect = "permit" | "ask" | "forbid";

const looks: Readonly<Record<Verdict, { readonly Icon: LucideIcon; readonly tone: string }>> = {
  allow: { Icon: CheckIcon, tone: "ok" },
  pass: { Icon: CheckIcon, tone: "ok" },
  ask: { Icon: HandIcon, tone: "warn" },
  deny: { Icon: ShieldIcon, tone: "bad" },
};

function Mark({ verdict, word }: { readonly verdict: Verdict; readonly word: string }) {
  const { Icon, tone } = looks[verdict];
  return (
    <span className={`${marks["mark"]} ${marks[tone]}`} data-verdict={verdict}>
      <Icon size={14} aria-hidden />
      {word}
    </span>
  );
}

export const VerdictMark = ({ verdict }: { readonly verdict: Verdict }) => (
  <Mark verdict={verdict} word={p(`policy.verdict.${verdict}`)} />
);

const verdictOf = { permit: "allow", ask: "ask", forbid: "deny" } as const;

export const EffectMark = ({ effect }: { readonly effect: Effect }) => (
  <Mark verdict={verdictOf[effect]} word={p(`policy.effect.${effect}`)} />
);
