/** `arw events tail`: the events as they happen, across broken connections, restarts of the hub and its own. */
import { FileLocked } from "../adapters/files/file-lock.ts";
import { retryDelayMs } from "../base/resuming-frames.ts";
import type { Static } from "../contract/schema.ts";
import {
  BusGap,
  type EventShape,
  ReadJournal,
  replayMax,
  ServiceConnected,
  Watch,
} from "../domains/events/contract.ts";
import { FolderFault } from "../domains/fs/port.ts";
import { About } from "../domains/system/contract.ts";
import {
  CallFailed,
  type CliParts,
  exitCodes,
  type Globals,
  HubUnreachable,
  type Input,
  type OwnCommand,
  type Transport,
} from "../surfaces/cli/port.ts";
import { type Cursor, withCursor } from "./cli-cursor.ts";

type Event = Static<typeof EventShape>;

export interface TailOptions {
  readonly terminal: CliParts["terminal"];
  /** Looks for the hub anew each time: one that was restarted may answer elsewhere. */
  readonly connect: (globals: Globals) => Promise<Transport>;
  readonly wait: (delayMs: number, signal: AbortSignal) => Promise<void>;
  /** One line for a person. */
  readonly lineOf: (event: Event) => string;
}

export const tailCommand = (options: TailOptions): OwnCommand => ({
  words: "events tail",
  about: "Follow the events and take them up again where the last reader stopped.",
  options: [
    ["--prefix <text>", "only kinds that begin with this; repeat it or separate by commas"],
    ["--corr <id>", "only events of one episode"],
    ["--replay <number>", "begin with this many of the newest events; a cursor that is known goes first"],
    ["--cursor <file>", "keep the position in this file, and go on from there next time"],
  ],
  async run({ flags, globals }) {
    const { terminal } = options;
    const replay = Number(last(flags["replay"]) ?? 0);
    if (!Number.isInteger(replay) || replay < 0 || replay > replayMax) {
      terminal.writeError(`--replay takes a whole number from 0 to ${replayMax}.\n`);
      return exitCodes.usage;
    }
    const interrupted = new AbortController();
    const stopListening = terminal.onInterrupt(() => interrupted.abort());
    const corr = last(flags["corr"]);
    const prefix = list(flags["prefix"])
      .flatMap((text) => text.split(","))
      .filter((text) => text !== "");
    const follow = (cursor: Cursor | null): Promise<void> =>
      tail({
        ...options,
        globals,
        replay,
        cursor,
        filter: { ...(prefix.length > 0 ? { prefix } : {}), ...(corr === undefined ? {} : { corr }) },
        signal: interrupted.signal,
      });
    const file = last(flags["cursor"]);
    try {
      await (file === undefined ? follow(null) : withCursor(terminal.resolvePath(file), follow));
      return exitCodes.ok;
    } catch (error) {
      if (!(error instanceof FileLocked) && !(error instanceof FolderFault)) throw error;
      terminal.writeError(`✗ The position cannot be kept: ${error.message}\n`);
      return exitCodes.problem;
    } finally {
      stopListening();
    }
  },
});

const list = (value: unknown): readonly string[] => (Array.isArray(value) ? (value as readonly string[]) : []);
const last = (value: unknown): string | undefined => list(value).at(-1);

interface Tail extends TailOptions {
  readonly globals: Globals;
  readonly replay: number;
  readonly cursor: Cursor | null;
  readonly filter: { readonly prefix?: readonly string[]; readonly corr?: string };
  readonly signal: AbortSignal;
}

/** Everything up to `seq` was printed. */
interface Reading {
  readonly node: string;
  seq: number;
  /** Tries since the last item. */
  tries: number;
}

