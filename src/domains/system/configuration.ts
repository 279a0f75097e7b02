/** What the hub was configured to when: recorded at its start, and read for any position later. */
import { digestOf } from "../../base/canonical-json.ts";
import type { Context } from "../../contract/operation.ts";
import type { Journal } from "../../kernel/kernel.ts";
import type { Redactor } from "../../kernel/ports.ts";
import { ConfigApplied } from "./contract.ts";
import type { HubFacts } from "./port.ts";

interface Recording {
  readonly journal: Journal;
  readonly facts: Pick<HubFacts, "configuration" | "version">;
  readonly redactor: Redactor;
}

/** Says under which configuration the hub works, unless it is the one that was said last. */
export async function recordConfiguration(actor: Context, { journal, facts, redactor }: Recording): Promise<void> {
  const values = facts.configuration.map(({ key, value, source, from }) =>
    redactor.value({ key, value, source, from }),
  );
  const { version } = facts;
  const digest = digestOf({ version, values });
  const [last] = journal.read({ kinds: [ConfigApplied.kind], order: "desc", limit: 1 });
  if ((last?.data as { digest?: string } | null)?.digest === digest) return;
  await actor.emit(ConfigApplied, { version, digest, values });
}
