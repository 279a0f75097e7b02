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
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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
