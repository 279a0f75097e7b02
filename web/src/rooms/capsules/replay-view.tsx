import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { CheckIcon, type LucideIcon, ShieldIcon, TriangleAlertIcon } from "lucide-react";
import { useState } from "react";
import { capsuleSearch } from "../../filters.ts";
import { ErrorCard } from "../../parts/error-card.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Section } from "../../parts/list-section.tsx";
import { FamilyMark, type Tone, ToneMark } from "../../parts/marks.tsx";
import styles from "../../parts/page.module.css";
import { keys } from "../../stream/refresh.ts";
import { familyOf } from "../../text/event-words.ts";
import { formatBytes, formatExact } from "../../text/formats.ts";
import { plain, plainLine } from "../../text/plain.ts";
import own from "./capsules.module.css";
import { SignerMark } from "./capsule-facts.tsx";
import { capsulesApi, type Replay, type Shown, type ShownLine } from "./capsules-api.ts";
import { k } from "./capsules-messages.ts";
import { type FileChange, pathOf, placeOf } from "./replay-places.ts";
import { ReplayWait } from "./replay-wait.tsx";
import { Scrubber } from "./scrubber.tsx";
import { TwoSides } from "./two-sides.tsx";
import { WholeEvent } from "./whole-event.tsx";

type Report = Replay["report"];

const route = getRouteApi("/capsules/$id");

export interface ReplayViewProps {
  readonly id: string;
  readonly shown: Shown;
}

/** The agent's code works once more over its record: nothing outside is reached. */
export function ReplayView({ id, shown }: ReplayViewProps) {
  const replay = useQuery({
    queryKey: [...keys.run(id), "replay"],
    queryFn: ({ signal }) => capsulesApi.replay(id, signal),
  });
  return (
    <>
      <Section title={k("replay.verdict.title")} lead={k("replay.verdict.lead")}>
        {replay.isError ? <ErrorCard error={replay.error} onRetry={() => void replay.refetch()} /> : null}
        {replay.isPending ? <ReplayWait id={id} /> : null}
        {replay.data ? <Verdict replay={replay.data} /> : null}
      </Section>
      {shown.story.length > 0 ? (
        <Events id={id} shown={shown} divergedSeq={replay.data?.report.divergence?.seq ?? null} />
      ) : null}
    </>
  );
}

const verdicts: Readonly<Record<Report["verdict"], { readonly Icon: LucideIcon; readonly tone: Tone }>> = {
  equal: { Icon: CheckIcon, tone: "ok" },
  diverged: { Icon: ShieldIcon, tone: "bad" },
  incomplete: { Icon: TriangleAlertIcon, tone: "warn" },
};

/** Of code that is not this hub's nothing was made again, and so nothing was found to be equal. */
const answersFit = { tone: "warn", Icon: TriangleAlertIcon } as const;

function Verdict({ replay: { report, gap, signer, table } }: { readonly replay: Replay }) {
  const { verdict, mode, events, steps, divergence, replayableToStep } = report;
  const isMade = mode === "program";
  return (
    <div className={own["stack"]} role="status" data-verdict={verdict}>
      <p className={styles["row"]}>
        {isMade || verdict === "diverged" ? (
          <ToneMark {...verdicts[verdict]}>{k(`replay.verdict.${verdict}`)}</ToneMark>
        ) : (
          <ToneMark {...answersFit}>{k("replay.verdict.answers")}</ToneMark>
        )}
        <span>{k("replay.counts.steps", { done: steps.replayed, count: steps.recorded })}</span>
      </p>
      <p>
        {isMade
          ? k("replay.counts.events", { count: events.total, made: events.madeAgain, taken: events.taken })
          : k("replay.counts.all", { count: events.total })}
      </p>
      {signer === null ? null : (
        <p className={styles["row"]}>
          {k("replay.signer.word")} <SignerMark signer={signer} />
        </p>
      )}
      {table.isSame ? null : <p>{k("replay.table.other")}</p>}
      {isMade ? null : <p>{k("replay.mode.answers")}</p>}
      {replayableToStep === null ? null : (
        <p>{k("replay.counts.until", { step: replayableToStep, why: plainLine(gap ?? "") })}</p>
      )}
      {divergence ? <Divergence divergence={divergence} replayed={steps.replayed} /> : null}
    </div>
  );
}

