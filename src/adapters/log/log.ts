/** Structured log lines into a file of the state directory, with secrets cut out before they are written. */
import { renameSync, statSync } from "node:fs";
import { pino } from "pino";
import type { Log, Redactor } from "../../kernel/ports.ts";

/** A log above this is put aside at the next start; one older one is kept. */
const fileBytesMax = 10_000_000;

export interface FileLog extends Log {
  flush(): void;
}

export function createFileLog(options: {
  readonly path: string;
  readonly level: string;
  readonly redactor: Redactor;
}): FileLog {
  const { path, redactor } = options;
  putAside(path);
  const logger = pino(
    { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: path, sync: true, mkdir: true, mode: 0o600 }),
  );
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
