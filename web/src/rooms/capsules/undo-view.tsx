import { useMutation, useQuery } from "@tanstack/react-query";
import { CheckIcon, CircleSlashIcon, type LucideIcon, TriangleAlertIcon, Undo2Icon } from "lucide-react";
import { useLayoutEffect, useRef } from "react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { Diff } from "../../parts/diff.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Section } from "../../parts/list-section.tsx";
import { type Tone, ToneMark } from "../../parts/marks.tsx";
import styles from "../../parts/page.module.css";
import { Skeleton } from "../../parts/skeleton.tsx";
import { keys } from "../../stream/refresh.ts";
import { plain, plainLine } from "../../text/plain.ts";
import { capsulesApi, type FileUndo, type UndoInput, type UndoReport } from "./capsules-api.ts";
import { type CapsulesKey, k } from "./capsules-messages.ts";

export interface UndoViewProps {
  readonly episode: string;
  /** Whether the run is of this hub. */
  readonly isHere: boolean | undefined;
}

/** What an undo would do, file by file, before it does it; and the way back from it. */
export function UndoView({ episode, isHere }: UndoViewProps) {
  if (isHere === false) return <EmptyState line={k("undo.elsewhere.title")} why={k("undo.elsewhere.why")} />;
  return <UndoOf episode={episode} />;
}

function UndoOf({ episode }: { readonly episode: string }) {
  const { client } = useHub();
  const plan = useQuery({
    queryKey: [...keys.runs, "undo", episode],
    queryFn: ({ signal }) => capsulesApi.undoPlan(episode, signal),
    // The files may change at any moment, and no event tells of that: nobody acts on what was read at another visit.
    staleTime: 0,
    gcTime: 0,
  });
  const undo = useMutation({
    mutationFn: (input: UndoInput) => capsulesApi.undo(input),
    onSettled: () => client.invalidateQueries({ queryKey: keys.runs }),
  });
  return (
    <>
      {undo.isError ? <ErrorCard error={undo.error} /> : null}
      {undo.data ? (
        <Done
          key={undo.data.undoId}
          report={undo.data}
          onBack={(id) => undo.mutate({ episode: id })}
          isBusy={undo.isPending}
        />
      ) : null}
      <Section title={k("undo.plan.title")} lead={k("undo.plan.lead")}>
        {plan.isError ? <ErrorCard error={plan.error} onRetry={() => void plan.refetch()} /> : null}
        {plan.isPending ? <Skeleton rows={3} /> : null}
        {plan.data ? (
          <Plan report={plan.data} onUndo={(settled) => undo.mutate({ episode, ...settled })} isBusy={undo.isPending} />
        ) : null}
      </Section>
    </>
  );
}

const changing: ReadonlySet<FileUndo["fate"]> = new Set(["restore", "merge", "remove", "bring-back"]);

interface PlanProps {
  readonly report: UndoReport;
  readonly onUndo: (settled?: Settled) => void;
  readonly isBusy: boolean;
}

function Plan({ report, onUndo, isBusy }: PlanProps) {
  const count = report.files.filter(({ fate }) => changing.has(fate)).length;
  return (
    <>
      {report.files.length === 0 ? <p className={styles["quiet"]}>{k("undo.plan.nothing")}</p> : null}
      <Files report={report} isBusy={isBusy} onSettle={onUndo} />
      {count > 0 ? (
        <div className={styles["actions"]}>
          <Button look="primary" icon={<Undo2Icon size={14} aria-hidden />} disabled={isBusy} onClick={() => onUndo()}>
            {k("undo.plan.action", { count })}
          </Button>
        </div>
      ) : null}
      <Left report={report} />
    </>
  );
}

interface DoneProps {
  readonly report: UndoReport;
  readonly onBack: (undoId: string) => void;
  readonly isBusy: boolean;
}

function Done({ report: { status, undoId, files }, onBack, isBusy }: DoneProps) {
  const done = files.filter(({ fate }) => changing.has(fate));
  // What a person settled tells its own end.
  const settled = done.filter(({ detail }) => detail !== undefined);
  const count = done.length - settled.length;
  // The button that was pressed is gone, so the focus goes where the way back is.
  const card = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => card.current?.focus(), []);
  return (
    <div ref={card} tabIndex={-1} className={styles["card"]} role="status" data-undo={status}>
      {count > 0 || settled.length === 0 ? (
        <p>{k(status === "partly" ? "undo.done.partly" : "undo.done.whole", { count })}</p>
      ) : null}
      {settled.map(({ folder, path, detail = "" }) => (
        <p key={`${folder}/${path}`}>
          <strong>{plainLine(path)}</strong> {plain(detail)}
        </p>
      ))}
      {undoId === null ? null : (
        <div className={styles["actions"]}>
          <Button disabled={isBusy} onClick={() => onBack(undoId)}>
            {k("undo.done.back")}
          </Button>
        </div>
      )}
    </div>
  );
}

