/** A conversation with an agent of a project and its model: what streams by, what it asks, what it may show, what it costs. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { requireChromium } from "../chromium.ts";
import type { ModelServer } from "../kit/model-server.ts";
import { type Heard, type Said, scriptedModel, serveScript } from "../kit/scripted-chat.ts";
import { axeViolations, closeStage, comesTrue, type Hub, openStage, signIn, visit } from "./web-journey.ts";

let hub: Hub;
let browser: Browser;
let server: ModelServer;
let script: (heard: Heard) => Said | Promise<Said> = () => ({ text: "Nothing to do." });

const profile = `about = "Helps in the garden."
instructions = "Keep the papers in order."
tools = ["fs.list", "fs.read", "fs.write", "questions.ask"]
ask = ["fs.write"]
`;

async function put(path: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${hub.token}`, "content-type": "application/json" };
  const response = await fetch(`${hub.url}${path}`, { method: "PUT", headers, body: JSON.stringify(body) });
  assert.ok(response.ok, await response.text());
}

beforeAll(async () => {
  ({ hub, browser } = await openStage());
  if (hub === undefined) return;
  server = await serveScript((heard) => script(heard));
  const model = scriptedModel(server);
  await put(`/models/servers/${encodeURIComponent(model.server)}`, { url: model.url });
  await put("/models/roles/chat", { models: [model.model] });
  const folder = join(hub.stateDir, "..", "garden");
  mkdirSync(join(folder, ".arw", "agents"), { recursive: true });
  writeFileSync(join(folder, ".arw", "agents", "helper.toml"), profile);
  writeFileSync(join(folder, "beds.md"), "# Beds\n\nWater the beans.\n");
  await hub.call("/projects", { project: "garden", folder });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await closeStage({ hub, browser });
});

const call = (name: string, given: unknown): Said => ({ calls: [{ name, arguments: given }] });
const message = (page: Page): Locator => page.getByRole("textbox", { name: "Message", exact: true });
const answers = (page: Page, state = "finished"): Locator => page.locator(`main [data-state=${state}]`);

async function begin(page: Page): Promise<string> {
  const { conversation } = await hub.call<{ conversation: string }>("/chat/conversations", {
    project: "garden",
    agent: "helper@garden",
  });
  await page.goto(`${hub.url}/ui/chat?id=${conversation}`);
  await page.locator("[data-phase=live]").waitFor();
  await message(page).waitFor();
  return conversation;
}

async function say(page: Page, text: string): Promise<void> {
  await message(page).fill(text);
  await message(page).press("Enter");
}

test("a question of the agent is answered in place and on Home, and a change waits under its step", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  const id = await begin(page);
  script = ({ round, messages }) =>
    [
      call("questions_ask", { question: "Which bed first?", options: ["The north bed", "The south bed"] }),
      call("fs_write", { path: "plan.md", text: "north\n" }),
      { text: `Written. You said: ${JSON.stringify(messages).includes("The north bed") ? "the north bed" : "?"}` },
    ][round] ?? {};
  await say(page, "Plan the beds");
  const running = answers(page, "running");
  const question = running.locator("[data-question]");
  await question.getByText("Which bed first?").waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await page.goto(`${hub.url}/ui`);
  const needs = page.getByRole("region", { name: /^Needs you/u });
  await needs.getByText("helper@garden asks you").waitFor();
  await page.getByRole("link", { name: /Home/u }).getByText("1 needs you").waitFor({ state: "attached" });
  assert.deepEqual(await axeViolations(page), []);
  await page.goto(`${hub.url}/ui/chat?id=${id}`);
  await question.getByRole("button", { name: "The north bed" }).press("Enter");
  const card = running.locator("[data-approval]");
  await card.waitFor();
  await card.focus();
  await page.keyboard.press("a");
  await answers(page).getByText("Written. You said: the north bed").waitFor();
  await answers(page).getByText("Allowed once").waitFor();
  assert.deepEqual(visited.faults, []);
});

const hostile = [
  "# Watering",
  "Water the **beans** by *noon*, see beds.md:3.",
  "<img src=x onerror=alert(1)><script>alert(1)</script>",
  "![beds](https://pictures.example/x.png) and [more](https://example.org/a) or [this](javascript:alert(1))",
  "```ts\nconst beans = 1;\n```",
  "| bed | water |\n|---|---|\n| north | 2 l |",
].join("\n\n");

test("what a model says becomes elements: no HTML, no picture, each link with its host; sources open the file", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await begin(page);
  script = ({ round }) => (round === 0 ? call("fs_read", { path: "beds.md" }) : { text: hostile });
  await say(page, "When to water?");
  const answer = answers(page);
  await answer.getByRole("heading", { name: "Watering" }).waitFor();
  await answer.locator("strong", { hasText: "beans" }).waitFor();
  await answer.getByText("<img src=x onerror=alert(1)>", { exact: false }).waitFor();
  await answer.getByText("[picture from pictures.example, not loaded]").waitFor();
  assert.equal(await answer.locator("img, script, iframe").count(), 0);
  const link = answer.getByRole("link", { name: "more (example.org)" });
  assert.equal(await link.getAttribute("rel"), "noreferrer noopener");
  assert.equal(await answer.locator("a[href^=javascript]").count(), 0);
  await answer.getByRole("cell", { name: "2 l" }).waitFor();
  await answer.getByText(/tokens in, .* out$/u).waitFor();
  await answer.getByRole("button", { name: "[1] beds.md:3" }).click();
  const dialog = page.getByRole("dialog", { name: "beds.md:3" });
  await dialog.getByText("Water the beans.").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(await axeViolations(page), []);
  assert.deepEqual(visited.faults, []);
});

test("before it is sent, the worst case of a call and what goes in are told; while it comes, who scrolls up stays there", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser, { viewport: { width: 1440, height: 600 } });
  const { page } = visited;
  await signIn(page, hub);
  await begin(page);
  await message(page).fill("Tell me everything about beans");
  await page.getByText(/^One call of .* takes at most [\d,]+ tokens in and [\d,]+ out, on this machine\.$/u).waitFor();
  await page.getByRole("button", { name: "What goes in" }).click();
  const panel = page.getByRole("region", { name: "What the model would be given" });
  await panel.getByText("Instructions", { exact: true }).waitFor();
  await panel.getByText(/^Tools: .*fs_read/u).waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await panel.getByRole("button", { name: "Close" }).click();

  const held = Promise.withResolvers<void>();
  const long = Array.from({ length: 60 }, (_each, index) => `Line ${index} about beans.`).join("\n\n");
  script = async ({ round }) => {
    if (round === 0) return { ...call("fs_read", { path: "beds.md" }), text: long };
    await held.promise;
    return { text: `${long}\n\nThe very end.` };
  };
  await message(page).press("Enter");
  const log = page.getByRole("region", { name: "Conversation", exact: true });
  await log.getByText("Line 59 about beans.").waitFor();
  await comesTrue(
    page,
    "(() => { const log = document.querySelector('[aria-label=Conversation]'); return log.scrollTop + log.clientHeight > log.scrollHeight - 41 })()",
  );
  await page.evaluate("document.querySelector('[aria-label=Conversation]').scrollTop = 0");
  await message(page).fill("a draft while it comes");
  held.resolve();
  await log.getByText("The very end.").waitFor({ state: "attached" });
  await page.getByRole("button", { name: "To the newest" }).waitFor();
  assert.equal(await page.evaluate("document.querySelector('[aria-label=Conversation]').scrollTop"), 0);
  assert.equal(await message(page).inputValue(), "a draft while it comes");
  await page.getByRole("button", { name: "To the newest" }).click();
  await page.getByRole("button", { name: "To the newest" }).waitFor({ state: "detached" });
  assert.deepEqual(visited.faults, []);
});

test("a time that was missed waits on Home, where it is made up or let go", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  // Nobody waits here until a time has passed, so the hub's list is given a row, and what is pressed is listened to.
  const missed = { dueMs: [Date.now() - 60_000], count: 1, reason: "The hub was not running." };
  const row = { name: "digest", words: "every day", what: "recipe digest", state: "missed", missed };
  let rows: readonly object[] = [row];
  await page.route("**/schedules", (route) => route.fulfill({ json: { schedules: rows } }));
  const pressed: string[] = [];
  await page.route("**/schedules/digest/*", (route) => {
    pressed.push(new URL(route.request().url()).pathname);
    rows = [];
    return route.fulfill({ json: row });
  });
  await page.goto(`${hub.url}/ui`);
  const card = page.getByRole("group", { name: "Missed: digest" });
  await card.getByText("digest missed 1 time").waitFor();
  await card.getByText("The hub was not running.", { exact: false }).waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await card.getByRole("button", { name: "Run it now" }).click();
  await card.waitFor({ state: "detached" });
  assert.deepEqual(pressed, ["/schedules/digest/run"]);
  assert.deepEqual(visited.faults, []);
});
