import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "../../api.ts";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { ListSection } from "../../parts/list-section.tsx";
import { StatusMark } from "../../parts/marks.tsx";
import styles from "../../parts/page.module.css";
import { When } from "../../parts/when.tsx";
import { RoomHeader } from "../../shell/room-header.tsx";
import type { Episode } from "../../shapes.ts";
import { keys } from "../../stream/refresh.ts";
import { formatBytes } from "../../text/formats.ts";
import { plainLine } from "../../text/plain.ts";
import { useStartScout } from "../home/use-start.ts";
import { type KeptCapsule, capsulesApi, shortDigest } from "./capsules-api.ts";
import { k } from "./capsules-messages.ts";
import { ImportCard, useLook } from "./import-card.tsx";
import { isSample, readSample } from "./sample.ts";
import { SaveButton } from "./save-button.tsx";

/** Recorded runs: those that are kept as capsules, and those of this hub that can become one. */
export function CapsulesPage() {
  const [isImporting, setImporting] = useState(false);
  const look = useLook();
  const turn = (to: boolean): void => (look.reset(), setImporting(to));
  return (
    <>
      <RoomHeader title={k("capsules.title.text")}>
        <Button
          look={isImporting ? "normal" : "primary"}
          aria-expanded={isImporting}
          onClick={() => turn(!isImporting)}
        >
          {k("capsules.import.open")}
        </Button>
      </RoomHeader>
      <div className={styles["page"]}>
        {isImporting ? <ImportCard look={look} onClose={() => turn(false)} /> : null}
        <Kept onSample={() => (setImporting(true), look.mutate(readSample))} />
        <Episodes />
      </div>
    </>
  );
}

function Kept({ onSample }: { readonly onSample: () => void }) {
  const list = useQuery({ queryKey: [...keys.runs, "kept"], queryFn: ({ signal }) => capsulesApi.kept(signal) });
  const [removing, setRemoving] = useState<KeptCapsule | null>(null);
  return (
    <>
      <ListSection
        title={k("capsules.kept.title")}
        lead={k("capsules.kept.lead")}
        loading={list}
        rows={list.data?.items ?? []}
        empty={
          <EmptyState line={k("capsules.empty.title")} why={k("capsules.empty.why")}>
            <Button onClick={onSample}>{k("capsules.sample.look")}</Button>
          </EmptyState>
        }
      >
        {(capsule) => <KeptItem key={capsule.digest} capsule={capsule} onRemove={() => setRemoving(capsule)} />}
      </ListSection>
      {removing ? <RemoveDialog capsule={removing} onClose={() => setRemoving(null)} /> : null}
    </>
  );
}

function KeptItem({ capsule, onRemove }: { readonly capsule: KeptCapsule; readonly onRemove: () => void }) {
  const { digest, title, agent, origin, steps, replayableToStep, sizeBytes, keptAtMs } = capsule;
  return (
    <li data-thing="capsule" data-copy={digest} tabIndex={-1}>
      <div className={styles["row"]}>
        <Link
          to="/capsules/$id"
          params={{ id: digest }}
          className={`${styles["name"]} ${styles["link"]}`}
          data-hotkey="Enter"
        >
          {plainLine(title)}
        </Link>
        <RunStatus status={capsule.status} />
        {isSample(capsule) ? <strong>{k("capsules.sample.word")}</strong> : null}
        <span className={styles["source"]}>
          <Button look="quiet" aria-label={k("capsules.remove.label", { title: plainLine(title) })} onClick={onRemove}>
            {k("capsules.row.remove")}
          </Button>
        </span>
      </div>
      <p className={styles["terms"]}>
        <span>{plainLine(agent)}</span>
        <span>{k(`capsules.origin.${origin}`)}</span>
        <span>{stepsText(steps, replayableToStep)}</span>
        <span>{formatBytes(sizeBytes)}</span>
        <code>{shortDigest(digest)}</code>
        <When timeMs={keptAtMs} />
      </p>
    </li>
  );
}

/** The episode of a tool that somebody called has no end of a run. */
export const RunStatus = ({ status }: { readonly status: KeptCapsule["status"] }) =>
  status === "none" ? null : <StatusMark status={status} />;

export const stepsText = (steps: number, replayableToStep: number): string =>
  replayableToStep < steps
    ? k("capsules.steps.some", { step: replayableToStep, count: steps })
    : k("capsules.steps.all", { count: steps });

function RemoveDialog({ capsule, onClose }: { readonly capsule: KeptCapsule; readonly onClose: () => void }) {
  const { client } = useHub();
  const change = useMutation({
    mutationFn: () => capsulesApi.remove(capsule.digest),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: keys.runs });
    },
  });
  return (
    <ConfirmDialog
      title={k("capsules.remove.title", { title: plainLine(capsule.title) })}
      action={k("capsules.remove.action")}
      keep={k("capsules.remove.keep")}
      asking={change}
      onConfirm={() => change.mutate()}
      onClose={onClose}
    >
      <p>{k(capsule.origin === "imported" ? "capsules.remove.imported" : "capsules.remove.exported")}</p>
    </ConfirmDialog>
  );
}

/** As many of the newest as one looks through; the others are found in Episodes. */
const episodesShown = 12;

/** A run that goes on is no record yet. */
const hasEnded = ({ status }: Episode): boolean => status !== "running" && status !== "waiting";

function Episodes() {
  const list = useQuery({
    queryKey: [...keys.episodes, "ended"],
    queryFn: ({ signal }) => api.episodes({}, signal),
  });
  const ended = list.data?.items.filter(hasEnded) ?? [];
  return (
    <ListSection
      title={k("capsules.episodes.title")}
      lead={k("capsules.episodes.lead")}
      loading={list}
      rows={ended.slice(0, episodesShown)}
      empty={<NoEpisodes />}
    >
      {(episode) => (
        <li key={episode.id} data-thing="episode" data-episode={episode.id} data-copy={episode.id} tabIndex={-1}>
          <div className={styles["row"]}>
            <Link
              to="/capsules/$id"
              params={{ id: episode.id }}
              className={`${styles["name"]} ${styles["link"]}`}
              data-hotkey="Enter"
            >
              {plainLine(episode.title)}
            </Link>
            <StatusMark status={episode.status} />
            <span className={styles["quiet"]}>
              <When timeMs={episode.startedAtMs} />
            </span>
            <span className={styles["source"]}>
              <SaveButton episode={episode.id} title={episode.title} isKept />
            </span>
          </div>
        </li>
      )}
    </ListSection>
  );
}

function NoEpisodes() {
  const start = useStartScout();
  return (
    <EmptyState line={k("capsules.episodes.empty")} why={k("capsules.episodes.why")}>
      <Button disabled={start.isPending} onClick={() => start.mutate()}>
        {k("capsules.episodes.start")}
      </Button>
      {start.isError ? <ErrorCard error={start.error} /> : null}
    </EmptyState>
  );
}