const fates: Readonly<
  Record<FileUndo["fate"], { readonly Icon: LucideIcon; readonly tone: Tone; readonly word: CapsulesKey }>
> = {
  restore: { Icon: Undo2Icon, tone: "accent", word: "undo.fate.restore" },
  merge: { Icon: Undo2Icon, tone: "accent", word: "undo.fate.merge" },
  remove: { Icon: Undo2Icon, tone: "accent", word: "undo.fate.remove" },
  "bring-back": { Icon: Undo2Icon, tone: "accent", word: "undo.fate.bringback" },
  "as-before": { Icon: CheckIcon, tone: "ok", word: "undo.fate.asbefore" },
  "undone-before": { Icon: CheckIcon, tone: "ok", word: "undo.fate.undonebefore" },
  settled: { Icon: CheckIcon, tone: "calm", word: "undo.fate.settled" },
  conflict: { Icon: TriangleAlertIcon, tone: "warn", word: "undo.fate.conflict" },
  "not-kept": { Icon: CircleSlashIcon, tone: "warn", word: "undo.fate.notkept" },
  "out-of-reach": { Icon: CircleSlashIcon, tone: "warn", word: "undo.fate.outofreach" },
};

/** One file, and what becomes of it. */
type Settled = Pick<UndoInput, "path" | "conflicts">;

interface FilesProps {
  readonly report: UndoReport;
  readonly isBusy: boolean;
  readonly onSettle: (settled: Settled) => void;
}

function Files({ report: { files, filesMore }, isBusy, onSettle }: FilesProps) {
  return (
    <>
      {files.length > 0 ? (
        <ul className={styles["list"]} aria-label={k("undo.plan.title")}>
          {files.map((file) => (
            <FileItem key={`${file.folder}/${file.path}`} file={file} isBusy={isBusy} onSettle={onSettle} />
          ))}
        </ul>
      ) : null}
      {filesMore > 0 ? <p className={styles["quiet"]}>{k("undo.plan.more", { count: filesMore })}</p> : null}
    </>
  );
}

/** What else the run did, which no undo of files reaches. */
function Left({ report: { left, leftMore } }: { readonly report: UndoReport }) {
  return (
    <>
      {left.length > 0 ? (
        <>
          <h3>{k("undo.left.title")}</h3>
          <ul className={styles["list"]} aria-label={k("undo.left.title")}>
            {left.map(({ step, tool, summary, reason }) => (
              <li key={step}>
                <p className={styles["row"]}>
                  <span>{k("undo.left.step", { step })}</span>
                  <code>{plainLine(tool)}</code>
                  <span>{plainLine(summary)}</span>
                </p>
                <p className={styles["quiet"]}>{plainLine(reason)}</p>
              </li>
            ))}
          </ul>
        </>
      ) : null}
      {leftMore > 0 ? <p className={styles["quiet"]}>{k("undo.left.more", { count: leftMore })}</p> : null}
    </>
  );
}

interface FileItemProps extends Omit<FilesProps, "report"> {
  readonly file: FileUndo;
}

function FileItem({ file: { folder, path, fate, diff, since, detail }, isBusy, onSettle }: FileItemProps) {
  const { Icon, tone, word } = fates[fate];
  const ways = waysOf[fate] ?? [];
  return (
    <li data-thing="file" data-copy={`${folder}/${path}`} data-fate={fate} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{plainLine(path)}</span>
        <ToneMark Icon={Icon} tone={tone}>
          {k(word)}
        </ToneMark>
        <code className={styles["source"]}>{plainLine(folder)}</code>
      </div>
      {detail ? <p>{plain(detail)}</p> : null}
      {since ? (
        <>
          <p>{k("undo.file.since")}</p>
          <Diff diff={since} />
        </>
      ) : null}
      {since && diff !== "" ? <p>{k(fate === "conflict" ? "undo.file.wanted" : "undo.file.undo")}</p> : null}
      {diff === "" ? null : <Diff diff={diff} />}
      {ways.length > 0 ? (
        <div className={styles["actions"]} role="group" aria-label={k("undo.settle.label", { path: plainLine(path) })}>
          {ways.map((conflicts) => (
            <Button key={conflicts} disabled={isBusy} onClick={() => onSettle({ path, conflicts })}>
              {k(`undo.settle.${conflicts}`)}
            </Button>
          ))}
        </div>
      ) : null}
    </li>
  );
}

/** What a person may say of a file; one that they settled goes back after all. */
const waysOf: Readonly<Partial<Record<FileUndo["fate"], readonly ("mine" | "before" | "marks")[]>>> = {
  conflict: ["mine", "before", "marks"],
  settled: ["before"],
};
