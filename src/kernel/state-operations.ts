/** The operations that every view has without writing them: list, get and watch under `/state/<view>`. */
import { diffJson, type Patch } from "../base/json-patch.ts";
import { bind, type Bound, op } from "../contract/operation.ts";
import { Problem } from "../contract/problem.ts";
import { closed, CorrelationId, oneOf, Seq, type Static, Type } from "../contract/schema.ts";
import { InvalidInput, NotFound } from "../contract/standard-problems.ts";
import type { View } from "../contract/view.ts";
import { DataDropped } from "./archive.ts";
import type { ViewChange, Views } from "./kernel.ts";

const listMax = 1000;
const listDefault = 100;
/** Rows of a watch's snapshot; a watcher that needs more lists them page by page. */
const snapshotRowsMax = 5000;
/** Changes of a view kept for a watcher that resumes. */
const historyMax = 2000;
/** Changes a slow watcher may have waiting; above it a fresh snapshot is cheaper and bounded. */
const waitingMax = 5000;

/** `views` is asked for late: the table is built before the views are open. */
export const stateOperations = (definitions: readonly View[], views: () => Views): readonly Bound[] =>
  definitions.flatMap((view) => [listOf(view, views), getOf(view, views), watchOf(view, views)]);

function listOf(view: View, views: () => Views): Bound {
  const filters = Object.fromEntries(
    Object.entries(view.filters).map(([name, filter]) => [name, Type.Optional(filter.schema)]),
  );
  const operation = op({
    id: `state.${view.name}`,
    http: `GET /state/${view.name}`,
    cli: `state ${view.name}`,
    effect: "read",
    ...wayOutOf(view),
    about: `List ${lowerFirst(view.about)}`,
    input: closed({
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: listMax, default: listDefault })),
      cursor: Type.Optional(Type.String({ maxLength: 2000, description: "`nextCursor` of the page before." })),
      ...timeFields,
      ...filters,
    }),
    output: closed({
      view: Type.String(),
      version: Type.Integer({ description: "Version of the view's fold." }),
      seq: Seq,
      rowsMax: Type.Integer({ description: "Rows that the view keeps; what came before them is in the journal." }),
      items: Type.Array(view.row),
      nextCursor: Type.Union([Type.String(), Type.Null()]),
    }),
    problems: [NotFound, DataDropped],
  });
  type Input = { limit?: number; cursor?: string } & Time & Record<string, unknown>;
  const where = (input: Input): ((row: unknown) => boolean) | undefined => {
    const set = Object.entries(view.filters).filter(([name]) => input[name] !== undefined);
    if (set.length === 0) return undefined;
    return (row) => set.every(([name, filter]) => filter.matches(row, input[name] as never));
  };
  return bind(
    operation,
    async (raw) => {
      const input = raw as Input;
      const at = positionOf(input, views());
      const limit = input.limit ?? listDefault;
      const matches = where(input);
      const options = {
        limit,
        ...(input.cursor === undefined ? {} : { afterKey: keyOfCursor(view, input.cursor) }),
        ...(matches ? { where: matches } : {}),
      };
      const page = at === null ? views().list(view, options) : pageOf(view, await views().at(view, at), options);
      return {
        view: view.name,
        version: view.version,
        seq: at ?? views().changedSeq(view.name),
        rowsMax: view.rowsMax,
        items: page.rows.map((each) => each.row),
        nextCursor: page.nextKey === null ? null : cursorOf(view, page.nextKey),
      };
    },
    { etag: (input) => etagOf(view, views(), input) },
  );
}

/** The past of a view can be asked for by a position, or by an episode, whose ends are positions, too. */
const timeFields = {
  at: Type.Optional(
    Type.Integer({ minimum: 0, description: "The view as it was after this position of the journal." }),
  ),
  beforeEpisode: Type.Optional(
    Type.Unsafe<string>({ ...CorrelationId, description: "The view as it was before this episode began." }),
  ),
  afterEpisode: Type.Optional(
    Type.Unsafe<string>({
      ...CorrelationId,
      description: "The view as it was after the newest event of this episode.",
    }),
  ),
};
interface Time {
  readonly at?: number;
  readonly beforeEpisode?: string;
  readonly afterEpisode?: string;
}

