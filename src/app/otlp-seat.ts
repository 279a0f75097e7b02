/** The hub's traces, if the configuration names a collector for them; health and metrics ask here. */
import { join } from "node:path";
import type { Exporter, ExporterStatus } from "../adapters/otlp/exporter.ts";
import type { StateFiles } from "../adapters/files/state-file.ts";
import type { Redactor } from "../base/redact.ts";
import type { StartedKernel } from "../kernel/create-kernel.ts";
import type { Chance, Denial, Log } from "../kernel/ports.ts";
import type { LoadedConfig } from "./config/load.ts";
import { headersOf } from "./traces/headers.ts";
import { traceMarkCodec } from "./traces/mark.ts";

export interface OtlpSeat extends AsyncDisposable {
  /** Begins to send, when a collector is named. After the kernel has started. */
  open(kernel: StartedKernel): Promise<void>;
  status(): ExporterStatus | null;
  checks(): readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

interface OtlpSeatOptions {
  readonly config: LoadedConfig;
  /** As the environment gives them; they are secrets. */
  readonly headers: string | undefined;
  readonly version: string;
  readonly node: string;
  readonly files: StateFiles;
  readonly chance: Pick<Chance, "random">;
  readonly log: Log;
  readonly redactor: Redactor;
}

/** A deny rule over this key, such as `io:egress:*`, keeps traces on this machine whatever else is configured. */
const gateKey = "io:egress:otlp";

export function createOtlpSeat(options: OtlpSeatOptions): OtlpSeat {
  const { config, log, redactor, files } = options;
  const { otlp, state } = config.values;
  let denied: () => Denial | null = () => null;
  let exporter: Exporter | null = null;
  let stopListening: (() => void) | null = null;
  return {
    async open({ journal, bus, parts }) {
      if (otlp.endpoint === "") return;
      denied = () => parts.gate.check(gateKey, null);
      // Nothing is loaded for what may not be sent; once the rule is gone, the next start sends.
      if (denied() !== null) return;
      const { headers, faults } = headersOf(options.headers ?? "");
      for (const fault of faults) log.warn("a header for the collector is left out", { fault });
      redactor.add(Object.values(headers).flatMap((value) => [value, ...value.split(" ")]));
      const { openExport } = await import("./traces/export.ts");
      const opened = await openExport({
        ...options,
        ...otlp,
        headers,
        journal,
        marks: files.open({ path: join(state.dir, "otlp.json"), codec: traceMarkCodec(), keepsBackup: false }),
      });
      exporter = opened;
      stopListening = bus.listen([], ({ seq }) => {
        if (seq > 0 && denied() === null) opened.wake();
      });
    },
    status: () => exporter?.status() ?? null,
    checks() {
      const denial = denied();
      if (denial !== null) return [{ name: "otlp", ok: true, detail: `no traces: ${denial.rule} denies ${gateKey}` }];
      const status = exporter?.status();
      return status === undefined ? [] : [{ name: "otlp", ok: status.isWell, detail: status.detail }];
    },
    async [Symbol.asyncDispose]() {
      stopListening?.();
      await exporter?.[Symbol.asyncDispose]();
    },
  };
}
