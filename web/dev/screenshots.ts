/**
 * Takes the pictures of the README and the guides: `node web/dev/screenshots.ts`, or those of one kind, such as
 * `node web/dev/screenshots.ts chat`. A real hub, a real run, a real browser.
 */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { findChromium } from "../../test/chromium.ts";
import { type Said, scriptedModel, serveScript } from "../../test/kit/scripted-chat.ts";
import {
  briefSample,
  buildWeb,
  type Hub,
  launch,
  repository,
  signIn,
  startHub,
  type Started,
  visit,
} from "../../test/story/web-journey.ts";

const pictures = join(repository, "docs", "images");
const sizeBytesMax = 200_000;
const runsAtOnce = 8;

const takes = { episode: takeEpisode, events: takeEvents, chat: takeChat, "what-if": takeWhatIf } as const;

async function takePictures(only?: string): Promise<void> {
  const chromium = findChromium();
  assert.ok(chromium, "no Chromium found: install one, or set ARW_CHROMIUM to its path");
  buildWeb();
  mkdirSync(pictures, { recursive: true });
  const browser = await launch(chromium);
  try {
    for (const [name, takeKind] of Object.entries(takes))
      if (only === undefined || only === name) await takeKind(browser);
  } finally {
    await browser.close();
  }
}

