import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import styles from "./button.module.css";
import { KeyHint } from "./key-hint.tsx";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: "primary" | "normal" | "quiet" | "danger";
  readonly icon?: ReactNode;
  readonly ref?: Ref<HTMLButtonElement>;
  /** The single key that presses this button while its thing has the focus. */
  readonly hotkey?: string;
}

export function Button({ look = "normal", icon, hotkey, children, className, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      data-hotkey={hotkey}
      aria-keyshortcuts={hotkey}
      className={[styles["button"], styles[look], className].filter(Boolean).join(" ")}
    >
      {icon}
      {children}
      {hotkey && hotkey.length === 1 ? <KeyHint keys={hotkey} isQuiet /> : null}
    </button>
  );
}

/** A square button with an icon alone; its label is read and shown on hover. */
export function IconButton({ label, icon, ...rest }: ButtonProps & { readonly label: string }) {
  return (
    <button
      type="button"
      {...rest}
      aria-label={label}
      title={label}
      className={`${styles["button"]} ${styles["quiet"]} ${styles["square"]}`}
    >
      {icon}
    </button>
  );
}
