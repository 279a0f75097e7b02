import { plain } from "../../text/plain.ts";
import { cedarPieces } from "./cedar-text.ts";
import styles from "./cedar-text.module.css";

/** The text of a policy as it was written, lightly coloured. */
export function CedarView({ text }: { readonly text: string }) {
  return (
    <pre className={styles["code"]}>
      <code>
        {cedarPieces(text).map(({ sort, text: piece, at }) => (
          <span key={at} className={styles[sort]}>
            {plain(piece)}
          </span>
        ))}
      </code>
    </pre>
  );
}