async function takeEpisode(browser: Browser): Promise<void> {
  await using hub = await startHub();
  // A name that reads well in the picture; it must be free.
  const folder = join(tmpdir(), "garden-notes");
  mkdirSync(folder);
  try {
    const sample = await hub.call<{ folder: string }>("/scout/sample", {});
    cpSync(sample.folder, folder, { recursive: true });
    const { corrId } = await hub.call<Started>("/scout/brief", { folder });
    await using visited = await visit(browser, { viewport: { width: 1180, height: 1020 } });
    const { page } = visited;
    await signIn(page, hub);
    await page.goto(`${hub.url}/ui/episodes/${corrId}`);
    await page.locator("[data-approval]").waitFor();
    await page.getByRole("button", { name: "Go to the question" }).click();
    await page.getByRole("main").focus();
    await take(page, "episode.png");
    await takeAnswers(page);
    await page.goto(`${hub.url}/ui/policy?view=leases`);
    await hub.call("/leases", lease(folder));
    await hub.call("/egress/leases", { host: "example.org", ttl: "1h", agent: "scout", reason: "the weather of May" });
    await page.getByText("example.org", { exact: true }).waitFor();
    await page.setViewportSize({ width: 1180, height: 700 });
    await take(page, "leases.png");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const lease = (folder: string): object => ({
  capability: "fs:write",
  holder: "agent:scout",
  folder,
  ttl: "2h",
  uses: 5,
  budget: ["5 MB written"],
  reason: "notes of this evening",
});

/** What can be answered beside yes and no, with the panel in the middle of the picture. */
async function takeAnswers(page: Page): Promise<void> {
  const card = page.locator("[data-approval]");
  await card.focus();
  await page.keyboard.press(".");
  const panel = card.getByRole("group", { name: "More answers" });
  await panel.getByRole("radio", { name: "This folder" }).click();
  await panel.getByRole("radio", { name: "15 minutes" }).click();
  await page.setViewportSize({ width: 1180, height: 500 });
  await panel.getByRole("button", { name: "Allow for longer" }).scrollIntoViewIfNeeded();
  await page.getByRole("main").focus();
  await take(page, "answers.png");
}

/** Runs at once on a bus this small are more than the page can follow, so the stream has gaps; one of them is filled. */
async function takeEvents(browser: Browser): Promise<void> {
  await using hub = await startHub({ ARW_BUS_CAP: "3" });
  await using visited = await visit(browser, { viewport: { width: 1180, height: 760 } });
  const { page } = visited;
  await signIn(page, hub);
  await page.goto(`${hub.url}/ui/events?prefix=agents.,observations.,beliefs.,intents.,approvals.`);
  await page.locator("[data-phase=live]").waitFor();
  const { folder } = await hub.call<{ folder: string }>("/scout/sample", {});
  await Promise.all(Array.from({ length: runsAtOnce }, () => hub.call("/scout/brief", { folder })));
  await page.getByRole("contentinfo").getByText(`${runsAtOnce} need you`).waitFor();
  const load = page.getByRole("button", { name: "Load from journal" });
  await load.last().click();
  await page.locator("[data-thing=gap]").getByText("loaded from the journal").waitFor();
  await take(page, "events.png");
}

const helper = `about = "Helps in the garden."
instructions = "Keep the papers in order."
tools = ["fs.list", "fs.read", "fs.write"]
ask = ["fs.write"]
`;
const answered = "Beans and squash go out **after 12 May**, when the last frost is over (notes/frost.md:3).";

/** A conversation with an agent and a scripted model: an answer with its source, and a change that waits for its person. */
async function takeChat(browser: Browser): Promise<void> {
  const call = (name: string, given: object): Said => ({ calls: [{ name, arguments: given }] });
  await using model = await serveScript(({ messages, round }) => {
    const isPlan = messages.some(({ content }) => content.includes("Write it down"));
    if (isPlan) return call("fs_write", { path: "plan.md", text: "Beans and squash: after 12 May.\n" });
    return round === 0 ? call("fs_read", { path: "notes/frost.md" }) : { text: answered };
  });
  await using hub = await startHub();
  const folder = join(tmpdir(), "garden");
  mkdirSync(join(folder, ".arw", "agents"), { recursive: true });
  mkdirSync(join(folder, "notes"));
  try {
    writeFileSync(join(folder, ".arw", "agents", "helper.toml"), helper);
    writeFileSync(join(folder, "notes", "frost.md"), "# Frost\n\nThe last one comes about 12 May.\n");
    const { server, url, model: name } = scriptedModel(model);
    await put(hub, `/models/servers/${encodeURIComponent(server)}`, { url });
    await put(hub, "/models/roles/chat", { models: [name] });
    await hub.call("/projects", { project: "garden", folder });
    const begun = await hub.call<{ conversation: string }>("/chat/conversations", {
      project: "garden",
      agent: "helper@garden",
    });
    await using visited = await visit(browser, { viewport: { width: 1180, height: 1380 } });
    const { page } = visited;
    await signIn(page, hub);
    await page.goto(`${hub.url}/ui/chat?id=${begun.conversation}`);
    const field = page.getByRole("textbox", { name: "Message", exact: true });
    await field.fill("What should I plant in May?");
    await field.press("Enter");
    await page.locator("main [data-state=finished]").waitFor();
    await field.fill("Write it down");
    await field.press("Enter");
    await page.locator("main [data-approval]").waitFor();
    await page.getByText("waits for your answer").waitFor();
    await take(page, "chat.png");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const rule = 'forbid (principal is Agent, action == Action::"fs.write", resource);';

/** A run of Scout under a rule that was not there: what was and what would have been, side by side. */
async function takeWhatIf(browser: Browser): Promise<void> {
  await using hub = await startHub();
  const episode = await briefSample(hub);
  await using visited = await visit(browser, { viewport: { width: 1180, height: 1010 } });
  const { page } = visited;
  await signIn(page, hub);
  await page.goto(`${hub.url}/ui/episodes/${episode}`);
  await page.locator("[data-approval]").focus();
  await page.keyboard.press("a");
  await page.getByRole("link", { name: "What if" }).click();
  await page.getByRole("textbox", { name: /^Policies to add/u }).fill(rule);
  await page.getByRole("button", { name: "What if", exact: true }).click();
  await page.locator("main [data-thing=difference]").waitFor();
  await page.getByRole("main").focus();
  await page.getByRole("heading", { name: "What would have come of it" }).scrollIntoViewIfNeeded();
  await take(page, "what-if.png");
}

async function put(hub: Hub, path: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${hub.token}`, "content-type": "application/json" };
  const response = await fetch(`${hub.url}${path}`, { method: "PUT", headers, body: JSON.stringify(body) });
  assert.ok(response.ok, `${path} answered ${response.status}`);
}

async function take(page: Page, name: string): Promise<void> {
  const path = join(pictures, name);
  await page.screenshot({ path });
  assert.ok(statSync(path).size <= sizeBytesMax, "the picture is too large for a document");
}

await takePictures(process.argv[2]);
