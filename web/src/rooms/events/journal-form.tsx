import { type SubmitEvent, useState } from "react";
import type { EventsSearch } from "../../filters.ts";
import { Button } from "../../parts/button.tsx";
import { Field } from "../../parts/field.tsx";
import { t } from "../../text/messages.ts";
import { v } from "./events-messages.ts";
import styles from "./journal-view.module.css";
import { type DraftFaults, draftOf, faultsOf, isNarrowed, type JournalDraft, searchOf } from "./journal-search.ts";

export interface JournalFormProps {
  readonly search: EventsSearch;
  readonly onSearch: (search: EventsSearch) => void;
}

/** Nothing is asked until Search is pressed: half a time is no time. */
export function JournalForm({ search, onSearch }: JournalFormProps) {
  const [draft, setDraft] = useState(() => draftOf(search));
  const [faults, setFaults] = useState<DraftFaults>({});
  const { seq: _opened, ...asked } = search;
  const address = JSON.stringify(asked);
  const [shown, setShown] = useState(address);
  if (shown !== address) {
    // Back, or a link from elsewhere: the form says what the list shows.
    setShown(address);
    setDraft(draftOf(search));
    setFaults({});
  }
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const found = faultsOf(draft);
    setFaults(found);
    if (Object.keys(found).length === 0) onSearch(searchOf(draft));
  };
  const field = (name: keyof JournalDraft) => ({
    value: draft[name],
    error: faults[name] && v(faults[name]),
    onChange: (event: { readonly target: { readonly value: string } }) =>
      setDraft({ ...draft, [name]: event.target.value }),
  });
  return (
    <form className={styles["form"]} role="search" aria-label={v("journal.form.label")} noValidate onSubmit={submit}>
      <div className={styles["fields"]}>
        <Field
          label={v("events.filter.label")}
          data-filter
          placeholder={v("events.filter.placeholder")}
          {...field("prefix")}
        />
        <Field label={v("journal.field.episode")} {...field("corr")} />
        <div className={styles["buttons"]}>
          <Button type="submit" look="primary">
            {v("journal.action.search")}
          </Button>
          {isNarrowed(search) ? (
            <Button look="quiet" onClick={() => onSearch({ view: "journal" })}>
              {t("episodes.filter.clear")}
            </Button>
          ) : null}
        </div>
      </div>
      <details className={styles["range"]} open={hasRange(search)}>
        <summary>{v("journal.range.label")}</summary>
        <div className={styles["fields"]}>
          <Field label={v("journal.field.since")} type="datetime-local" step={1} {...field("since")} />
          <Field label={v("journal.field.until")} type="datetime-local" step={1} {...field("until")} />
          <Field label={v("journal.field.from")} inputMode="numeric" {...field("fromSeq")} />
          <Field label={v("journal.field.to")} inputMode="numeric" {...field("toSeq")} />
        </div>
      </details>
    </form>
  );
}

const hasRange = ({ sinceMs, untilMs, fromSeq, toSeq }: EventsSearch): boolean =>
  [sinceMs, untilMs, fromSeq, toSeq].some((end) => end !== undefined);
