import { type ReactNode, useId } from "react";
import { Button } from "./button.tsx";
import { ErrorCard } from "./error-card.tsx";
import styles from "./page.module.css";
import { Skeleton } from "./skeleton.tsx";

export interface SectionProps {
  readonly title: string;
  readonly lead?: string;
  /** Beside the title. */
  readonly tools?: ReactNode;
  readonly children?: ReactNode;
}

/** A part of a room under a title of its own. */
export function Section({ title, lead, tools, children }: SectionProps) {
  const id = useId();
  const heading = <h2 id={id}>{title}</h2>;
  return (
    <section className={styles["section"]} aria-labelledby={id}>
      {tools ? (
        <div className={styles["head"]}>
          {heading}
          {tools}
        </div>
      ) : (
        heading
      )}
      {lead ? <p className={styles["lead"]}>{lead}</p> : null}
      {children}
    </section>
  );
}

/** As much of a query as a list needs to know. */
export interface Loading {
  readonly isPending: boolean;
  readonly isError: boolean;
  readonly error: unknown;
  readonly data: unknown;
  refetch(): unknown;
}

/** As much of a query that comes page by page. */
export interface Pages extends Loading {
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  fetchNextPage(): unknown;
}

export interface LoadedListProps<Row> {
  readonly label: string;
  readonly loading: Loading;
  readonly rows: readonly Row[];
  /** What is said of none: a sentence, or a card of its own. */
  readonly empty?: ReactNode;
  readonly bones?: number;
  /** One item, an `li` with its key. */
  readonly children: (row: Row) => ReactNode;
}

/** What failed, the shape of what comes, what is said of none, or the rows. */
export function LoadedList<Row>({ label, loading, rows, empty, bones = 3, children }: LoadedListProps<Row>) {
  return (
    <>
      {loading.isError ? <ErrorCard error={loading.error} onRetry={() => void loading.refetch()} /> : null}
      {loading.isPending ? <Skeleton rows={bones} /> : null}
      {loading.data && rows.length === 0 ? <None>{empty}</None> : null}
      {rows.length > 0 ? (
        <ul className={styles["list"]} aria-label={label}>
          {rows.map((row) => children(row))}
        </ul>
      ) : null}
    </>
  );
}

const None = ({ children }: { readonly children: ReactNode }) =>
  typeof children === "string" ? <p className={styles["quiet"]}>{children}</p> : children;

export type ListSectionProps<Row> = Omit<LoadedListProps<Row>, "label"> & Omit<SectionProps, "children">;

/** A titled list that loads. */
export function ListSection<Row>({ title, lead, tools, ...list }: ListSectionProps<Row>) {
  return (
    <Section title={title} {...(lead ? { lead } : {})} tools={tools}>
      <LoadedList label={title} {...list} />
    </Section>
  );
}

/** The press that asks for the next page, while there is one. */
export function MoreButton({ pages, label }: { readonly pages: Pages; readonly label: string }) {
  if (!pages.hasNextPage) return null;
  return (
    <Button disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
      {label}
    </Button>
  );
}
