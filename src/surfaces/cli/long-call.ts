/** A call that may take long: once it has taken a moment, a terminal shows how far it is. */
import { formatDurationMs } from "../../base/units.ts";
import type { Pen } from "./pen.ts";
import type { CallResult, CliParts, Input, Presentation, Terminal, Transport } from "./port.ts";
import { createScreen, type Screen } from "./screen.ts";

/** Quicker calls are answered before anybody has read how far they are. */
const quietMs = 1_000;

export interface LongCall {
  readonly transport: Transport;
  readonly terminal: Terminal;
  readonly presentation: Pick<Presentation, "progress" | "follow">;
  readonly wait: CliParts["wait"];
  readonly pen: Pen;
  readonly signal: AbortSignal;
  readonly isJson: boolean;
}

/** The answer is the same, whether or not anything could be told. */
export async function callTelling(operationId: string, input: Input, calling: LongCall): Promise<CallResult> {
  const { transport, terminal, presentation, signal, isJson } = calling;
  const progress = presentation.progress?.[operationId];
  if (progress === undefined || isJson || !terminal.isTty) return await transport.call(operationId, input, signal);
  const over = new AbortController();
  const screen = createScreen(terminal);
  const telling = { ...calling, signal: AbortSignal.any([signal, over.signal]) };
  tell({ ...progress, input, screen }, telling).catch(() => undefined);
  try {
    return await transport.call(operationId, input, signal);
  } finally {
    over.abort();
    screen.hold();
  }
}

interface Told {
  readonly kind: string;
  readonly subject: string;
  readonly input: Input;
  readonly screen: Screen;
}

/** What is told names its subject as the call did: others may have asked for the same kind of work. */
async function tell(told: Told, { transport, presentation, wait, pen, signal }: LongCall): Promise<void> {
  const { kind, subject, input, screen } = told;
  await wait(quietMs, signal);
  const names = new Set(Object.values(input));
  for await (const item of transport.stream(presentation.follow.events, { prefix: [kind] }, signal)) {
    const { kind: found, data } = item as { readonly kind: string; readonly data: Readonly<Record<string, unknown>> };
    if (found === kind && names.has(data[subject])) showProgress(data, { screen, pen });
  }
}

/** `reading: 12000/50000 events, about 3 s left`. */
export function showProgress(
  { phase, done, total, unit, etaMs }: Readonly<Record<string, unknown>>,
  { screen, pen }: { readonly screen: Screen; readonly pen: Pen },
): void {
  const part = typeof total === "number" ? `${String(done)}/${total}` : String(done);
  const left = typeof etaMs === "number" && etaMs > 0 ? `, about ${formatDurationMs(etaMs)} left` : "";
  const tenth =
    typeof total === "number" && total > 0 && typeof done === "number" ? Math.floor((done / total) * 10) : 0;
  const text = pen.line(`${String(phase)}: ${part} ${String(unit)}${left}`);
  screen.progress(pen.paint("cyan", text), `${String(phase)} ${tenth}`);
}
