import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FolderIcon, TriangleAlertIcon } from "lucide-react";
import { type FormEvent, lazy, type ReactNode, Suspense, useState } from "react";
import { api } from "../../api.ts";
import { useNow } from "../../hub-context.ts";
import { ApprovalCard } from "../../parts/approval-card.tsx";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import { RoomHeader } from "../../shell/room-header.tsx";
import { useNeeds, useRunning } from "../../shell/use-now.ts";
import { useView } from "../../shell/view-state.ts";
import { keys } from "../../stream/refresh.ts";
import { t } from "../../text/messages.ts";
import { plainLine } from "../../text/plain.ts";
import { EpisodeRow } from "../episodes/episode-row.tsx";
import styles from "./home-page.module.css";
import { useStartFolder, useStartScout } from "./use-start.ts";

export function HomePage() {
  const isGuideShown = useView((view) => view.isGuideShown);
  const now = useNow();
  return (
    <>
      <RoomHeader title={greeting(new Date(now).getHours())} />
      <div className={styles["page"]}>
        <div className={styles["main"]}>
          {isGuideShown ? <Guide /> : null}
          <FolderCard isPrimary={!isGuideShown} />
          <Recent />
        </div>
        <div className={styles["side"]}>
          <NeedsYou />
          <Running />
          <NearLimits />
        </div>
      </div>
    </>
  );
}

function greeting(hour: number): string {
  if (hour < 5 || hour >= 18) return t("home.title.evening");
  return hour < 12 ? t("home.title.morning") : t("home.title.day");
}

function Guide() {
  const start = useStartScout();
  const set = useView((view) => view.set);
  return (
    <section className={styles["guide"]} aria-labelledby="home-guide">
      <h2 id="home-guide">{t("home.guide.title")}</h2>
      <p>{t("home.guide.body")}</p>
      {start.isError ? <ErrorCard error={start.error} /> : null}
      <div className={styles["actions"]}>
        <Button look="primary" disabled={start.isPending} onClick={() => start.mutate()}>
          {start.isPending ? t("home.guide.starting") : t("home.guide.start")}
        </Button>
        <Button look="quiet" onClick={() => set({ isGuideShown: false })}>
          {t("home.guide.dismiss")}
        </Button>
        <span className={styles["promise"]}>{t("home.guide.promise")}</span>
      </div>
      <ScoutTools />
    </section>
  );
}

const AgentCard = lazy(async () => ({ default: (await import("../../parts/agents/agent-card.tsx")).AgentCard }));

/** Before it is started a first time, and after. */
function ScoutTools() {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className={styles["tools"]} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("home.tools.title")}</summary>
      {isOpen ? (
        <Suspense fallback={<Skeleton rows={4} />}>
          <AgentCard agent="scout" />
        </Suspense>
      ) : null}
    </details>
  );
}

/** `/home/you`, `C:\Users\you` or `\\server\share`: the hub may run on either kind of system. */
const absolutePath = /^(?:\/|[A-Za-z]:[\\/]|\\\\)/u;

function FolderCard({ isPrimary }: { readonly isPrimary: boolean }) {
  const start = useStartFolder();
  const [folder, setFolder] = useState("");
  const [fault, setFault] = useState<string>();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const path = folder.trim();
    if (!absolutePath.test(path)) return setFault(t("home.folder.relative"));
    setFault(undefined);
    start.mutate(path);
  };
  return (
    <section className={styles["card"]} aria-labelledby="home-folder">
      <h2 id="home-folder">
        <FolderIcon size={16} aria-hidden />
        {t("home.folder.title")}
      </h2>
      <p>{t("home.folder.body")}</p>
      <form className={styles["form"]} onSubmit={submit}>
        <Field
          label={t("home.folder.label")}
          help={t("home.folder.help")}
          value={folder}
          error={fault ?? (start.isError ? plainLine(start.error.message) || t("error.card.unreachable") : undefined)}
          onChange={(event) => setFolder(event.target.value)}
        />
        <Button type="submit" look={isPrimary ? "primary" : "normal"} disabled={start.isPending}>
          {t("home.folder.start")}
        </Button>
      </form>
      {isPrimary ? <ScoutTools /> : null}
    </section>
  );
}

function Column({
  title,
  count,
  empty,
  id,
  children,
}: {
  readonly title: string;
  readonly count: number;
  readonly empty: string;
  readonly id: string;
  readonly children: ReactNode;
}) {
  return (
    <section aria-labelledby={id} className={styles["column"]}>
      <h2 id={id}>
        {title} <span className={styles["count"]}>{count}</span>
      </h2>
      {count === 0 ? <p className={styles["quiet"]}>{empty}</p> : children}
    </section>
  );
}

const QuestionCard = lazy(async () => ({
  default: (await import("../../parts/needs/question-card.tsx")).QuestionCard,
}));
const MissedCard = lazy(async () => ({ default: (await import("../../parts/needs/missed-card.tsx")).MissedCard }));

function NeedsYou() {
  const { approvals, questions, missed, count } = useNeeds();
  return (
    <Column id="home-needs" title={t("home.needs.title")} count={count} empty={t("home.needs.empty")}>
      <div className={styles["stack"]}>
        <Suspense fallback={<Skeleton rows={3} />}>
          {questions.map((question) => (
            <QuestionCard key={question.questionId} question={question} hasEpisodeLink />
          ))}
          {missed.map((schedule) => (
            <MissedCard key={schedule.name} schedule={schedule} />
          ))}
        </Suspense>
        {approvals.map((approval) => (
          <ApprovalCard key={approval.approvalId} approval={approval} hasEpisodeLink />
        ))}
      </div>
    </Column>
  );
}

function Running() {
  const running = useRunning();
  return (
    <Column id="home-running" title={t("home.running.title")} count={running.length} empty={t("home.running.empty")}>
      <ul className={styles["list"]}>
        {running.map((episode) => (
          <EpisodeRow key={episode.id} episode={episode} />
        ))}
      </ul>
    </Column>
  );
}

/** Ceilings whose soft limit was reached: a hard one stops work soon. */
function NearLimits() {
  const list = useQuery({ queryKey: keys.budgets, queryFn: ({ signal }) => api.allowances(signal) });
  const count = list.data?.allowances.filter(({ isNear }) => isNear).length ?? 0;
  if (count === 0) return null;
  return (
    <Link to="/policy" search={{ view: "budgets" }} className={styles["near"]}>
      <TriangleAlertIcon size={14} aria-hidden />
      {t("home.near.text", { count })}
    </Link>
  );
}

/** Enough to find the last one again; the rest has its own room. */
const recentMax = 5;

function Recent() {
  const page = useQuery({ queryKey: [...keys.episodes, "recent"], queryFn: ({ signal }) => api.episodes({}, signal) });
  if (page.isError) return <ErrorCard error={page.error} onRetry={() => void page.refetch()} />;
  const recent = page.data?.items.slice(0, recentMax) ?? [];
  if (recent.length === 0) return null;
  return (
    <section aria-labelledby="home-recent" className={styles["column"]}>
      <h2 id="home-recent">{t("home.recent.title")}</h2>
      <ul className={styles["list"]}>
        {recent.map((episode) => (
          <EpisodeRow key={episode.id} episode={episode} />
        ))}
      </ul>
      <Link to="/episodes" className={styles["all"]}>
        {t("home.recent.all")}
      </Link>
    </section>
  );
}
