import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { CheckIcon } from "lucide-react";
import { useEffect } from "react";
import { ApiFault, api } from "../../api.ts";
import { capsuleSearch, capsuleTabs } from "../../filters.ts";
import { Button } from "../../parts/button.tsx";
import { CopyButton } from "../../parts/copy-button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { ToneMark } from "../../parts/marks.tsx";
import styles from "../../parts/page.module.css";
import { Skeleton } from "../../parts/skeleton.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { RoomHeader } from "../../shell/room-header.tsx";
import { useView } from "../../shell/view-state.ts";
import { keys } from "../../stream/refresh.ts";
import { t } from "../../text/messages.ts";
import { plainLine } from "../../text/plain.ts";
import { CapsuleFacts } from "./capsule-facts.tsx";
import { capsulesApi, type Shown } from "./capsules-api.ts";
import { k } from "./capsules-messages.ts";
import { RunStatus } from "./capsules-page.tsx";
import { DiffView } from "./diff-view.tsx";
import { ReplayView } from "./replay-view.tsx";
import { SaveButton } from "./save-button.tsx";
import { UndoView } from "./undo-view.tsx";
import { WhatIfView } from "./what-if-view.tsx";

const route = getRouteApi("/capsules/$id");
const tabs = ["about", ...capsuleTabs] as const;
const labels = {
  about: k("capsule.tab.about"),
  replay: k("capsule.tab.replay"),
  "what-if": k("capsule.tab.whatif"),
  diff: k("capsule.tab.diff"),
  undo: k("capsule.tab.undo"),
} as const;

/** One recorded run, kept as a capsule or of this hub: what it holds, and what can be done with a record. */
export function CapsulePage() {
  const { id } = route.useParams();
  const shown = useQuery({
    queryKey: [...keys.run(id), "shown"],
    queryFn: ({ signal }) => capsulesApi.show(id, signal),
  });
  if (shown.data) return <ShownCapsule id={id} shown={shown.data} />;
  return (
    <>
      <RoomHeader title={t("shell.room.capsules")} />
      <div className={styles["page"]}>
        {shown.isError ? <ErrorCard error={shown.error} onRetry={() => void shown.refetch()} /> : <Skeleton rows={6} />}
      </div>
    </>
  );
}

interface ShownProps {
  readonly id: string;
  readonly shown: Shown;
}

function ShownCapsule({ id, shown }: ShownProps) {
  const { tab = "about" } = route.useSearch();
  const navigate = route.useNavigate();
  const { run } = shown.capsule.manifest;
  const isHere = useIsHere(run.episode);
  useFocusedEpisode(isHere ? run.episode : null);
  // What is kept leaves as it is kept: made anew from its run, it may have become another file.
  const source = shown.capsule.isKept ? shown.capsule.digest : isHere ? run.episode : null;
  return (
    <>
      <RoomHeader title={plainLine(run.title)} status={<RunStatus status={run.status} />}>
        {isHere && !shown.capsule.isKept ? <SaveButton episode={run.episode} title={run.title} isKept /> : null}
        {source === null ? null : <SaveButton episode={source} title={run.title} />}
        <CopyButton text={shown.capsule.digest} label={k("capsule.action.digest")} />
      </RoomHeader>
      <div className={styles["views"]}>
        <Tabs
          label={k("capsule.tab.label")}
          value={tab}
          onChange={(next) => void navigate({ search: capsuleSearch({ tab: next }) })}
          tabs={tabs.map((value) => ({ value, label: labels[value] }))}
        >
          <div className={styles["page"]}>
            {tab === "about" ? <About id={id} shown={shown} isHere={isHere} /> : null}
            {tab === "replay" ? <ReplayView id={id} shown={shown} /> : null}
            {tab === "what-if" ? <WhatIfView id={id} shown={shown} /> : null}
            {tab === "diff" ? <DiffView id={id} /> : null}
            {tab === "undo" ? <UndoView episode={run.episode} isHere={isHere} /> : null}
          </div>
        </Tabs>
      </div>
    </>
  );
}

/** The sidecar follows what is looked at. */
function useFocusedEpisode(episode: string | null): void {
  const set = useView((view) => view.set);
  useEffect(() => {
    if (episode === null) return undefined;
    set({ focusedEpisode: episode });
    return () => set({ focusedEpisode: null });
  }, [episode, set]);
}

/** Whether the run is of this hub: only its files can be brought back here. */
function useIsHere(episode: string): boolean | undefined {
  const row = useQuery({
    queryKey: [...keys.run(episode), "here"],
    queryFn: async ({ signal }) => {
      try {
        await api.episodeRow(episode, signal);
        return true;
      } catch (error) {
        if (error instanceof ApiFault && error.status === 404) return false;
        throw error;
      }
    },
  });
  return row.data;
}

function About({ id, shown, isHere }: ShownProps & { readonly isHere: boolean | undefined }) {
  return (
    <section className={styles["card"]} aria-label={k("capsule.tab.about")}>
      <h2>{k("capsule.tab.about")}</h2>
      <CapsuleFacts info={shown.capsule} />
      <Verify id={id} />
      {isHere ? (
        <Link to="/episodes/$id" params={{ id: shown.capsule.manifest.run.episode }} className={styles["link"]}>
          {k("capsule.action.episode")}
        </Link>
      ) : null}
    </section>
  );
}

function Verify({ id }: { readonly id: string }) {
  const verify = useMutation({ mutationFn: () => capsulesApi.verify(id) });
  const { data } = verify;
  return (
    <>
      <div className={styles["actions"]}>
        <Button disabled={verify.isPending} onClick={() => verify.mutate()}>
          {k("capsule.verify.action")}
        </Button>
      </div>
      {verify.isError ? <ErrorCard error={verify.error} /> : null}
      {data ? (
        <p role="status" className={styles["row"]}>
          <ToneMark Icon={CheckIcon} tone="ok">
            {k("capsule.verify.holds")}
          </ToneMark>
          <span>{k("capsule.verify.digests", { count: data.digests })}</span>
          <span>{k(`capsule.chain.${data.chain}`, { count: data.linksProven })}</span>
        </p>
      ) : null}
    </>
  );
}
