import { type ReactNode, useEffect, useRef } from "react";
import styles from "./dialog.module.css";

/**
 * A layer over the page: the browser's own dialog keeps the focus inside and gives it back when the layer closes. The focus
 * goes to what is marked with `data-first`; by itself it would go to whatever can hold it first, a frame around a field too.
 */
export function Dialog({
  label,
  onClose,
  children,
}: {
  readonly label: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    const origin = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    dialog?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      dialog?.close();
      if (origin instanceof HTMLElement && origin.isConnected) origin.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      aria-label={label}
      className={styles["dialog"]}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => {
        if (event.target === element.current) onClose();
      }}
    >
      {children}
    </dialog>
  );
}
