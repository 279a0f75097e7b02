/** Takes the picture of the README: `node web/dev/screenshots.ts`. A real hub, a real run, a real browser. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findChromium } from "../../test/chromium.ts";
import { buildWeb, launch, repository, signIn, startHub, type Started, visit } from "../../test/story/web-journey.ts";

const picture = join(repository, "docs", "images", "episode.png");
const sizeBytesMax = 200_000;

async function takePicture(): Promise<void> {
  const chromium = findChromium();
  assert.ok(chromium, "no Chromium found: install one, or set ARW_CHROMIUM to its path");
  buildWeb();
  // A name that reads well in the picture; it must be free.
  const folder = join(tmpdir(), "garden-notes");
  mkdirSync(folder);
  await using hub = await startHub();
  const browser = await launch(chromium);
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
    mkdirSync(join(picture, ".."), { recursive: true });
    await page.screenshot({ path: picture });
    assert.ok(statSync(picture).size <= sizeBytesMax, "the picture is too large for a README");
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

await takePicture();
