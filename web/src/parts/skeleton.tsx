import { useEffect, useState } from "react";
import { t } from "../text/messages.ts";
import styles from "./cards.module.css";

const quietMs = 150;
const slowMs = 5_000;

/** Nothing at first, then the shape of what comes, then a sentence. */
export function Skeleton({ rows = 4 }: { readonly rows?: number }) {
  const [stage, setStage] = useState<"quiet" | "shape" | "slow">("quiet");
  useEffect(() => {
    const timers = [setTimeout(() => setStage("shape"), quietMs), setTimeout(() => setStage("slow"), slowMs)];
    return () => timers.forEach(clearTimeout);
  }, []);
  // What is not there yet is told from the beginning, and shown only when it takes long.
  if (stage === "quiet") return <div aria-busy="true" hidden />;
  return (
    <div aria-busy="true" className={styles["skeleton"]}>
      {Array.from({ length: rows }, (_unused, row) => (
        <div key={row} className={styles["bone"]} />
      ))}
      {stage === "slow" ? <p>{t("loading.slow.text")}</p> : null}
    </div>
  );
}
