import styles from "./key-hint.module.css";

/** A key as it is printed on the keyboard. Quiet inside buttons, where the button already names what happens. */
export function KeyHint({ keys, isQuiet = false }: { readonly keys: string; readonly isQuiet?: boolean }) {
  return (
    <span className={styles["keys"]} aria-hidden={isQuiet || undefined}>
      {keys.split(" ").map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
    </span>
  );
}
