import { Link } from "@tanstack/react-router";
import { CheckIcon, ChevronRightIcon, type LucideIcon, ShieldIcon, TriangleIcon, XIcon } from "lucide-react";
import { useState } from "react";
import { ApprovalOf } from "../../parts/approval-card.tsx";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import marks from "../../parts/marks.module.css";
import { QuestionOf } from "../../parts/needs/question-card.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import { plainLine } from "../../text/plain.ts";
import { useEpisode } from "../episodes/use-episode.ts";
import type { LivePart } from "./answer-feed.ts";
import type { Message } from "./chat-api.ts";
import { c } from "./chat-messages.ts";
import styles from "./chat-page.module.css";
import { Words } from "./words.tsx";

type Step = Extract<LivePart, { kind: "tool" }>;
type State = Step["state"];

const looks: Readonly<Record<State, { readonly Icon: LucideIcon; readonly tone: string }>> = {
  proposed: { Icon: TriangleIcon, tone: "brand" },
  done: { Icon: CheckIcon, tone: "calm" },
  refused: { Icon: ShieldIcon, tone: "bad" },
  failed: { Icon: XIcon, tone: "bad" },
};

/** More than this pushes the answer out of sight; the earlier ones are a press away. */
const stepsShownMax = 6;

interface PartsProps {
  readonly episode: string;
  readonly parts: readonly LivePart[];
}

/** Steps as quiet lines, what the model says between them, and each question under the step that it is about. */
export function LiveParts({ episode, parts }: PartsProps) {
  const [isWhole, setWhole] = useState(false);
  const steps = parts.filter(({ kind }) => kind === "tool").length;
  const hidden = isWhole ? 0 : Math.max(0, steps - stepsShownMax);
  if (parts.length === 0) return null;
  const shown = withoutSteps(parts, hidden);
  return (
    <div className={styles["parts"]}>
      {hidden > 0 ? (
        <Button look="quiet" onClick={() => setWhole(true)}>
          {c("chat.steps.earlier", { count: hidden })}
        </Button>
      ) : null}
      {shown.map((part) => (
        <Part key={keyOf(part)} part={part} episode={episode} />
      ))}
    </div>
  );
}

const keyOf = (part: LivePart): string => {
  if (part.kind === "text") return `text ${part.after}`;
  return part.kind === "tool" ? `step ${part.step}` : `${part.kind} ${part.id}`;
};

/** Without so many of the first steps; what was said and asked stays. */
function withoutSteps(parts: readonly LivePart[], count: number): readonly LivePart[] {
  let left = count;
  return parts.filter((part) => part.kind !== "tool" || left-- <= 0);
}

function Part({ part, episode }: { readonly part: LivePart; readonly episode: string }) {
  switch (part.kind) {
    case "text":
      return <Words text={part.text} />;
    case "tool":
      return (
        <StepLine state={part.state} text={part.summary || part.tool} episode={episode} position={part.position}>
          {part.reason}
        </StepLine>
      );
    case "approval":
      return <ApprovalOf id={part.id} />;
    case "question":
      return <QuestionOf id={part.id} />;
    default:
      return part satisfies never;
  }
}

interface StepLineProps {
  readonly state: State;
  readonly text: string;
  readonly episode: string;
  readonly position: number;
  readonly children?: string | undefined;
}

function StepLine({ state, text, episode, position, children }: StepLineProps) {
  const { Icon, tone } = looks[state];
  return (
    <p className={styles["step"]}>
      <span className={`${marks["mark"]} ${marks[tone]}`} title={c(`chat.step.${state}`)}>
        <Icon size={12} aria-hidden strokeWidth={2.5} />
        <span className="hidden-text">{c(`chat.step.${state}`)}</span>
      </span>
      <span className={styles["stepText"]}>
        {plainLine(text)}
        {children ? <span className={styles["quiet"]}> {plainLine(children)}</span> : null}
      </span>
      <Link
        to="/events"
        search={{ view: "journal", corr: episode, seq: position }}
        className={styles["stepLink"]}
        aria-label={c("chat.step.open", { step: plainLine(text) })}
      >
        <ChevronRightIcon size={14} aria-hidden />
      </Link>
    </p>
  );
}

/** Steps of an answer that ended before this page was opened: read from its episode when somebody looks. */
export function KeptSteps({ message: { message, spent } }: { readonly message: Message }) {
  const [isOpen, setOpen] = useState(false);
  const steps = spent?.steps ?? null;
  if (steps === 0) return null;
  return (
    <details className={styles["kept"]} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{steps === null ? c("chat.steps.did") : c("chat.steps.title", { count: steps })}</summary>
      {isOpen ? <StorySteps episode={message} /> : null}
    </details>
  );
}

const stateOf: Readonly<Record<string, State>> = {
  "intents.proposed": "proposed",
  "observations.recorded": "done",
  "actions.applied": "done",
  "actions.refused": "refused",
  "actions.failed": "failed",
};
/** A run of more steps has its own page. */
const storyMax = 100;

function StorySteps({ episode }: { readonly episode: string }) {
  const told = useEpisode(episode);
  if (told.isError) return <ErrorCard error={told.error} onRetry={() => void told.refetch()} />;
  if (!told.data) return <Skeleton rows={3} />;
  const lines = told.data.story.filter(({ kind }) => kind in stateOf || kind === "approvals.requested");
  return (
    <div className={styles["parts"]}>
      {lines.slice(0, storyMax).map(({ seq, kind, text, data }) => {
        const state = stateOf[kind];
        const { approvalId: approval, summary } = (data ?? {}) as { readonly [name: string]: string | undefined };
        if (state === undefined) return approval === undefined ? null : <ApprovalOf key={seq} id={approval} />;
        return <StepLine key={seq} state={state} text={summary ?? text} episode={episode} position={seq} />;
      })}
    </div>
  );
}
