/** Structured log lines into a file of the state directory, with secrets cut out before they are written. */
import { renameSync, statSync } from "node:fs";
import { pino } from "pino";
import type { Log, Redactor } from "../../kernel/ports.ts";
import type { Sealer } from "../sealed-state/sealer.ts";
import { places, sealLine } from "../sealed-state/sealed-text.ts";

/** A log above this is put aside at the next start; one older one is kept. */
const fileBytesMax = 10_000_000;

export interface FileLog extends Log {
  flush(): void;
}

export function createFileLog(options: {
  readonly path: string;
  readonly level: string;
  readonly redactor: Redactor;
  readonly sealer?: Sealer | null;
}): FileLog {
  const { path, redactor, sealer = null } = options;
  putAside(path);
  const file = pino.destination({ dest: path, sync: true, mkdir: true, mode: 0o600 });
  // Faults are told in words that may quote what was at fault.
  const sealed = sealer && {
    write: (line: string) => file.write(`${sealLine(sealer, line.trimEnd(), places.logLine)}\n`),
  };
  const logger = pino({ level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, sealed ?? file);
  const write =
    (level: "info" | "warn" | "error") =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
      logger[level](redactor.value(fields), redactor.text(message));
  return { info: write("info"), warn: write("warn"), error: write("error"), flush: () => logger.flush() };
}

function putAside(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > fileBytesMax) renameSync(path, `${path}.1`);
}
