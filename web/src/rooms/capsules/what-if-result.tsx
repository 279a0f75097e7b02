import {
  CheckIcon,
  CircleHelpIcon,
  CircleSlashIcon,
  HandIcon,
  LockOpenIcon,
  type LucideIcon,
  ShieldIcon,
} from "lucide-react";
import { Diff } from "../../parts/diff.tsx";
import { Section } from "../../parts/list-section.tsx";
import { type Tone, ToneMark } from "../../parts/marks.tsx";
import styles from "../../parts/page.module.css";
import { formatDuration, formatNumber } from "../../text/formats.ts";
import { plain, plainLine } from "../../text/plain.ts";
import own from "./capsules.module.css";
import type { WhatIf } from "./capsules-api.ts";
import { type CapsulesKey, k } from "./capsules-messages.ts";
import { TwoSides } from "./two-sides.tsx";
import { questionSums } from "./what-if-sums.ts";

type Difference = WhatIf["differences"][number];
type Spent = WhatIf["spentThen"];

/** Then and now, and the line behind which the record knows nothing. */
export function WhatIfResult({ answer }: { readonly answer: WhatIf }) {
  const { differences, unknownAfterStep, policyThen } = answer;
  const before = differences.filter(({ step }) => unknownAfterStep === null || step <= unknownAfterStep);
  const behind = differences.filter((each) => !before.includes(each));
  return (
    <Section title={k("whatif.told.title")}>
      <p role="status" className={styles["lead"]} data-horizon={unknownAfterStep ?? "none"}>
        {plainLine(answer.horizon)}
      </p>
      {policyThen === "today" ? <p>{k("whatif.told.today")}</p> : null}
      <TwoSides
        then={{ title: k("whatif.side.then"), body: <Outcome text={answer.outcomeThen} spent={answer.spentThen} /> }}
        now={{ title: k("whatif.side.now"), body: <Outcome text={answer.outcomeNow} spent={answer.spentNow} /> }}
      />
      <Sums answer={answer} />
      {before.map((each) => (
        <DifferenceItem key={each.step} difference={each} />
      ))}
      {unknownAfterStep === null ? null : (
        <p className={own["horizon"]}>{k("whatif.told.unknown", { step: unknownAfterStep })}</p>
      )}
      {behind.map((each) => (
        <DifferenceItem key={each.step} difference={each} />
      ))}
      {answer.diffs.map(({ step, tool, what, diff }) => (
        <div key={`${step} ${what}`} className={own["stack"]}>
          <p>{k(what === "answer" ? "whatif.diff.answer" : "whatif.diff.call", { step, tool: plainLine(tool) })}</p>
          <Diff diff={diff} />
        </div>
      ))}
    </Section>
  );
}

function Sums({ answer }: { readonly answer: WhatIf }) {
  const { differences, blocked, opened } = answer;
  if (differences.length === 0) return <p>{k("whatif.sums.same")}</p>;
  const questions = questionSums(answer);
  const { askedThen, askedNow } = questions;
  const parts: readonly (readonly [CapsulesKey, number])[] = [
    ["whatif.sums.saved", questions.saved],
    ["whatif.sums.instead", questions.blocked],
    ["whatif.sums.idle", questions.idle],
    ["whatif.sums.added", questions.added],
    ["whatif.sums.blocked", blocked],
    ["whatif.sums.opened", opened],
  ];
  return (
    <p className={styles["terms"]}>
      <span>{k("whatif.sums.steps", { count: differences.length })}</span>
      {askedThen + questions.added > 0 ? (
        <span>{k("whatif.sums.questions", { count: askedThen, now: askedNow ?? k("whatif.spent.unknown") })}</span>
      ) : null}
      {parts.map(([key, count]) => (count > 0 ? <span key={key}>{k(key, { count })}</span> : null))}
    </p>
  );
}

const results: Readonly<
  Record<Difference["result"], { readonly Icon: LucideIcon; readonly tone: Tone; readonly word: CapsulesKey }>
> = {
  saved: { Icon: CheckIcon, tone: "ok", word: "whatif.result.saved" },
  added: { Icon: HandIcon, tone: "warn", word: "whatif.result.added" },
  blocked: { Icon: ShieldIcon, tone: "bad", word: "whatif.result.blocked" },
  opened: { Icon: LockOpenIcon, tone: "brand", word: "whatif.result.opened" },
  "cut-off": { Icon: CircleSlashIcon, tone: "bad", word: "whatif.result.cutoff" },
  unknown: { Icon: CircleHelpIcon, tone: "calm", word: "whatif.result.unknown" },
};

function DifferenceItem({ difference }: { readonly difference: Difference }) {
  const { step, tool, summary, was, now, result } = difference;
  const { Icon, tone, word } = results[result];
  return (
    <div className={own["stack"]} data-thing="difference" data-result={result} tabIndex={-1}>
      <p className={styles["row"]}>
        <span>{k("replay.events.step", { step })}</span>
        <code>{plainLine(tool)}</code>
        <span className={styles["name"]}>{plainLine(summary)}</span>
        <ToneMark Icon={Icon} tone={tone}>
          {k(word)}
        </ToneMark>
      </p>
      <TwoSides
        then={{ title: k("whatif.side.then"), body: <Said said={was} /> }}
        now={{ title: k("whatif.side.now"), body: <Said said={now} /> }}
      />
    </div>
  );
}

function Said({ said: { effect, rule, source, reason } }: { readonly said: Difference["was"] }) {
  return (
    <>
      <p>
        <strong>{k(`whatif.effect.${effect}`)}</strong>
      </p>
      {rule ? <code>{plainLine(rule)}</code> : null}
      {source && source !== rule ? <p className={styles["quiet"]}>{plainLine(source)}</p> : null}
      {reason ? <p>{plain(reason)}</p> : null}
    </>
  );
}

function Outcome({ text, spent }: { readonly text: string | null; readonly spent: Spent }) {
  return (
    <>
      <p>{text === null ? k("whatif.outcome.unknown") : plain(text)}</p>
      <p className={styles["terms"]}>
        <span>{amount("whatif.spent.tokens", spent.tokens, formatNumber)}</span>
        <span>{amount("whatif.spent.money", spent.microUsd, usdText)}</span>
        <span>{amount("whatif.spent.time", spent.workedMs, formatDuration)}</span>
      </p>
    </>
  );
}

const amount = (key: CapsulesKey, value: number | "unknown", format: (value: number) => string): string =>
  k(key, { amount: value === "unknown" ? k("whatif.spent.unknown") : format(value) });

const microsOfUsd = 1_000_000;
const usdText = (microUsd: number): string => formatNumber(microUsd / microsOfUsd);
