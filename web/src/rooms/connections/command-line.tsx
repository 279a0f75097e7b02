import { CopyButton } from "../../parts/copy-button.tsx";
import styles from "../../parts/page.module.css";
import { plainLine } from "../../text/plain.ts";
import { n } from "./connections-messages.ts";

/** A command to be typed in a terminal, with a button that copies it. */
export function CommandLine({ command }: { readonly command: string }) {
  return (
    <span className={styles["row"]}>
      <code>{plainLine(command)}</code>
      <CopyButton text={command} label={n("connect.copy.action")} name={n("connect.copy.label", { command })} />
    </span>
  );
}
