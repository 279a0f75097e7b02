import type { Domain } from "../../contract/domain.ts";
import { bind } from "../../contract/operation.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { About, ConfigApplied, Healthz, Metrics, ShowConfig, Shutdown, Stats, Version } from "./contract.ts";
import type { HubFacts } from "./port.ts";
import { configurations } from "./views.ts";

const service = "arw";

export const createSystem = ({ parts, facts }: { readonly parts: KernelParts; readonly facts: HubFacts }): Domain => ({
  name: "system",
  families: ["config", "system"],
  operations: [
    bind(Healthz, async () => {
      const checks = await facts.checks();
      return { ok: checks.every((each) => each.ok), checks: [...checks] };
    }),
    bind(Version, () => ({ service, version: facts.version })),
    bind(About, () => ({
      service,
      version: facts.version,
      bootId: facts.bootId,
      startedAtMs: facts.startedAtMs,
      node: facts.node,
      docs: "/spec/openapi.yaml",
      tableHash: parts.kernel.table.hash,
      endpoints: [...parts.kernel.table.operations.values()].map((each) => each.operation.http).toSorted(),
    })),
    bind(Metrics, () => facts.metrics()),
    bind(Stats, () => facts.stats()),
    bind(ShowConfig, ({ sources }) => ({
      values: facts.configuration.map(({ key, value, source, from }) => ({
        key,
        value,
        ...(sources === true ? { source, from } : {}),
      })),
    })),
    bind(Shutdown, (_input, ctx) => {
      facts.stop(`asked by ${ctx.caller.kind}:${ctx.caller.id}`);
      return { stopping: true };
    }),
  ],
  events: [ConfigApplied],
  views: [configurations],
});