interface DivergenceProps {
  readonly divergence: NonNullable<Report["divergence"]>;
  /** Steps that were equal before it. */
  readonly replayed: number;
}

function Divergence({ divergence, replayed }: DivergenceProps) {
  const { step, at, why, recorded, made } = divergence;
  return (
    <>
      <p>
        {step !== null
          ? k("replay.apart.step", { step })
          : replayed === 0
            ? k("replay.apart.begin")
            : k("replay.apart.behind", { step: replayed })}{" "}
        {plainLine(why)} {at === "" ? null : <code>{plainLine(at)}</code>}
      </p>
      <TwoSides
        then={{ title: k("replay.side.recorded"), body: <JsonView value={recorded} /> }}
        now={{ title: k("replay.side.made"), body: <JsonView value={made} /> }}
      />
    </>
  );
}

/** Events on either side of the scrubber: enough to see where one stands, the same height at every place. */
const nearCount = 4;

function Events({ id, shown: { capsule, story, storyMore }, divergedSeq }: EventsProps) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const diverged = story.findIndex(({ seq }) => seq === divergedSeq) + 1;
  // The address follows a moment later: quick presses must not wait for it.
  const [moved, setMoved] = useState<number | null>(null);
  const at = Math.min(story.length, Math.max(1, moved ?? search.at ?? (diverged || 1)));
  const line = story[at - 1];
  const move = (to: number): void => {
    setMoved(to);
    void navigate({ search: capsuleSearch({ ...search, at: to }), replace: true, resetScroll: false });
  };
  if (!line) return null;
  const { here, changedCount } = placeOf(story, capsule.manifest.files, at);
  const first = Math.max(0, Math.min(at - 1 - nearCount, story.length - 1 - 2 * nearCount));
  return (
    <Section title={k("replay.events.title")} lead={k("replay.events.lead")}>
      <Scrubber count={story.length} at={at} text={plainLine(line.text)} onMove={move} />
      <p className={styles["figures"]}>
        <strong>{k("replay.scrub.place", { at, count: story.length })}</strong>
        {line.step === null ? null : <span>{k("replay.events.step", { step: line.step })}</span>}
        <span>{k("replay.files.count", { count: changedCount })}</span>
        <time dateTime={new Date(line.timeMs).toISOString()}>{formatExact(line.timeMs)}</time>
      </p>
      <ol className={own["near"]} start={first + 1} aria-label={k("replay.events.title")}>
        {story.slice(first, first + 1 + 2 * nearCount).map((each, index) => (
          <li key={each.seq}>
            <EventButton
              line={each}
              place={first + index + 1}
              isHere={each === line}
              isApart={first + index + 1 === diverged}
              onOpen={() => move(first + index + 1)}
            />
          </li>
        ))}
      </ol>
      {storyMore > 0 ? <p className={styles["quiet"]}>{k("replay.events.more", { count: storyMore })}</p> : null}
      <div className={own["side"]} aria-label={k("replay.events.here")} role="group">
        <h3>{line.kind}</h3>
        <p>{plain(line.text)}</p>
        {here.map((file) => (
          <p key={pathOf(file)} data-change>
            {changeText(file)}
          </p>
        ))}
        <WholeEvent key={line.seq} id={id} line={line} />
      </div>
    </Section>
  );
}

function changeText(file: FileChange): string {
  const change = k(file.before === null ? "replay.files.created" : "replay.files.changed", {
    path: plainLine(pathOf(file)),
  });
  return file.sizeBytes === null ? change : k("facts.touched.size", { change, size: formatBytes(file.sizeBytes) });
}

interface EventsProps {
  readonly id: string;
  readonly shown: Shown;
  readonly divergedSeq: number | null;
}

interface EventButtonProps {
  readonly line: ShownLine;
  readonly place: number;
  readonly isHere: boolean;
  /** Here the replay did something else. */
  readonly isApart: boolean;
  readonly onOpen: () => void;
}

function EventButton({ line, place, isHere, isApart, onOpen }: EventButtonProps) {
  return (
    <button type="button" className={own["event"]} aria-current={isHere ? "step" : undefined} onClick={onOpen}>
      <span className={own["number"]}>{place}</span>
      <FamilyMark family={familyOf(line.kind)} hasWord />
      <span className={own["gist"]}>
        {isApart ? <strong className={styles["over"]}>{k("replay.events.apart")} </strong> : null}
        {plainLine(line.text)}
      </span>
    </button>
  );
}
