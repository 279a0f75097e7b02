import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Meter } from "../../parts/meter.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import { When } from "../../parts/when.tsx";
import type { Stats } from "../../shapes.ts";
import { formatDuration, formatNumber } from "../../text/formats.ts";
import { plainLine } from "../../text/plain.ts";
import styles from "./counters-view.module.css";
import table from "./data-table.module.css";
import { type EventsKey, v } from "./events-messages.ts";
import { useStats } from "./use-stats.ts";

/** What the hub counts of its own stream, since its start. */
export function CountersView() {
  const stats = useStats();
  return (
    <div className={styles["page"]}>
      {stats.isError ? (
        <ErrorCard title={v("counters.fault.title")} error={stats.error} onRetry={() => void stats.refetch()} />
      ) : null}
      {stats.isError && stats.data ? (
        <p className={styles["help"]}>
          {v("counters.fault.stale")} <When timeMs={stats.dataUpdatedAt} />
        </p>
      ) : null}
      {stats.isPending ? <Skeleton rows={8} /> : null}
      {stats.data ? <Figures stats={stats.data} /> : null}
    </div>
  );
}

function Figures({ stats }: { readonly stats: Stats }) {
  return (
    <>
      <BusFigures stats={stats} />
      <Readers readers={stats.readers} />
      <Kinds events={stats.events} />
      <p className={styles["help"]}>{v("counters.help.since")}</p>
    </>
  );
}

interface FigureProps {
  readonly label: EventsKey;
  readonly value: string;
  readonly help?: EventsKey;
  readonly isBad?: boolean;
  readonly children?: ReactNode;
}

function Figure({ label, value, help, isBad = false, children }: FigureProps) {
  return (
    <div className={styles["figure"]}>
      <dt>{v(label)}</dt>
      <dd>
        <span className={isBad ? `${styles["value"]} ${styles["bad"]}` : styles["value"]}>{value}</span>
        {children}
        {help ? <span className={styles["help"]}>{v(help)}</span> : null}
      </dd>
    </div>
  );
}

function BusFigures({ stats: { bus, commits, streams, headSeq, process } }: { readonly stats: Stats }) {
  const ring = v("counters.ring.value", {
    held: formatNumber(bus.ringEvents),
    capacity: formatNumber(bus.ringCapacity),
  });
  return (
    <section aria-label={v("counters.bus.title")} className={styles["section"]}>
      <h2>{v("counters.bus.title")}</h2>
      <dl className={styles["figures"]}>
        <Figure label="counters.bus.published" value={formatNumber(bus.published)} />
        <Figure label="counters.bus.delivered" value={formatNumber(bus.delivered)} help="counters.help.delivered" />
        <Figure
          label="counters.bus.lagged"
          value={formatNumber(bus.lagged)}
          help="counters.help.lagged"
          isBad={bus.lagged > 0}
        />
        <Figure label="counters.bus.unheard" value={formatNumber(bus.noReceivers)} />
        <Figure label="counters.bus.receivers" value={formatNumber(bus.receivers)} help="counters.help.receivers" />
        <Figure label="counters.bus.streams" value={formatNumber(streams)} />
        <Figure label="counters.ring.title" value={ring} help="counters.help.ring">
          <Meter label={v("counters.ring.title")} value={bus.ringEvents} max={bus.ringCapacity} />
        </Figure>
        <Figure label="counters.commit.mean" value={formatMs(commits.meanMs)} help="counters.help.commit" />
        <Figure label="counters.commit.max" value={formatMs(commits.maxMs)} />
        <Figure label="counters.commit.count" value={formatNumber(commits.count)} />
        <Figure label="counters.journal.head" value={formatNumber(headSeq)} />
        <Figure label="counters.loop.delay" value={formatMs(process.eventLoopDelayMs)} />
      </dl>
    </section>
  );
}

/** Commits take a part of a millisecond. */
const formatMs = (durationMs: number): string =>
  durationMs < 10 ? `${formatNumber(Math.round(durationMs * 100) / 100)}\u00a0ms` : formatDuration(durationMs);

const heads: readonly EventsKey[] = [
  "counters.reader.name",
  "counters.reader.pending",
  "counters.reader.lost",
  "counters.reader.gap",
];

/** The slowest first, as the hub has them. */
function Readers({ readers }: { readonly readers: Stats["readers"] }) {
  return (
    <section aria-label={v("counters.reader.title")} className={styles["section"]}>
      <h2>{v("counters.reader.title")}</h2>
      <p className={styles["help"]}>{v("counters.help.readers")}</p>
      {readers.length === 0 ? (
        <p>{v("counters.reader.none")}</p>
      ) : (
        <div className={table["wrap"]} role="group" aria-label={v("counters.reader.title")} tabIndex={0}>
          <table className={table["table"]}>
            <thead>
              <tr>
                {heads.map((head, index) => (
                  <th key={head} scope="col" className={index === 1 || index === 2 ? table["number"] : undefined}>
                    {v(head)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {readers.map((reader) => (
                <Reader key={reader.name} reader={reader} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Reader({ reader: { name, pending, lost, lastGap } }: { readonly reader: Stats["readers"][number] }) {
  return (
    <tr>
      <th scope="row">
        <code>{plainLine(name)}</code>
      </th>
      <td className={table["number"]}>{formatNumber(pending)}</td>
      <td className={lost > 0 ? `${table["number"]} ${table["bad"]}` : table["number"]}>{formatNumber(lost)}</td>
      <td>
        {lastGap === null ? (
          <span className={table["quiet"]}>{v("counters.reader.whole")}</span>
        ) : (
          <Link to="/events" search={{ view: "journal", fromSeq: lastGap.fromSeq, toSeq: lastGap.toSeq }}>
            {v("counters.reader.range", { from: lastGap.fromSeq, to: lastGap.toSeq, count: lastGap.skipped })}
          </Link>
        )}
      </td>
    </tr>
  );
}

/** The kinds that say most; the rest is a press away. */
const kindsFirst = 12;

function Kinds({ events }: { readonly events: Stats["events"] }) {
  const [isWhole, setWhole] = useState(false);
  const sorted = events.toSorted((a, b) => b.count - a.count || a.kind.localeCompare(b.kind));
  const shown = isWhole ? sorted : sorted.slice(0, kindsFirst);
  const most = sorted[0]?.count ?? 0;
  return (
    <section aria-label={v("counters.kind.title")} className={styles["section"]}>
      <h2>{v("counters.kind.title")}</h2>
      <div className={table["wrap"]} role="group" aria-label={v("counters.kind.title")} tabIndex={0}>
        <table className={table["table"]}>
          <thead>
            <tr>
              <th scope="col">{v("counters.kind.name")}</th>
              <th scope="col" className={table["number"]}>
                {v("counters.kind.count")}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ kind, count }) => (
              <tr key={kind}>
                <th scope="row">
                  <Link to="/events" search={{ view: "journal", prefix: kind }}>
                    <code>{plainLine(kind)}</code>
                  </Link>
                  <Meter label={plainLine(kind)} value={count} max={most} />
                </th>
                <td className={table["number"]}>{formatNumber(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < sorted.length ? (
        <Button look="quiet" onClick={() => setWhole(true)}>
          {v("counters.kind.all", { count: sorted.length })}
        </Button>
      ) : null}
    </section>
  );
}
