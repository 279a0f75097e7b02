import assert from "node:assert/strict";
import { test } from "vitest";
import { openJournal } from "../../../test/kit/journal.ts";
import { createRedactor } from "../../base/redact.ts";
import type { Context } from "../../contract/operation.ts";
import { recordConfiguration } from "./configuration.ts";
import type { HubFacts } from "./port.ts";
import { configurations } from "./views.ts";

const secret = "correct-horse-battery-staple-42";

test("a configuration is told when it differs from the one before, with its sources and without its secrets", async () => {
  const { journal, views, emit } = openJournal([configurations]);
  const actor = { emit } as unknown as Context;
  const redactor = createRedactor({ secrets: [secret] });
  const apply = (configuration: HubFacts["configuration"], version = "1.0.0"): Promise<void> =>
    recordConfiguration(actor, { journal, redactor, facts: { configuration, version } });
  const port = { key: "server.port", value: 8090, source: "default", from: "built in" } as const;
  const headers = { key: "otlp.headers", value: [`x-key=${secret}`], source: "environment", from: "ARW_X" } as const;
  await apply([port, headers]);
  await apply([port, headers]);
  await apply([{ ...port, value: 8091, source: "flag", from: "--port" }, headers]);
  await apply([{ ...port, value: 8091, source: "flag", from: "--port" }, headers], "1.0.1");
  await apply([port, headers]);
  const rows = views.list(configurations, { limit: 10 }).rows.map(({ row }) => row);
  assert.deepEqual(
    rows.map(({ seq, version, values }) => [seq, version, values[0]?.value, values[0]?.from]),
    [
      [4, "1.0.0", 8090, "built in"],
      [3, "1.0.1", 8091, "--port"],
      [2, "1.0.0", 8091, "--port"],
      [1, "1.0.0", 8090, "built in"],
    ],
  );
  assert.ok(!JSON.stringify(rows).includes(secret));
  assert.equal(rows[0]?.values[1]?.from, "ARW_X");
});
