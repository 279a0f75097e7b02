import { ToggleGroup } from "radix-ui";
import styles from "./segmented.module.css";

export interface SegmentedProps<Value extends string> {
  readonly label: string;
  readonly value: Value | "";
  readonly options: readonly { readonly value: Value; readonly label: string }[];
  readonly onChange: (value: Value) => void;
}

/** One choice of a few, all in sight. Arrow keys move between them. */
export function Segmented<Value extends string>({ label, value, options, onChange }: SegmentedProps<Value>) {
  return (
    <ToggleGroup.Root
      type="single"
      value={value}
      onValueChange={(next) => next && onChange(next as Value)}
      aria-label={label}
      className={styles["group"]}
    >
      {options.map((option) => (
        <ToggleGroup.Item key={option.value} value={option.value} className={styles["item"]}>
          {option.label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
