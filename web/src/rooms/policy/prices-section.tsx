import { useMutation, useQuery } from "@tanstack/react-query";
import { RotateCwIcon } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { CopyButton } from "../../parts/copy-button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import { LoadedList, Section } from "../../parts/list-section.tsx";
import { keys } from "../../stream/refresh.ts";
import { formatDay, formatNumber } from "../../text/formats.ts";
import { plainLine } from "../../text/plain.ts";
import { policyApi, type Price } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

/** What models cost, from which list. A price that nobody wrote down is unknown, never made up. */
export function Prices() {
  const [model, setModel] = useState("");
  const list = useQuery({
    queryKey: [...keys.budgets, "prices", model],
    queryFn: ({ signal }) => policyApi.prices(model, signal),
  });
  const { prices = [], folder = "" } = list.data ?? {};
  return (
    <Section title={p("prices.list.title")} lead={p("prices.list.lead")} tools={<Reload />}>
      <LookUp onModel={setModel} />
      <LoadedList
        label={p("prices.list.title")}
        loading={list}
        rows={prices}
        empty={<None folder={folder} />}
        bones={2}
      >
        {(price) => <PriceItem key={`${price.place} ${price.model} ${price.host}`} price={price} />}
      </LoadedList>
    </Section>
  );
}

function LookUp({ onModel }: { readonly onModel: (model: string) => void }) {
  const [text, setText] = useState("");
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    onModel(text.trim());
  };
  return (
    <form className={styles["inline"]} aria-label={p("prices.find.label")} onSubmit={submit}>
      <Field
        label={p("prices.find.field")}
        value={text}
        maxLength={200}
        onChange={(event) => setText(event.target.value)}
      />
      <Button type="submit">{p("prices.find.action")}</Button>
    </form>
  );
}

function Reload() {
  const { client } = useHub();
  const reload = useMutation({
    mutationFn: policyApi.reloadPrices,
    onSettled: () => client.invalidateQueries({ queryKey: keys.budgets }),
  });
  return (
    <>
      <Button icon={<RotateCwIcon size={14} aria-hidden />} disabled={reload.isPending} onClick={() => reload.mutate()}>
        {p("prices.reload.action")}
      </Button>
      {reload.isError ? <ErrorCard title={p("prices.reload.failed")} error={reload.error} /> : null}
      {reload.data ? <p role="status">{p("prices.reload.done", { count: reload.data.prices })}</p> : null}
    </>
  );
}

function None({ folder }: { readonly folder: string }) {
  const template = useQuery({
    queryKey: [...keys.budgets, "template"],
    queryFn: ({ signal }) => policyApi.priceTemplate(signal),
  });
  return (
    <>
      <p>{p("prices.none.text")}</p>
      <p className={styles["row"]}>
        <span>{p("prices.none.folder")}</span> <code>{plainLine(folder)}</code>
        {template.data?.template ? <CopyButton label={p("prices.none.copy")} text={template.data.template} /> : null}
      </p>
    </>
  );
}

function PriceItem({ price }: { readonly price: Price }) {
  const { model, host, place, sinceMs, isInForce } = price;
  const text = (usd: number | "unknown"): string =>
    usd === "unknown" ? p("prices.row.unknown") : p("prices.row.usd", { amount: formatNumber(usd) });
  return (
    <li data-thing="price" data-copy={model} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{plainLine(model)}</span>
        {host === null ? null : <span>{p("prices.row.host", { host: plainLine(host) })}</span>}
        {place === null ? null : <span className={styles["source"]}>{plainLine(place)}</span>}
      </div>
      <p className={styles["terms"]}>
        <span>{p("prices.row.input", { price: text(price.inputUsdPerMillion) })}</span>
        <span>{p("prices.row.output", { price: text(price.outputUsdPerMillion) })}</span>
        <span>{p("prices.row.cached", { price: text(price.cachedInputUsdPerMillion) })}</span>
        {sinceMs === null ? null : (
          <span>{p(isInForce ? "prices.row.since" : "prices.row.from", { day: formatDay(sinceMs) })}</span>
        )}
      </p>
    </li>
  );
}
