import { useState } from "react";
import { ApprovalOf } from "../../parts/approval-card.tsx";
import { Button } from "../../parts/button.tsx";
import { FamilyMark } from "../../parts/marks.tsx";
import { type Reason, useWhy } from "../../parts/why-panel.tsx";
import type { Episode, StoryLine } from "../../shapes.ts";
import { formatClock, formatExact } from "../../text/formats.ts";
import { familyOf, isErrorKind } from "../../text/event-words.ts";
import { t } from "../../text/messages.ts";
import { plainLine } from "../../text/plain.ts";
import styles from "./story.module.css";
import { type StoryGroup, storyGroups } from "./story-groups.ts";

export function Story({ episode, story }: { readonly episode: Episode; readonly story: readonly StoryLine[] }) {
  return (
    <ol className={styles["story"]} aria-label={t("episode.story.label")}>
      {storyGroups(story.filter(isTold)).map((group) => (
        <Group key={group.key} group={group} episode={episode.id} />
      ))}
    </ol>
  );
}

/** The answer to an approval shows in its card, and the queue's own book-keeping is for the Events tab. */
const isTold = (line: StoryLine): boolean =>
  line.family !== "other" && (line.family !== "approval" || line.kind === "approvals.requested");

/** Lines that one press adds to a fold: enough to read, few enough to stay quick. */
const stepSize = 100;

function Group({ group, episode }: { readonly group: StoryGroup; readonly episode: string }) {
  const [count, setCount] = useState(group.openCount);
  const isFoldable = group.openCount < group.lines.length;
  const shown = isFoldable ? group.lines.slice(0, count) : group.lines;
  const left = group.lines.length - shown.length;
  return (
    <>
      {shown.map((line) => (
        <Line key={line.seq} line={line} episode={episode} />
      ))}
      {isFoldable ? (
        <li className={styles["fold"]} data-thing="fold" tabIndex={0}>
          <Button look="quiet" hotkey="e" onClick={() => setCount(left > 0 ? count + stepSize : group.openCount)}>
            {left > 0 ? t("episode.story.more", { count: left }) : t("episode.story.less")}
          </Button>
        </li>
      ) : null}
    </>
  );
}

function Line({ line, episode }: { readonly line: StoryLine; readonly episode: string }) {
  const data = line.data as Readonly<Record<string, unknown>>;
  return (
    <li className={styles["line"]} data-thing="line" data-episode={episode} data-seq={line.seq} tabIndex={0}>
      <time className={styles["time"]} dateTime={new Date(line.timeMs).toISOString()} title={formatExact(line.timeMs)}>
        {formatClock(line.timeMs)}
      </time>
      <span className={styles["mark"]}>
        <FamilyMark family={familyOf(line.kind)} />
      </span>
      <div className={styles["body"]}>
        <p className={isErrorKind(line.kind) ? styles["bad"] : undefined}>{told(line, data)}</p>
        {line.family === "belief" ? <Sources data={data} /> : null}
        {line.kind === "actions.refused" || line.kind === "actions.failed" ? <Refusal data={data} /> : null}
        {line.kind === "approvals.requested" && typeof data["approvalId"] === "string" ? (
          <ApprovalOf id={data["approvalId"]} />
        ) : null}
      </div>
    </li>
  );
}

/** A belief's sources stand below it, each on its own. */
const told = (line: StoryLine, data: Readonly<Record<string, unknown>>): string =>
  plainLine(line.family === "belief" && typeof data["statement"] === "string" ? data["statement"] : line.text);

function Sources({ data }: { readonly data: Readonly<Record<string, unknown>> }) {
  const sources = Array.isArray(data["sources"]) ? (data["sources"] as readonly { path: string; line: number }[]) : [];
  if (sources.length === 0) return null;
  return (
    <ul className={styles["sources"]}>
      {sources.map((source) => (
        <li key={`${source.path}:${source.line}`}>
          <code title={t("episode.story.source", { path: plainLine(source.path), line: source.line })}>
            {plainLine(source.path)}:{source.line}
          </code>
        </li>
      ))}
    </ul>
  );
}

function Refusal({ data }: { readonly data: Readonly<Record<string, unknown>> }) {
  const text = (name: string): string => (typeof data[name] === "string" ? data[name] : "");
  const reasons: readonly Reason[] = [
    { label: t("why.panel.rule"), value: text("rule"), isCode: true },
    { label: t("why.panel.reason"), value: text("reason") || text("error") },
    { label: t("why.panel.code"), value: text("code"), isCode: true },
  ].filter((reason) => reason.value !== "");
  const why = useWhy(reasons);
  return (
    <>
      <div>{why.toggle}</div>
      {why.panel}
    </>
  );
}
