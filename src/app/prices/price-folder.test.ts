import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "vitest";
import { isProblem } from "../../contract/problem.ts";
import { InvalidPrices } from "../../domains/budgets/contract.ts";
import { parsePrices, sinceOf } from "./parse-prices.ts";
import { openPriceFolder } from "./price-folder.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "arw-prices-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = (name: string, text: string) => writeFile(join(folder, name), text);
const table = (...lines: readonly string[]) =>
  ["[[price]]", 'model = "sage-1"', "inputUsdPerMillion = 1.25", "outputUsdPerMillion = 10", ...lines, ""].join("\n");

test("a list counts from midnight UTC of the day in its name, and each price knows its line", async () => {
  await write("2025-01-01.toml", table());
  await write("2025-02-01.toml", `# Dearer.\n${table('host = "api.example.org"', "cachedInputUsdPerMillion = 0.125")}`);
  await write("notes.md", "not a list");
  const { first, folder: told } = await openPriceFolder(folder);
  assert.equal(told, folder);
  assert.deepEqual(first, [
    {
      model: "sage-1",
      inputUsdPerMillion: 1.25,
      outputUsdPerMillion: 10,
      place: "prices/2025-01-01.toml:1",
      sinceMs: Date.UTC(2025, 0, 1),
    },
    {
      model: "sage-1",
      host: "api.example.org",
      inputUsdPerMillion: 1.25,
      outputUsdPerMillion: 10,
      cachedInputUsdPerMillion: 0.125,
      place: "prices/2025-02-01.toml:2",
      sinceMs: Date.UTC(2025, 1, 1),
    },
  ]);
  assert.deepEqual(["2025-02-29.toml", "2024-02-29.toml", "25-1-1.toml", "2025-13-01.toml"].map(sinceOf), [
    null,
    Date.UTC(2024, 1, 29),
    null,
    null,
  ]);
});

test("without a folder nothing has a price, and the template makes up none", async () => {
  await rm(folder, { recursive: true });
  const lists = await openPriceFolder(folder);
  assert.deepEqual(lists.first, []);
  assert.deepEqual(parsePrices(lists.template, "prices/x.toml", 0), { kind: "list", prices: [] });
});

test("every fault is told at once, with its line and what was meant", async () => {
  await write("2025-01-01.toml", table("input_usd_per_million = 2"));
  await write("2025-02-01.toml", table("cachedInputUsdPerMillion = 2"));
  await write("2025-03-01.toml", `${table()}${table()}`);
  await write(
    "2025-04-01.toml",
    "[[price]]\nmodel = 'a*b'\ninputUsdPerMillion = -1\noutputUsdPerMillion = 0.0000001\n",
  );
  await write("next-year.toml", table());
  const refused = await openPriceFolder(folder).catch((error: unknown) => error);
  assert.ok(isProblem(refused, InvalidPrices));
  const faults = (refused.extra["faults"] as string[]).join("\n");
  for (const told of [
    /^prices\/2025-01-01.toml:5: input_usd_per_million is not known\. Did you mean inputUsdPerMillion\?$/m,
    /^prices\/2025-02-01.toml:1: sage-1: cachedInputUsdPerMillion is more than inputUsdPerMillion/m,
    /^prices\/2025-03-01.toml:5: the price sage-1 is there already, at prices\/2025-03-01.toml:1$/m,
    /^prices\/2025-04-01.toml:2: model /m,
    /^prices\/2025-04-01.toml:3: inputUsdPerMillion /m,
    /^prices\/next-year.toml: its name is no day/m,
  ])
    assert.match(faults, told);
  const decimals = parsePrices(table().replace("1.25", "1.0000001"), "prices/x.toml", 0);
  assert.match(decimals.kind === "faults" ? (decimals.faults[0] ?? "") : "", /more than 6 decimals/);
});