/** Null for now. */
function positionOf({ at, beforeEpisode, afterEpisode }: Time, views: Views): number | null {
  const named = Object.entries({ at, beforeEpisode, afterEpisode }).filter(([, value]) => value !== undefined);
  if (named.length > 1) throw refused(named[1]?.[0] ?? "at", `is one moment too many beside ${named[0]?.[0]}`);
  if (at !== undefined && at > views.headSeq()) throw refused("at", "lies after the newest event");
  const episode = beforeEpisode ?? afterEpisode;
  if (episode === undefined) return at ?? null;
  const span = views.spanOf(episode);
  if (span === null) throw new Problem(NotFound, `the journal has nothing of ${episode}`);
  return beforeEpisode === undefined ? span.lastSeq : span.firstSeq - 1;
}

const wayOutOf = ({ isWayOut }: View): { isWayOut?: true } => (isWayOut === true ? { isWayOut } : {});

/** A cursor names its view and the key it stands at, so that one from elsewhere is refused instead of leading nowhere. */
const cursorOf = (view: View, key: string): string => Buffer.from(`${view.name}\n${key}`).toString("base64url");

function keyOfCursor(view: View, cursor: string): string {
  const text = Buffer.from(cursor, "base64url").toString("utf8");
  const key = text.slice(view.name.length + 1);
  if (cursor === "" || cursorOf(view, key) !== cursor) throw refused("cursor", "is no cursor of this list");
  return key;
}

const refused = (field: string, message: string): Problem =>
  new Problem(InvalidInput, `/${field} ${message}`, { faults: [{ at: `/${field}`, message }] });

const etagOf = (view: View, views: Views, input: unknown): string =>
  `"${view.name}-${view.version}-${views.changedSeq(view.name)}-${Buffer.from(JSON.stringify(input)).toString("base64url")}"`;

function pageOf(
  view: View,
  rows: ReadonlyMap<string, unknown>,
  options: { limit: number; afterKey?: string; where?: (row: unknown) => boolean },
) {
  const sign = view.order === "desc" ? -1 : 1;
  const after = options.afterKey;
  const matching = [...rows]
    .map(([key, row]) => ({ key, row }))
    .toSorted((a, b) => (a.key < b.key ? -sign : sign))
    .filter(
      ({ key, row }) =>
        (after === undefined || (sign < 0 ? key < after : key > after)) && (options.where?.(row) ?? true),
    );
  const page = matching.slice(0, options.limit);
  return { rows: page, nextKey: matching.length > page.length ? (page.at(-1)?.key ?? null) : null };
}

function getOf(view: View, views: () => Views): Bound {
  const operation = op({
    id: `state.${view.name}.get`,
    http: `GET /state/${view.name}/{key}`,
    cli: `state ${view.name} get <key>`,
    effect: "read",
    ...wayOutOf(view),
    about: `Show one row of ${view.name}.`,
    input: closed({ key: Type.String({ minLength: 1, maxLength: 500 }), ...timeFields }),
    output: view.row,
    problems: [NotFound, DataDropped],
  });
  return bind(
    operation,
    async ({ key, ...time }) => {
      const at = positionOf(time, views());
      const row = at === null ? views().get(view, key) : (await views().at(view, at)).get(key);
      if (row === undefined) throw new Problem(NotFound, `${view.name} has no row ${key}`);
      return row;
    },
    { etag: (input) => etagOf(view, views(), input) },
  );
}

function watchOf(view: View, views: () => Views): Bound {
  const history = createHistory();
  let isFollowed = false;
  const operation = op({
    id: `state.${view.name}.watch`,
    http: `GET /state/${view.name}/-/watch`,
    cli: `state ${view.name} watch`,
    mode: "many",
    effect: "read",
    ...wayOutOf(view),
    about: `Follow ${view.name} as JSON patches (RFC 6902).`,
    input: closed({
      after: Type.Optional(
        Type.Integer({
          minimum: 0,
          description: "`seq` of the last item seen; resumes without a snapshot where possible.",
        }),
      ),
    }),
    output: WatchItem,
  });
  return bind(operation, ({ after }, ctx) => {
    if (!isFollowed) {
      isFollowed = true;
      history.begin(views().changedSeq(view.name));
      views().onChange(view.name, history.push);
    }
    return watch({ view, views: views(), history, after: after ?? null, signal: ctx.signal });
  });
}

