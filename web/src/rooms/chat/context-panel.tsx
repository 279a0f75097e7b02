import { useMutation } from "@tanstack/react-query";
import { XIcon } from "lucide-react";
import { useEffect, useEffectEvent } from "react";
import { Button, IconButton } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Meter } from "../../parts/meter.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import { formatNumber } from "../../text/formats.ts";
import { plainLine } from "../../text/plain.ts";
import { chatApi, type ContextPreview, type Message } from "./chat-api.ts";
import { c } from "./chat-messages.ts";
import styles from "./chat-page.module.css";

interface ContextPanelProps {
  readonly agent: string;
  readonly text: string;
  readonly messages: readonly Message[];
  readonly onClose: () => void;
}

/** As much of what was said as is sent along. */
const historyMax = 200;

/** What the model would be given for what stands in the composer, and what is left out and why. Asks no model. */
export function ContextPanel({ agent, text, messages, onClose }: ContextPanelProps) {
  const look = useMutation({
    mutationFn: () => {
      const said = messages.filter((each) => each.text !== "").slice(-historyMax);
      const history = said.map(({ role, text: words }) => ({ role, text: words }));
      return chatApi.context(agent, text.trim() || c("chat.context.nothing"), history);
    },
  });
  const lookNow = useEffectEvent(() => look.mutate());
  useEffect(() => lookNow(), []);
  return (
    <section className={styles["context"]} aria-label={c("chat.context.title")} data-layer tabIndex={0}>
      <header className={styles["foot"]}>
        <strong>{c("chat.context.title")}</strong>
        <Button look="quiet" disabled={look.isPending} onClick={() => look.mutate()}>
          {c("chat.context.again")}
        </Button>
        <IconButton label={c("chat.cite.close")} icon={<XIcon size={14} aria-hidden />} data-close onClick={onClose} />
      </header>
      {look.isError ? <ErrorCard error={look.error} /> : null}
      {look.isPending ? <Skeleton rows={3} /> : null}
      {look.data ? <Preview preview={look.data} /> : null}
    </section>
  );
}

function Preview({
  preview: { model, tokens, tokensMax, isEstimated, slots, tools },
}: {
  readonly preview: ContextPreview;
}) {
  const sum = { tokens: formatNumber(tokens), max: formatNumber(tokensMax), model: plainLine(model) };
  return (
    <>
      <p>
        <Meter value={tokens} max={tokensMax} label={c("chat.context.sum", sum)} />{" "}
        {c(isEstimated ? "chat.context.estimated" : "chat.context.sum", sum)}
      </p>
      <ul className={styles["parts"]}>
        {slots.map((slot) => (
          <li key={slot.slot}>
            <p className={styles["foot"]}>
              <span>{c(`chat.slot.${slot.slot}`)}</span>
              <span>
                {c("chat.context.share", { tokens: formatNumber(slot.tokens), max: formatNumber(slot.tokensMax) })}
              </span>
            </p>
            <ul className={styles["dots"]}>
              {slot.items.map(({ what, tokens: count }) => (
                <li key={what}>{c("chat.context.item", { what: plainLine(what), tokens: formatNumber(count) })}</li>
              ))}
              {slot.leftOut.map(({ what, why, isShortened }) => (
                <li key={what}>
                  {c(isShortened ? "chat.context.short" : "chat.context.out", {
                    what: plainLine(what),
                    why: plainLine(why),
                  })}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
      <p className={styles["quiet"]}>
        {c("chat.context.tools", { list: tools.map((tool) => plainLine(tool)).join(", ") })}
      </p>
    </>
  );
}
