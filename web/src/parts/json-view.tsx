import { useState } from "react";
import { t } from "../text/messages.ts";
import { plain } from "../text/plain.ts";
import { Button } from "./button.tsx";
import styles from "./json-view.module.css";

/** Children of one level shown at a time. */
const stepSize = 200;
const openDepth = 2;

/** A value as a tree that folds. What is text stays text. */
export function JsonView({ value }: { readonly value: unknown }) {
  return (
    <div className={styles["tree"]}>
      <Node name={null} value={value} depth={0} />
    </div>
  );
}

function Node({
  name,
  value,
  depth,
}: {
  readonly name: string | null;
  readonly value: unknown;
  readonly depth: number;
}) {
  if (typeof value !== "object" || value === null) {
    return (
      <div className={styles["leaf"]}>
        <Name name={name} />
        <Scalar value={value} />
      </div>
    );
  }
  const entries = Array.isArray(value)
    ? value.map((item, index) => [String(index), item] as const)
    : Object.entries(value);
  if (entries.length === 0) {
    return (
      <div className={styles["leaf"]}>
        <Name name={name} />
        <span className={styles["quiet"]}>{Array.isArray(value) ? "[]" : "{}"}</span>
      </div>
    );
  }
  if (name === null) return <Children entries={entries} depth={depth} />;
  return (
    <details open={depth < openDepth}>
      <summary className={styles["summary"]}>
        <Name name={name} />
        <span className={styles["quiet"]}>{t("json.tree.items", { count: entries.length })}</span>
      </summary>
      <div className={styles["children"]}>
        <Children entries={entries} depth={depth} />
      </div>
    </details>
  );
}

function Children({
  entries,
  depth,
}: {
  readonly entries: readonly (readonly [string, unknown])[];
  readonly depth: number;
}) {
  const [count, setCount] = useState(stepSize);
  const left = entries.length - count;
  return (
    <>
      {entries.slice(0, count).map(([key, item]) => (
        <Node key={key} name={key} value={item} depth={depth + 1} />
      ))}
      {left > 0 ? (
        <Button look="quiet" onClick={() => setCount(count + stepSize)}>
          {t("json.tree.more", { count: Math.min(left, stepSize) })}
        </Button>
      ) : null}
    </>
  );
}

const Name = ({ name }: { readonly name: string | null }) =>
  name === null ? null : <span className={styles["name"]}>{plain(name)}</span>;

function Scalar({ value }: { readonly value: unknown }) {
  if (typeof value === "string") return <span className={styles["text"]}>{plain(value) || "\u201c\u201d"}</span>;
  return <span className={styles["scalar"]}>{String(value)}</span>;
}
