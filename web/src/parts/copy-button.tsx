import { CheckIcon, CopyIcon } from "lucide-react";
import { useState } from "react";
import { t } from "../text/messages.ts";
import { Button } from "./button.tsx";

/** Long enough to be read, short enough to copy again. */
const doneMs = 1_500;

export function CopyButton({
  text,
  label,
  name,
  hotkey,
}: {
  readonly text: string;
  readonly label: string;
  /** Read in place of the label, where several stand in one view. */
  readonly name?: string;
  readonly hotkey?: string;
}) {
  const [isDone, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard?.writeText(text).catch(() => {});
    setDone(true);
    setTimeout(() => setDone(false), doneMs);
  };
  return (
    <Button
      look="quiet"
      onClick={() => void copy()}
      aria-label={isDone ? undefined : name}
      {...(hotkey ? { hotkey } : {})}
      icon={isDone ? <CheckIcon size={14} aria-hidden /> : <CopyIcon size={14} aria-hidden />}
    >
      <span aria-live="polite">{isDone ? t("copy.button.done") : label}</span>
    </Button>
  );
}
