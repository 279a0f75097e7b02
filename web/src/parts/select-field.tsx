import { type SelectHTMLAttributes, useId } from "react";
import styles from "./field.module.css";

export interface SelectFieldProps<Value extends string>
  extends Omit<SelectHTMLAttributes<HTMLSelectElement>, "value" | "onChange"> {
  readonly label: string;
  readonly value: Value;
  readonly options: readonly { readonly value: Value; readonly label: string }[];
  readonly onChange: (value: Value) => void;
}

/** One choice of several, by the browser's own list. */
export function SelectField<Value extends string>({
  label,
  value,
  options,
  onChange,
  ...rest
}: SelectFieldProps<Value>) {
  const id = useId();
  return (
    <div className={styles["field"]}>
      <label htmlFor={id} className={styles["label"]}>
        {label}
      </label>
      <select
        {...rest}
        id={id}
        className={`${styles["input"]} ${styles["select"]}`}
        value={value}
        onChange={(event) => onChange(event.target.value as Value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}
