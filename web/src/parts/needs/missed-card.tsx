import { useMutation } from "@tanstack/react-query";
import { ClockAlertIcon } from "lucide-react";
import { api } from "../../api.ts";
import { useHub, useNow } from "../../hub-context.ts";
import type { Schedule } from "../../shapes.ts";
import { keys } from "../../stream/refresh.ts";
import { formatExact, formatWhen } from "../../text/formats.ts";
import { plainLine } from "../../text/plain.ts";
import cards from "../approval-card.module.css";
import { Button } from "../button.tsx";
import { ErrorCard } from "../error-card.tsx";
import { w } from "./needs-messages.ts";

/** Times at which something was to run and nothing did: made up by a press, or let go. */
export function MissedCard({ schedule: { name, missed } }: { readonly schedule: Schedule }) {
  const { client } = useHub();
  const now = useNow();
  const act = useMutation({
    mutationFn: (verb: "run" | "go-on") => api.schedule(name, verb),
    onSettled: () => client.invalidateQueries({ queryKey: keys.schedules }),
  });
  const dueMs = missed?.dueMs.at(-1);
  if (!missed || dueMs === undefined) return null;
  return (
    <div
      role="group"
      className={cards["card"]}
      data-thing="missed"
      data-copy={name}
      tabIndex={0}
      aria-label={w("missed.card.label", { name: plainLine(name) })}
    >
      <header className={cards["head"]}>
        <p className={cards["state"]}>
          <ClockAlertIcon size={14} aria-hidden />
          {w("missed.card.title", { name: plainLine(name), count: missed.count })}
        </p>
        <p title={formatExact(dueMs)}>
          {w("missed.card.due", { when: formatWhen(dueMs, Math.max(now, dueMs)) })} {plainLine(missed.reason)}
        </p>
      </header>
      {act.isError ? <ErrorCard error={act.error} /> : null}
      <div className={cards["actions"]}>
        <Button disabled={act.isPending} onClick={() => act.mutate("run")}>
          {w("missed.card.run")}
        </Button>
        <Button disabled={act.isPending} onClick={() => act.mutate("go-on")}>
          {w("missed.card.drop")}
        </Button>
      </div>
    </div>
  );
}
