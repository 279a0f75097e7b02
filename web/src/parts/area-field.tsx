import { type TextareaHTMLAttributes, useId } from "react";
import styles from "./field.module.css";

export interface AreaFieldProps extends TextareaHTMLAttributes<HTMLTextAreaElement> {
  readonly label: string;
  readonly error?: string | undefined;
}

/** Several lines of text, with its label above and what is wrong with it below. */
export function AreaField({ label, error, ...rest }: AreaFieldProps) {
  const id = useId();
  return (
    <div className={styles["field"]}>
      <label htmlFor={id} className={styles["label"]}>
        {label}
      </label>
      <textarea
        rows={6}
        {...rest}
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? `${id}-note` : undefined}
        className={`${styles["input"]} ${styles["area"]}`}
        spellCheck={false}
        autoComplete="off"
      />
      {error ? (
        <p id={`${id}-note`} className={styles["error"]} aria-live="polite">
          {error}
        </p>
      ) : null}
    </div>
  );
}
