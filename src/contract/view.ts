/** Views: tables of keyed rows, each row a pure fold of events. They rebuild, travel in time and are watched alike. */
import type { Envelope, EnvelopeOf, EventDefinition } from "./event.ts";
import type { Static, TSchema } from "./schema.ts";

/**
 * One fold step. Written as methods, so that a `View<Row>` is also a `View`: the kernel folds rows without knowing them.
 * `null` deletes the row; returning the row itself, unchanged, costs nothing. Never mutates its arguments. */
export interface Fold<Row = unknown> {
  /** `*` folds every kind; keep such a fold cheap, it runs on each event. */
  readonly kind: string;
  /** Which row the event belongs to; `null` skips it. */
  key(envelope: Envelope): string | null;
  apply(row: Row | undefined, envelope: Envelope): Row | null;
}

/** A filter of the view's list: `?name=value`. */
export interface ViewFilter<Row = unknown> {
  readonly schema: TSchema;
  matches(row: Row, value: never): boolean;
}

export interface View<Row = unknown> {
  /** camelCase; served at `/state/<name>`. */
  readonly name: string;
  /** Bumped when a fold changes; the view is then rebuilt at start. */
  readonly version: number;
  readonly about: string;
  readonly row: TSchema;
  readonly folds: readonly Fold<Row>[];
  /** Shows what a person may have to stop or take back: its operations are part of the way out. */
  readonly isWayOut?: boolean;
  /** Order of the list by key. Keys that begin with a time (UUIDv7, padded seq) make `desc` newest first. */
  readonly order: "asc" | "desc";
  /**
   * The most rows kept. With `oldestKey` the row with the smallest key goes when one too many arrives, which is part of the
   * fold and so the same in every rebuild; with `guarded` the service refuses before the limit.
   */
  readonly rowsMax: number;
  readonly overflow: "oldestKey" | "guarded";
  readonly filters: Readonly<Record<string, ViewFilter<Row>>>;
}

type ViewOptions<Row> = Omit<View<Row>, "filters" | "order" | "overflow" | "row"> &
  Partial<Pick<View<Row>, "filters" | "order" | "overflow">>;

/** `view(RowSchema)({...})`: the row's type comes from its schema, so that folds infer. */
export const view =
  <S extends TSchema>(row: S) =>
  (options: ViewOptions<Static<S>>): View<Static<S>> =>
    Object.freeze({ order: "desc" as const, overflow: "oldestKey" as const, filters: {}, row, ...options });

/** A fold of one event kind, typed by its definition. */
export const on =
  <Row>() =>
  <E extends EventDefinition>(
    definition: E,
    key: (envelope: EnvelopeOf<E>) => string | null,
    apply: (row: Row | undefined, envelope: EnvelopeOf<E>) => Row | null,
  ): Fold<Row> => ({ kind: definition.kind, key: key, apply: apply });

/** A key that sorts by journal position. */
export const seqKey = (envelope: Pick<Envelope, "seq">): string => String(envelope.seq).padStart(16, "0");
