/** Journeys through budgets: ceilings with their soft limits, and the prices that money is counted by. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { parseAllowance } from "../../src/domains/budgets/syntax.ts";
import { meaningOf } from "../../web/src/rooms/policy/allowance-words.ts";
import { requireChromium } from "../chromium.ts";
import { until } from "./kit/until.ts";
import { axeViolations, closeStage, openStage, briefSample, type Hub, signIn, visit } from "./web-journey.ts";

let hub: Hub;
let browser: Browser;

beforeAll(async () => {
  ({ hub, browser } = await openStage());
});
afterAll(() => closeStage({ hub, browser }));

/** Opens the budgets and waits until all of them are there. */
async function open(page: Page): Promise<void> {
  await page.goto(`${hub.url}/ui/policy?view=budgets`);
  await page.locator("main h1").waitFor();
  await page.locator("[data-phase=live]").waitFor();
  await page.locator("main [aria-busy]").first().waitFor({ state: "detached" });
}

test("an allowance is added by its words, shown as a meter, and removed after a question", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await open(page);
  await page.getByText("No ceiling is set.").waitFor();
  const form = page.getByRole("form", { name: "Add an allowance" });
  const field = form.getByRole("textbox", { name: "Allowance" });
  await field.fill("5 MB written/run for agent:scout");
  await form.getByText("At most 5\u00a0MB written in each run for agent:scout.").waitFor();
  await field.fill("1 EUR/day");
  await field.press("Enter");
  await form.getByText("eur is no unit", { exact: false }).waitFor();
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  await field.fill("300 calls/day for agent:scout");
  await form.getByText("At most 300 calls a day for agent:scout.").waitFor();
  await field.press("Enter");
  const row = page.getByRole("list", { name: "Allowances" }).getByRole("listitem");
  await row.getByText("300 calls left").waitFor();
  await row.getByText("begins anew in", { exact: false }).waitFor();
  assert.equal(await row.getByRole("meter").getAttribute("aria-valuemax"), "300");
  // The event of the allowance may come before the answer to the press.
  await until("an empty field", async () => ((await field.inputValue()) === "" ? true : undefined));
  await briefSample(hub);
  await row.getByText(/^[1-9]\d* calls of 300 calls used$/u).waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await row.getByRole("button", { name: "Remove 300 calls/day for agent:scout" }).click();
  const dialog = page.getByRole("dialog", { name: "Remove 300 calls/day for agent:scout?" });
  await dialog.getByRole("button", { name: "Keep it" }).press("Enter");
  await dialog.waitFor({ state: "detached" });
  await row.getByRole("button", { name: "Remove 300 calls/day for agent:scout" }).click();
  await dialog.getByRole("button", { name: "Remove allowance" }).click();
  await page.getByText("No ceiling is set.").waitFor();
  assert.deepEqual(visited.faults, []);
});

test("a soft limit is told before the hard one, and prices say from which list they come", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await open(page);
  const form = page.getByRole("form", { name: "Add an allowance" });
  await form.getByText("Before it is used up").click();
  await form.getByRole("textbox", { name: "Allowance" }).fill("100 calls/month fs.* for agent:scout");
  await form.getByLabel("Soft limit, percent").fill("1");
  await form.getByRole("button", { name: "Add", exact: true }).click();
  const row = page.getByRole("list", { name: "Allowances" }).getByRole("listitem");
  await row.getByText("Says so once when 1% are used.").waitFor();
  await briefSample(hub);
  await row.getByText("near its limit").waitFor();
  await page.goto(`${hub.url}/ui`);
  await page.getByRole("link", { name: "1 ceiling is nearly used up" }).click();
  await row.getByText("near its limit").waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await row.getByRole("button", { name: /^Remove/u }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove allowance" }).click();
  // What is behind an open dialog takes no typing.
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await form.getByRole("textbox", { name: "Allowance" }).fill("1 USD/day");
  await form.getByText("Before it is used up").click();
  await form.getByLabel("A call of unknown price").selectOption({ label: "Let it pass uncounted" });
  await form.getByLabel("Above it").selectOption({ label: "Ask about every further call" });
  await form.getByLabel("Soft limit, percent").fill("50");
  await form.getByRole("button", { name: "Add", exact: true }).click();
  await row.getByText("Asks about every call above 50%.").waitFor();
  await row.getByText("Calls whose price nobody knows pass uncounted.").waitFor();

  await page.getByText("No price is listed.", { exact: false }).waitFor();
  await page.getByRole("button", { name: "Copy a list to fill in" }).waitFor();
  const folder = join(hub.stateDir, "prices");
  mkdirSync(folder, { recursive: true });
  const write = (text: string): void => writeFileSync(join(folder, "2026-01-01.toml"), text);
  const list = (price: string): string =>
    `[[price]]\nmodel = "small-7b"\ninputUsdPerMillion = ${price}\noutputUsdPerMillion = 2\n`;
  write(list("0.25"));
  const reload = page.getByRole("button", { name: "Read lists anew" });
  await reload.click();
  await page.getByRole("status").getByText("Read anew: 1 price is listed.").waitFor();
  const prices = page.getByRole("list", { name: "Prices of models" });
  assert.match(
    await prices.innerText(),
    /small-7b\s+prices\/2026-01-01\.toml:1\s+input 0\.25 USD\s+output 2 USD\s+cached input [^]*since/u,
  );
  await page.getByLabel("Model; all when empty").fill("big-70b");
  await page.getByRole("button", { name: "Look up" }).click();
  await prices.getByText("input unknown", { exact: true }).waitFor();
  write(list('"free"'));
  await reload.press("Enter");
  await page.getByRole("alert").getByText("The lists do not hold.", { exact: false }).waitFor();
  assert.deepEqual(await axeViolations(page), []);
  assert.deepEqual(visited.faults, []);
});

test("what an allowance being typed means is what the hub reads", () => {
  const texts = [
    "1 USD/day",
    "0.000001 USD / month",
    "20 calls/hour web.fetch",
    "1 call/minute fs.*",
    "5 MB written/run",
    "2.5 gb out/week for host:a.b:443",
    "30 minutes/day for project:garden",
    "100 tokens/run * for agent:scout",
    "1 USD",
    "1 EUR/day",
    "1 MB/day",
    "1 calls out/day",
    "x/day",
    "1 call/DAY",
    "1 call/day for nobody:x",
    "1 USD/day 7",
  ];
  for (const text of texts) {
    const [hubSays, pageSays] = [parseAllowance(text), meaningOf(text)];
    if ("fault" in hubSays) assert.equal(pageSays, undefined, text);
    else {
      const { subject, ...terms } = hubSays;
      assert.deepEqual(pageSays, { ...terms, ...(subject ? { subject: `${subject.kind}:${subject.id}` } : {}) }, text);
    }
  }
});
