import { useMemo, useState } from "react";
import { type DiffLine, diffLines } from "../text/diff-lines.ts";
import { t } from "../text/messages.ts";
import { plain } from "../text/plain.ts";
import { Button } from "./button.tsx";
import styles from "./diff.module.css";

/** More lines than this are shown on request: a brief is shorter, and a very long change must not freeze the page. */
const linesFirst = 60;

const signs = { added: "+", removed: "-", same: " ", hunk: " ", file: " " } as const;

export function Diff({ diff }: { readonly diff: string }) {
  const lines = useMemo(() => diffLines(diff), [diff]);
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? lines : lines.slice(0, linesFirst);
  const added = lines.filter((line) => line.kind === "added").length;
  const removed = lines.filter((line) => line.kind === "removed").length;
  return (
    <figure className={styles["figure"]}>
      <figcaption className={styles["stat"]}>{t("diff.view.stat", { added, removed })}</figcaption>
      <div className={styles["scroll"]} tabIndex={0} role="group" aria-label={t("diff.view.label")}>
        <div className={styles["lines"]}>
          {shown.map((line) => (
            <Line key={line.index} line={line} />
          ))}
        </div>
      </div>
      {shown.length < lines.length ? (
        <Button look="quiet" hotkey="e" onClick={() => setWhole(true)}>
          {t("diff.view.all", { count: lines.length })}
        </Button>
      ) : null}
    </figure>
  );
}

function Line({ line }: { readonly line: DiffLine }) {
  const word = line.kind === "added" ? t("diff.line.added") : line.kind === "removed" ? t("diff.line.removed") : null;
  return (
    <div className={`${styles["line"]} ${styles[line.kind]}`}>
      <span className={styles["number"]}>{line.line}</span>
      <span aria-hidden className={styles["sign"]}>
        {signs[line.kind]}
      </span>
      {word ? <span className="hidden-text">{word} </span> : null}
      <span className={styles["text"]}>{plain(line.text)}</span>
    </div>
  );
}
