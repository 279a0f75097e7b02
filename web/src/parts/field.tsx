import { type InputHTMLAttributes, useId } from "react";
import styles from "./field.module.css";

export interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly label: string;
  readonly help?: string;
  readonly error?: string | undefined;
  readonly isLabelHidden?: boolean;
}

/** Label above, help below; an error takes the place of the help. */
export function Field({ label, help, error, isLabelHidden = false, ...rest }: FieldProps) {
  const id = useId();
  const note = error ?? help;
  return (
    <div className={styles["field"]}>
      <label htmlFor={id} className={isLabelHidden ? "hidden-text" : styles["label"]}>
        {label}
      </label>
      <input
        {...rest}
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={note ? `${id}-note` : undefined}
        className={styles["input"]}
        spellCheck={false}
        autoComplete="off"
      />
      {note ? (
        <p id={`${id}-note`} className={error ? styles["error"] : styles["help"]} aria-live="polite">
          {note}
        </p>
      ) : null}
    </div>
  );
}
