import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "../../parts/button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import { plain, plainLine } from "../../text/plain.ts";
import { chatApi, type Conversation, type FilePart, type Message } from "./chat-api.ts";
import { c } from "./chat-messages.ts";
import styles from "./chat-page.module.css";

type Citation = Message["citations"][number];

/** Lines shown before the one that is cited, and in all. */
const linesBefore = 8;
const linesShown = 24;

interface CitationsProps {
  readonly citations: readonly Citation[];
  readonly conversation: Conversation;
}

/** Where an answer has its words from; each opens the file at its line. */
export function Citations({ citations, conversation }: CitationsProps) {
  const [opened, setOpened] = useState<Citation | null>(null);
  if (citations.length === 0) return null;
  const places = [...new Map(citations.map((each) => [`${each.path}:${each.line}`, each])).values()];
  return (
    <>
      <ol className={styles["chips"]} aria-label={c("chat.answer.sources")}>
        {places.map((each, index) => (
          <li key={`${each.path}:${each.line}`}>
            <button
              type="button"
              className={styles["chip"]}
              title={c("chat.cite.open", { path: plainLine(each.path), line: each.line })}
              onClick={() => setOpened(each)}
            >
              [{index + 1}] {plainLine(each.path)}:{each.line}
            </button>
          </li>
        ))}
      </ol>
      {opened ? <CitedLines citation={opened} conversation={conversation} onClose={() => setOpened(null)} /> : null}
    </>
  );
}

interface CitedLinesProps {
  readonly citation: Citation;
  readonly conversation: Conversation;
  readonly onClose: () => void;
}

function CitedLines({ citation, conversation, onClose }: CitedLinesProps) {
  const { path, line } = citation;
  const fromLine = Math.max(1, line - linesBefore);
  const { folder, project } = conversation;
  const part = useQuery({
    queryKey: ["cited", folder ?? project ?? "", path, fromLine],
    queryFn: () => chatApi.lines({ folder, project, path }, fromLine, linesShown),
    // A file changes without an event.
    gcTime: 0,
    enabled: (folder ?? project) !== undefined,
  });
  return (
    <Dialog label={`${plainLine(path)}:${line}`} onClose={onClose}>
      <div className={styles["cited"]}>
        {part.isError ? <ErrorCard error={part.error} onRetry={() => void part.refetch()} /> : null}
        {part.isLoading ? <Skeleton rows={8} /> : null}
        {(folder ?? project) === undefined ? <p>{c("chat.cite.folder")}</p> : null}
        {part.data ? <Lines part={part.data} citation={citation} /> : null}
        <Button data-first onClick={onClose}>
          {c("chat.cite.close")}
        </Button>
      </div>
    </Dialog>
  );
}

function Lines({ part, citation }: { readonly part: FilePart; readonly citation: Citation }) {
  const { path, text, fromLine, toLine, totalLines, digest } = part;
  return (
    <>
      <h2>{c("chat.cite.title", { path: plainLine(path), from: fromLine, to: toLine, total: totalLines })}</h2>
      {citation.digest !== undefined && citation.digest !== digest ? <p>{c("chat.cite.changed")}</p> : null}
      <pre tabIndex={0} className={styles["lines"]}>
        {text.split("\n").map((each, index) => {
          const number = fromLine + index;
          return (
            <span key={number} className={number === citation.line ? styles["cite"] : undefined}>
              <span className={styles["number"]}>{number}</span>
              {`${plain(each)}\n`}
            </span>
          );
        })}
      </pre>
    </>
  );
}
