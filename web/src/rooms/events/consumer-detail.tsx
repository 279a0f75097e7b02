import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { XIcon } from "lucide-react";
import { type ReactNode, useState } from "react";
import { api } from "../../api.ts";
import { Button, IconButton } from "../../parts/button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { When } from "../../parts/when.tsx";
import type { Consumer } from "../../shapes.ts";
import { keys } from "../../stream/refresh.ts";
import { formatDuration, formatNumber } from "../../text/formats.ts";
import { t } from "../../text/messages.ts";
import { plainLine } from "../../text/plain.ts";
import styles from "./consumers-view.module.css";
import detail from "./event-detail.module.css";
import { type EventsKey, v } from "./events-messages.ts";
import { useRefreshWhileSeen } from "./use-stats.ts";

export interface ConsumerDetailProps {
  readonly name: string;
  /** Absent when it was removed, or the link is old. */
  readonly consumer: Consumer | undefined;
  readonly headSeq: number;
  readonly onClose: () => void;
}

/** One consumer: how it was created, what waits for it, and its dead letters. */
export function ConsumerDetail({ name, consumer, headSeq, onClose }: ConsumerDetailProps) {
  const [isAsking, setAsking] = useState(false);
  return (
    <section className={detail["detail"]} aria-label={v("consumers.detail.label")} data-layer="detail">
      <header className={detail["head"]}>
        <h2>{plainLine(name)}</h2>
        <IconButton
          label={v("events.detail.close")}
          icon={<XIcon size={16} aria-hidden />}
          onClick={onClose}
          data-close
        />
      </header>
      {consumer ? (
        <>
          <Facts consumer={consumer} headSeq={headSeq} />
          <DeadLetters consumer={consumer} />
          <div className={styles["actions"]}>
            <Button look="danger" onClick={() => setAsking(true)}>
              {v("consumers.action.remove")}
            </Button>
          </div>
        </>
      ) : (
        <p className={detail["when"]}>{v("consumers.detail.gone")}</p>
      )}
      {isAsking && consumer ? <RemoveDialog name={name} onClose={() => setAsking(false)} /> : null}
    </section>
  );
}

function Facts({ consumer, headSeq }: { readonly consumer: Consumer; readonly headSeq: number }) {
  const { prefixes, floorSeq, doneAbove, returned } = consumer;
  const waiting = {
    view: "journal",
    fromSeq: floorSeq + 1,
    ...(prefixes.length > 0 ? { prefix: prefixes.join(",") } : {}),
  } as const;
  return (
    <>
      <dl className={styles["facts"]}>
        <Fact label="consumers.fact.waiting">
          <Waiting consumer={consumer} headSeq={headSeq} />
        </Fact>
        <Fact label="consumers.fact.floor">{formatNumber(floorSeq)}</Fact>
        <Fact label="consumers.fact.head">{formatNumber(headSeq)}</Fact>
        <Fact label="consumers.fact.above">{formatNumber(doneAbove.length)}</Fact>
        <Fact label="consumers.fact.returned">{formatNumber(returned.length)}</Fact>
        <Fact label="consumers.fact.wait">{formatDuration(consumer.ackWaitMs)}</Fact>
        <Fact label="consumers.fact.deliver">{formatNumber(consumer.deliverMax)}</Fact>
        <Fact label="consumers.fact.pending">{formatNumber(consumer.pendingMax)}</Fact>
        <Fact label="consumers.fact.created">
          <When timeMs={consumer.createdAtMs} />
        </Fact>
      </dl>
      <div className={styles["actions"]}>
        <Link to="/events" search={waiting}>
          {v("consumers.action.show")}
        </Link>
      </div>
    </>
  );
}

function Fact({ label, children }: { readonly label: EventsKey; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{v(label)}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** More are not counted one by one. */
const countedMax = 1_000;
/** Nobody's message: the hub never delivers what tells of consumers themselves. */
const ownFamily = "consumers.";

/** Events of its kinds that are not done: those after its floor, without the ones that were done out of order. */
function Waiting({ consumer, headSeq }: { readonly consumer: Consumer; readonly headSeq: number }) {
  const { name, prefixes, floorSeq, doneAbove } = consumer;
  const isCurrent = floorSeq >= headSeq;
  const refresh = useRefreshWhileSeen();
  const counted = useQuery({
    queryKey: [...keys.journal, "waiting", name, floorSeq, doneAbove.length],
    queryFn: ({ signal }) =>
      api.journal(
        { prefix: prefixes.length > 0 ? prefixes.join(",") : undefined, afterSeq: floorSeq, limit: countedMax },
        signal,
      ),
    enabled: !isCurrent,
    // Each acknowledgement asks anew; meanwhile the number before stays.
    placeholderData: keepPreviousData,
    ...refresh,
  });
  if (isCurrent) return formatNumber(0);
  if (counted.isError) return v("consumers.waiting.unknown");
  if (!counted.data) return null;
  const done = new Set(doneAbove);
  const count = counted.data.events.filter(
    ({ seq, kind }) => !kind.startsWith(ownFamily) && !done.has(seq ?? 0),
  ).length;
  return counted.data.nextCursor === null || counted.data.nextCursor <= floorSeq + 1
    ? formatNumber(count)
    : v("consumers.waiting.more", { count });
}

function DeadLetters({ consumer: { buried, buriedCount } }: { readonly consumer: Consumer }) {
  if (buriedCount === 0) return null;
  return (
    <>
      <h3>{v("consumers.dead.title", { count: buriedCount })}</h3>
      <p className={detail["when"]}>{v("consumers.dead.why")}</p>
      <ul className={styles["letters"]}>
        {buried.toReversed().map((seq) => (
          <li key={seq}>
            <Link to="/events" search={{ view: "journal", fromSeq: seq, toSeq: seq, seq }}>
              {formatNumber(seq)}
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}

/** There is no undo, so this asks first. */
function RemoveDialog({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const remove = useMutation({
    mutationFn: () => api.removeConsumer(name),
    onSuccess: (answer) => {
      if ("removed" in answer) onClose();
    },
  });
  const isHeld = remove.data !== undefined && "approvalId" in remove.data;
  return (
    <Dialog label={v("consumers.remove.title", { name: plainLine(name) })} onClose={onClose}>
      <div className={styles["confirm"]}>
        <h2>{v("consumers.remove.title", { name: plainLine(name) })}</h2>
        <p>{v(isHeld ? "consumers.remove.held" : "consumers.remove.body")}</p>
        {remove.isError ? <ErrorCard error={remove.error} /> : null}
        <div className={styles["actions"]}>
          <Button onClick={onClose}>{isHeld ? t("keys.dialog.close") : v("consumers.remove.keep")}</Button>
          {isHeld ? null : (
            <Button look="danger" disabled={remove.isPending} onClick={() => remove.mutate()}>
              {v("consumers.action.remove")}
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}
