import { getRouteApi } from "@tanstack/react-router";
import { CheckIcon, ClockIcon } from "lucide-react";
import { useState } from "react";
import { eventsSearch } from "../../filters.ts";
import { useStream } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import type { Consumer } from "../../shapes.ts";
import { formatNumber } from "../../text/formats.ts";
import { plainLine } from "../../text/plain.ts";
import { ConsumerDetail } from "./consumer-detail.tsx";
import styles from "./consumers-view.module.css";
import table from "./data-table.module.css";
import { type EventsKey, v } from "./events-messages.ts";
import { useConsumers } from "./use-consumers.ts";

const route = getRouteApi("/events");

/** Who reads the journal for work, and how far behind. */
export function ConsumersView() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const store = useStream();
  const view = useConsumers();
  const rows = view.rows();
  const list = [...(rows?.values() ?? [])].toSorted((a, b) => a.name.localeCompare(b.name));
  const headSeq = list.reduce((head, { floorSeq }) => Math.max(head, floorSeq), store.ring.lastSeq);
  const open = (name: string | undefined): void =>
    void navigate({ search: eventsSearch({ ...search, consumer: name }), replace: true });
  const opened = search.consumer === undefined ? undefined : rows?.get(search.consumer);
  const isBroken = view.phase() === "reconnecting";
  return (
    <div className={search.consumer && rows ? `${styles["body"]} ${styles["split"]}` : styles["body"]}>
      <div className={styles["page"]}>
        {isBroken ? (
          <ErrorCard title={v("consumers.fault.title")} error={new Error(v("consumers.fault.again"))} />
        ) : null}
        {rows === null && !isBroken ? <Skeleton rows={4} /> : null}
        {rows !== null && list.length === 0 ? <None /> : null}
        {list.length > 0 ? <Rows list={list} headSeq={headSeq} openName={search.consumer} onOpen={open} /> : null}
      </div>
      {search.consumer && rows ? (
        <ConsumerDetail
          key={search.consumer}
          name={search.consumer}
          consumer={opened}
          headSeq={headSeq}
          onClose={() => open(undefined)}
        />
      ) : null}
    </div>
  );
}

function None() {
  return (
    <EmptyState line={v("consumers.empty.title")} why={v("consumers.empty.why")}>
      <code>{v("consumers.empty.command")}</code>
    </EmptyState>
  );
}

const heads: readonly (readonly [EventsKey, boolean])[] = [
  ["consumers.head.name", false],
  ["consumers.head.state", false],
  ["consumers.head.behind", true],
  ["consumers.head.dead", true],
  ["consumers.head.returned", true],
  ["consumers.head.kinds", false],
];

interface RowsProps {
  readonly list: readonly Consumer[];
  readonly headSeq: number;
  readonly openName: string | undefined;
  readonly onOpen: (name: string | undefined) => void;
}

/** All of them move with each event, so only as many are drawn as someone reads. */
const rowsFirst = 100;

function Rows({ list, headSeq, openName, onOpen }: RowsProps) {
  const [rowsMax, setRowsMax] = useState(rowsFirst);
  return (
    <>
      <p className={table["quiet"]}>{v("consumers.help.behind")}</p>
      <div className={table["wrap"]} role="group" aria-label={v("consumers.list.label")} tabIndex={0}>
        <table className={table["table"]}>
          <thead>
            <tr>
              {heads.map(([head, isNumber]) => (
                <th key={head} scope="col" className={isNumber ? table["number"] : undefined}>
                  {v(head)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {list.slice(0, rowsMax).map((consumer) => (
              <Row
                key={consumer.name}
                consumer={consumer}
                behind={headSeq - consumer.floorSeq}
                isOpen={consumer.name === openName}
                onOpen={onOpen}
              />
            ))}
          </tbody>
        </table>
      </div>
      {list.length > rowsMax ? (
        <Button onClick={() => setRowsMax(rowsMax + rowsFirst)}>
          {v("consumers.list.more", { count: list.length - rowsMax })}
        </Button>
      ) : null}
    </>
  );
}

interface RowProps {
  readonly consumer: Consumer;
  readonly behind: number;
  readonly isOpen: boolean;
  readonly onOpen: (name: string | undefined) => void;
}

function Row({ consumer: { name, prefixes, returned, buriedCount }, behind, isOpen, onOpen }: RowProps) {
  return (
    <tr data-thing="consumer" data-copy={name} data-open={isOpen || undefined} tabIndex={-1}>
      <th scope="row">
        <button
          type="button"
          className={table["name"]}
          data-hotkey="Enter"
          aria-pressed={isOpen}
          onClick={() => onOpen(isOpen ? undefined : name)}
        >
          {plainLine(name)}
        </button>
      </th>
      <td>
        <State behind={behind} />
      </td>
      <td className={table["number"]}>{formatNumber(behind)}</td>
      <td className={buriedCount > 0 ? `${table["number"]} ${table["bad"]}` : table["number"]}>
        {formatNumber(buriedCount)}
      </td>
      <td className={table["number"]}>{formatNumber(returned.length)}</td>
      <td>
        {prefixes.length === 0 ? (
          <span className={table["quiet"]}>{v("consumers.kinds.all")}</span>
        ) : (
          <span className={table["codes"]}>
            {prefixes.map((prefix) => (
              <code key={prefix}>{plainLine(prefix)}</code>
            ))}
          </span>
        )}
      </td>
    </tr>
  );
}

function State({ behind }: { readonly behind: number }) {
  const Icon = behind === 0 ? CheckIcon : ClockIcon;
  return (
    <span className={behind === 0 ? `${styles["state"]} ${styles["ok"]}` : styles["state"]}>
      <Icon size={14} aria-hidden />
      {v(behind === 0 ? "consumers.state.current" : "consumers.state.behind")}
    </span>
  );
}