const WatchItem = closed({
  kind: oneOf(["snapshot", "patch"]),
  seq: Seq,
  rows: Type.Optional(Type.Unknown({ description: "Rows by key, in a snapshot." })),
  patch: Type.Optional(Type.Array(Type.Unknown(), { description: "RFC 6902 operations on `{rows}`." })),
});
type WatchItem = Static<typeof WatchItem>;

interface WatchOptions {
  readonly view: View;
  readonly views: Views;
  readonly history: ReturnType<typeof createHistory>;
  readonly after: number | null;
  readonly signal: AbortSignal;
}

async function* watch({ view, views, history, after, signal }: WatchOptions): AsyncGenerator<WatchItem> {
  let waiting: ViewChange[] = [];
  let isOverrun = false;
  let wake: (() => void) | null = null;
  const stop = views.onChange(view.name, (changes) => {
    if (waiting.length + changes.length > waitingMax) {
      waiting = [];
      isOverrun = true;
    } else if (!isOverrun) waiting.push(...changes);
    wake?.();
  });
  const onAbort = (): void => wake?.();
  signal.addEventListener("abort", onAbort);
  try {
    const missed = after === null ? null : history.since(after, views.changedSeq(view.name));
    if (missed === null) yield snapshot(view, views);
    else if (missed.length > 0) yield patchOf(missed);
    while (!signal.aborted) {
      if (isOverrun) {
        isOverrun = false;
        yield snapshot(view, views);
      } else if (waiting.length > 0) {
        const changes = waiting;
        waiting = [];
        yield patchOf(changes);
      } else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stop();
    signal.removeEventListener("abort", onAbort);
  }
}

function snapshot(view: View, views: Views): WatchItem {
  const { rows } = views.list(view, { limit: snapshotRowsMax });
  return {
    kind: "snapshot",
    seq: views.changedSeq(view.name),
    rows: Object.fromEntries(rows.map(({ key, row }) => [key, row])),
  };
}

function patchOf(changes: readonly ViewChange[]): WatchItem {
  const patch: Patch[] = [];
  for (const { key, before, after } of changes) {
    const path = `/rows/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (after === undefined) patch.push({ op: "remove", path });
    else if (before === undefined) patch.push({ op: "add", path, value: after });
    else patch.push(...diffJson(before, after).map((each) => ({ ...each, path: path + each.path })));
  }
  return { kind: "patch", seq: changes.at(-1)?.seq ?? 0, patch };
}

/** The newest changes of a view, so that a watcher that lost its connection goes on where it was. */
function createHistory() {
  let changes: ViewChange[] = [];
  /** Everything after this position is in `changes`. */
  let reachesBackTo: number | null = null;
  return {
    /** Where the view stands when somebody first follows it. */
    begin(seq: number): void {
      reachesBackTo = seq;
    },
    push(added: readonly ViewChange[]): void {
      changes.push(...added);
      if (changes.length <= historyMax) return;
      const dropped = changes.length - historyMax / 2;
      reachesBackTo = changes[dropped - 1]?.seq ?? reachesBackTo;
      changes = changes.filter((change) => change.seq > (reachesBackTo as number));
    },
    since(seq: number, headSeq: number): readonly ViewChange[] | null {
      if (seq >= headSeq) return seq === headSeq ? [] : null;
      if (reachesBackTo === null || seq < reachesBackTo) return null;
      return changes.filter((change) => change.seq > seq);
    },
  };
}

/** A word of capitals alone keeps them: `MCP servers`. */
const lowerFirst = (sentence: string): string =>
  /^[A-Z]{2}/.test(sentence) ? sentence : sentence.charAt(0).toLowerCase() + sentence.slice(1);