/** Returns when the person leaves. Each event is printed before its position is noted, so a `kill -9` repeats and loses none. */
async function tail(options: Tail): Promise<void> {
  const { signal } = options;
  try {
    const reading = await begin(options);
    for (;;) {
      const reason = await followOnce(options, reading);
      reading.tries += 1;
      if (reading.tries === 1) note(options, `${reason}; it is taken up again behind event ${reading.seq}`);
      await options.wait(retryDelayMs(reading.tries), signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

const note = ({ terminal, globals }: Tail, text: string): void => {
  if (globals.json !== true && terminal.isScreen) terminal.writeError(`${text}\n`);
};

async function begin(options: Tail): Promise<Reading> {
  const { cursor, signal, terminal } = options;
  await using transport = await options.connect(options.globals);
  const { node } = await ask({ transport, signal }, About, {});
  for (const { path, keptAs } of cursor?.damages ?? [])
    terminal.writeError(`${path} was damaged and is kept as ${keptAs}.\n`);
  const start = cursor?.start ?? null;
  if (start !== null && start.node !== node) throw new CallFailed(otherHub(start.node, node));
  const reading = { node, seq: start?.seq ?? (await showRecent(options, transport)), tries: 0 };
  cursor?.moved(reading);
  return reading;
}

const otherHub = (kept: string, found: string) => ({
  type: "about:blank",
  title: "Another hub",
  status: 409,
  code: "cli.cursor-of-another-hub",
  detail: `The cursor is a position in the journal of hub ${kept}, and this is hub ${found}. Use a file of its own for each hub.`,
  instance: "",
});

/** Prints the newest events that fit, oldest first, and answers where the journal ended then. */
async function showRecent(options: Tail, transport: Transport): Promise<number> {
  const { replay, filter, signal } = options;
  const asking = { transport, signal };
  const found: Event[] = [];
  let page = await ask(asking, ReadJournal, { ...filter, limit: Math.max(1, replay) });
  const { headSeq } = page;
  for (;;) {
    found.push(...page.events.slice(0, replay - found.length));
    if (found.length === replay || page.nextCursor === null) break;
    page = await ask(asking, ReadJournal, { ...filter, limit: replay, cursor: page.nextCursor });
  }
  for (const event of found.toReversed()) print(options, event);
  return headSeq;
}

/** Follows until the connection ends, and says why it did. */
async function followOnce(options: Tail, reading: Reading): Promise<string> {
  try {
    await using transport = await options.connect(options.globals);
    const items = transport.stream(Watch.id, { ...options.filter, after: reading.seq }, options.signal);
    for await (const item of items) {
      reading.tries = 0;
      await take({ options, reading, transport }, item as Event);
    }
    options.signal.throwIfAborted();
    return "The hub ended the connection";
  } catch (error) {
    options.signal.throwIfAborted();
    if (!isPassing(error)) throw error;
    return error instanceof HubUnreachable ? "The connection is lost" : (error as Error).message;
  }
}

/** A hub that restarts, is overloaded or was cut off comes back; whatever else it answers, it will answer again. */
function isPassing(error: unknown): boolean {
  if (error instanceof CallFailed) return error.document.status >= 500 || error.document.status === 429;
  // Reading a body that breaks off is a type error by the standard of `fetch`.
  return error instanceof HubUnreachable || error instanceof TypeError;
}

interface Taking {
  readonly options: Tail;
  readonly reading: Reading;
  readonly transport: Transport;
}

async function take(taking: Taking, event: Event): Promise<void> {
  const { options } = taking;
  if (event.kind === ServiceConnected.kind) return;
  if (event.kind === BusGap.kind) {
    print(options, event);
    await fill(taking, event.data as Static<typeof BusGap.data>);
  } else if (event.seq === undefined) print(options, event);
  else pass(taking, event, event.seq);
}

/** Prints what was not printed yet, and then notes it. */
function pass({ options, reading }: Taking, event: Event, seq: number): void {
  if (seq <= reading.seq) return;
  print(options, event);
  reading.seq = seq;
  options.cursor?.moved({ node: reading.node, seq });
}

/** As many positions as one page of the journal has room for, so that each window is one page. */
const windowEvents = 1000;

/** Reads what the stream lost from the journal, oldest first and in bounded pieces. */
async function fill(taking: Taking, { fromSeq, toSeq }: Static<typeof BusGap.data>): Promise<void> {
  const { options, reading, transport } = taking;
  for (let afterSeq = Math.max(reading.seq, fromSeq - 1); afterSeq < toSeq; afterSeq += windowEvents) {
    const range = { afterSeq, toSeq: Math.min(toSeq, afterSeq + windowEvents), limit: windowEvents };
    const page = await ask({ transport, signal: options.signal }, ReadJournal, { ...options.filter, ...range });
    for (const event of page.events.toReversed()) if (event.seq !== undefined) pass(taking, event, event.seq);
  }
}

function print({ terminal, globals, lineOf }: Tail, event: Event): void {
  const isForPeople = terminal.isScreen && globals.json !== true;
  terminal.write(`${isForPeople ? lineOf(event) : JSON.stringify(event)}\n`);
}

interface Asking {
  readonly transport: Transport;
  readonly signal: AbortSignal;
}

async function ask<O extends typeof About | typeof ReadJournal>(
  { transport, signal }: Asking,
  operation: O,
  input: Input,
): Promise<Static<O["output"]>> {
  const result = await transport.call(operation.id, input, signal);
  // The hub's answers are checked against the table on its side, and reads are never held.
  return (result.kind === "answer" ? result.output : null) as Static<O["output"]>;
}
