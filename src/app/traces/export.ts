/** Puts the exporter together. Loaded only when a collector is configured, and with it everything that it needs. */
import { createExporter, type Exporter, type SpanPage } from "../../adapters/otlp/exporter.ts";
import { createPoster } from "../../adapters/otlp/post.ts";
import type { StateFile } from "../../adapters/files/state-file.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import type { Journal } from "../../kernel/kernel.ts";
import type { Chance, Log, Redactor } from "../../kernel/ports.ts";
import { createLookBack } from "./look-back.ts";
import type { TraceMark } from "./mark.ts";
import { spanKinds, spanOf } from "./spans.ts";

/** An event holds up to 64 KiB of a result; a page of them is parsed within milliseconds. */
const pageEvents = 32;
/** Positions looked through at once for events that end something; there may be none among them. */
const windowEvents = 4096;
const tracesPath = "/v1/traces";

export interface ExportOptions {
  /** Address of the collector, to which the path for traces is added unless it is there. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly version: string;
  readonly node: string;
  readonly journal: Pick<Journal, "read" | "headSeq">;
  readonly chance: Pick<Chance, "random">;
  readonly log: Log;
  readonly redactor: Redactor;
  readonly marks: StateFile<TraceMark>;
}

export async function openExport(options: ExportOptions): Promise<Exporter> {
  const { journal, version, headers, marks } = options;
  const url = tracesUrl(options.endpoint);
  const startSeq = await startSeqOf(options);
  return createExporter({
    address: url.host,
    origin: {
      resource: {
        "service.name": options.serviceName,
        "service.version": version,
        "service.instance.id": options.node,
      },
      scope: { name: "arw", version },
    },
    clock: systemClock,
    chance: options.chance,
    log: options.log,
    redactor: options.redactor,
    source: { headSeq: () => journal.headSeq(), page: createSpanPages(journal) },
    poster: createPoster({ url: url.href, headers: { "user-agent": `arw/${version}`, ...headers } }),
    startSeq,
    save: (seq) => marks.write({ seq, id: idAt(journal, seq) }),
  });
}

export function tracesUrl(endpoint: string): URL {
  const url = new URL(endpoint);
  const path = url.pathname.replace(/\/+$/u, "");
  url.pathname = path.endsWith(tracesPath) ? path : `${path}${tracesPath}`;
  return url;
}

export function createSpanPages(journal: Pick<Journal, "read" | "headSeq">): (afterSeq: number) => SpanPage {
  const look = createLookBack(journal.read);
  return (afterSeq) => {
    const toSeq = Math.min(journal.headSeq(), afterSeq + windowEvents);
    const events = journal.read({ afterSeq, toSeq, kinds: spanKinds, limit: pageEvents });
    const spans = events.flatMap((event) => {
      const span = spanOf(event, look);
      return span === null ? [] : [{ seq: event.seq, span }];
    });
    const seq = events.length < pageEvents ? toSeq : (events.at(-1)?.seq ?? toSeq);
    return { spans, lost: events.length - spans.length, seq };
  };
}

/** Where the last start stopped. Without that, or when the journal is another one by now, what comes from now on. */
async function startSeqOf({ marks, journal, log }: ExportOptions): Promise<number> {
  const mark = await marks.read();
  if (mark !== null && idAt(journal, mark.seq) === mark.id) return mark.seq;
  if (mark !== null)
    log.warn("traces go on from here: the journal is not the one that was exported", { seq: mark.seq });
  const seq = journal.headSeq();
  await marks.write({ seq, id: idAt(journal, seq) });
  return seq;
}

/** Empty before the first event. */
const idAt = (journal: Pick<Journal, "read">, seq: number): string =>
  seq === 0 ? "" : (journal.read({ afterSeq: seq - 1, toSeq: seq, limit: 1 })[0]?.id ?? "gone");
