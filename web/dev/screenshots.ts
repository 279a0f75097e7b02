/** Takes the pictures of the README and the guides: `node web/dev/screenshots.ts`. A real hub, a real run, a real browser. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { findChromium } from "../../test/chromium.ts";
import { buildWeb, launch, repository, signIn, startHub, type Started, visit } from "../../test/story/web-journey.ts";

const pictures = join(repository, "docs", "images");
const sizeBytesMax = 200_000;
const runsAtOnce = 8;

async function takePictures(): Promise<void> {
  const chromium = findChromium();
  assert.ok(chromium, "no Chromium found: install one, or set ARW_CHROMIUM to its path");
  buildWeb();
  mkdirSync(pictures, { recursive: true });
  const browser = await launch(chromium);
  try {
    await takeEpisode(browser);
    await takeEvents(browser);
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

async function take(page: Page, name: string): Promise<void> {
  const path = join(pictures, name);
  await page.screenshot({ path });
  assert.ok(statSync(path).size <= sizeBytesMax, "the picture is too large for a document");
}

await takePictures();
