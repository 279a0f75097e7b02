import styles from "../../parts/page.module.css";
import { plainLine } from "../../text/plain.ts";
import type { PolicyEffect } from "./policy-api.ts";
import { p } from "./policy-messages.ts";

type Example = PolicyEffect["rules"][number]["examples"][number];

/** Calls of the past that a rule would have decided otherwise. */
export function PastCalls({ examples }: { readonly examples: readonly Example[] }) {
  return (
    <ul>
      {examples.map(({ seq, caller, tool, was, now }) => (
        <li key={seq} className={styles["row"]}>
          <span>{plainLine(caller)}</span>
          <code>{plainLine(tool)}</code>
          <span>{p("proposals.row.was", { was: plainLine(was) })}</span>
          <span>{p("proposals.row.now", { now: p(`proposals.effect.${now}`) })}</span>
        </li>
      ))}
    </ul>
  );
}
