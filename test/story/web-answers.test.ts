/** Journeys through the answers to a question and the leases that come of them, against a real hub in a real browser. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { requireChromium } from "../chromium.ts";
import {
  axeViolations,
  closeStage,
  comesTrue,
  openStage,
  briefSample,
  type Hub,
  sidewaysScroll,
  signIn,
  visit,
} from "./web-journey.ts";

let hub: Hub;
let browser: Browser;

beforeAll(async () => {
  ({ hub, browser } = await openStage());
});
afterAll(() => closeStage({ hub, browser }));

/** Opens the episode of a run that waits, and the further answers to its question by keys alone. */
async function openAnswers(page: Page): Promise<{ id: string; card: Locator; panel: Locator }> {
  const id = await briefSample(hub);
  await page.goto(`${hub.url}/ui/episodes/${id}`);
  const card = page.locator("main [data-approval]");
  await card.focus();
  await page.keyboard.press(".");
  const panel = card.getByRole("group", { name: "More answers" });
  await panel.waitFor();
  return { id, card, panel };
}

const folderOf = async (card: Locator): Promise<string> => {
  const on = await card.getByRole("definition").filter({ hasText: "brief.md" }).first().innerText();
  return on.slice(0, -"/brief.md".length);
};

test("a question says what would be done, why it is asked, and what it was built from", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  const id = await briefSample(hub);
  await page.goto(`${hub.url}/ui/episodes/${id}`);
  const card = page.locator("main [data-approval]");
  for (const text of [
    "Changes something; can be undone. What was there before is kept.",
    "writes files in folders that you grant",
    "your words, files, and tools",
    "an agent asks before it changes anything",
  ])
    await card.getByText(text, { exact: true }).waitFor();
  await card.getByText(/^ask-before-change \(default policies:\d+\)$/u).waitFor();
  await card.getByText(/\d\d:\d\d:\d\d, \d+\u00a0min \d+\u00a0s left$/u).waitFor();
  await card.getByText("What it was built from").click();
  const sources = card.getByRole("list", { name: "What the call was built from" });
  const outline = sources.getByRole("listitem").filter({ hasText: "text.outline" });
  await outline.getByRole("button", { name: /^Declassify step \d+/u }).click();
  const form = outline.getByRole("form", { name: /^Declassify step/u });
  assert.deepEqual(await axeViolations(page), []);
  await page.keyboard.type("I wrote these notes");
  await form.getByRole("button", { name: "Declassify this value" }).press("Enter");
  await outline.getByText("declassified", { exact: true }).waitFor();
  await page.goto(`${hub.url}/ui/policy?view=agents`);
  const ledger = page.getByRole("list", { name: "Declassified values" }).getByRole("listitem");
  for (const text of ["I wrote these notes", "text.outline", "by person:admin"])
    await ledger.getByText(text, { exact: true }).waitFor();
  assert.deepEqual(await axeViolations(page), []);
  // What waits in the same folder would be let pass by a later answer.
  await page.goto(`${hub.url}/ui/episodes/${id}`);
  await card.getByRole("button", { name: "Deny" }).click();
  await page.locator("main header [data-status=finished]").waitFor();
  assert.deepEqual(visited.faults, []);
});

test("edited arguments are shown as a change before they are sent, and the file has the edited text", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  const { card, panel } = await openAnswers(page);
  const folder = await folderOf(card);
  await panel.getByRole("radio", { name: "Edit arguments" }).click();
  const send = panel.getByRole("button", { name: "Allow with these arguments" });
  assert.equal(await send.isDisabled(), true, "nothing is changed yet");
  await panel.getByLabel("path", { exact: true }).fill("edited.md");
  const text = panel.getByLabel("text", { exact: true });
  const before = await text.inputValue();
  assert.match(before, /^# Brief of garden-notes\n/u, "the whole text is there to be edited");
  await text.fill(`One line of mine.\n${before}`);
  const changes = panel.getByRole("region", { name: "What you change" });
  await changes.getByText("edited.md", { exact: true }).waitFor();
  await changes.getByText("One line of mine.", { exact: true }).waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await send.press("Enter");
  await page.locator("main header [data-status=finished]").waitFor();
  const story = page.getByRole("list", { name: "Story" });
  await story.getByText("Allowed once, with changed arguments").waitFor();
  await story.getByText("What was changed").click();
  assert.equal(readFileSync(join(folder, "edited.md"), "utf8"), `One line of mine.\n${before}`);
  assert.equal(existsSync(join(folder, "brief.md")), false);
  assert.deepEqual(visited.faults, []);
});

test("a no with a reason is told to the agent and kept", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  const { panel } = await openAnswers(page);
  await panel.getByRole("radio", { name: "Deny with a reason" }).click();
  await panel.getByLabel("Reason").fill("not into this folder");
  await page.keyboard.press("Enter");
  await page.locator("main header [data-status=finished]").waitFor();
  const story = page.getByRole("list", { name: "Story" });
  await story.getByText("not into this folder", { exact: true }).waitFor();
  assert.deepEqual(visited.faults, []);
});

test("the panel opens and closes by keys, and the focus goes back to where it came from", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser, { viewport: { width: 320, height: 720 } });
  const { page } = visited;
  await signIn(page, hub);
  const { card, panel } = await openAnswers(page);
  // Focus moves when the page has rendered, which may be a moment after what it shows.
  const focusIsOn = (start: string) =>
    comesTrue(
      page,
      `(document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '').startsWith(${JSON.stringify(start)})`,
    );
  await focusIsOn("More answers");
  assert.deepEqual(await sidewaysScroll(page), []);
  assert.deepEqual(await axeViolations(page), []);
  const yes = card.getByRole("button", { name: "Allow once" });
  assert.equal(await yes.count(), 0, "a plain yes does not stand beside changed arguments");
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
  await yes.waitFor();
  await focusIsOn("More answers");
  await card.focus();
  await page.keyboard.press("d");
  await page.locator("main header [data-status=finished]").waitFor();
  // The answered card takes the place of the question a moment later, and the focus with it.
  await comesTrue(page, "document.activeElement?.dataset.thing === 'approval'");
  assert.deepEqual(visited.faults, []);
});

test("a lease is given by the form, covers in the tester, is taken back by one press and given anew", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await page.goto(`${hub.url}/ui/policy?view=leases`);
  await page.getByText("Nothing is permitted for a while.").waitFor();
  const form = page.getByRole("form", { name: "Give a lease" });
  const give = form.getByRole("button", { name: "Give lease" });
  await give.click();
  await form.getByText("Name a key, such as fs:write.").waitFor();
  await form.getByLabel("Key", { exact: true }).fill("fs.write");
  await form.getByText("Write a text file inside a folder", { exact: false }).waitFor();
  await form.getByLabel("Name", { exact: true }).fill("scout");
  await form.getByLabel("Lasts").fill("2h");
  await form.getByLabel("Why").fill("notes of today");
  await form.getByText("Narrow it", { exact: false }).click();
  await form.getByLabel("Folder").fill("/srv/notes");
  await form.getByRole("textbox", { name: "Calls" }).fill("3");
  await form.getByLabel("Amounts").fill("1 EUR");
  await give.click();
  await form.getByRole("alert").getByText("1 EUR", { exact: false }).waitFor();
  await form.getByLabel("Amounts").fill("5 MB written");
  assert.deepEqual(await axeViolations(page), []);
  await give.press("Enter");
  const row = page.getByRole("list", { name: "Leases" }).getByRole("listitem");
  await row.getByText(/^ends in 1\sh 59\smin$/u).waitFor();
  for (const text of ["fs:write", "for agent:scout", "/srv/notes", "3 of 3 calls left", "notes of today"])
    await row.getByText(text, { exact: true }).waitFor();
  await row.getByText("5\u00a0MB written left", { exact: true }).waitFor();

  const tested = page.getByRole("region", { name: "Answer" });
  const ask = async (): Promise<void> => {
    await page.goto(`${hub.url}/ui/policy?view=tester&operation=fs.write&caller=agent%3Ascout`);
    await page.getByRole("radio", { name: "JSON" }).click();
    await page.getByLabel("Input as JSON").fill('{"folder":"/srv/notes","path":"a.md","text":""}');
    await page.getByRole("button", { name: "Test", exact: true }).click();
    await tested.waitFor();
  };
  await ask();
  await tested.getByText("fs:write by agent:scout would be allowed.").waitFor();
  await tested.getByText("A lease lets it pass.").waitFor();
  await tested.getByRole("link", { name: "See the leases" }).click();

  await row.getByRole("button", { name: "Revoke fs:write for agent:scout" }).press("Enter");
  await page.getByRole("status").getByText("fs:write for agent:scout is taken back", { exact: false }).waitFor();
  await row.waitFor({ state: "detached" });
  // Focus moves when the page has rendered.
  await comesTrue(page, "Boolean(document.activeElement?.closest('[role=status]'))");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await form.getByLabel("Folder").and(page.locator("[value='/srv/notes']")).waitFor({ state: "attached" });
  assert.equal(await form.getByLabel("Key", { exact: true }).inputValue(), "fs:write");

  await ask();
  await tested.getByText("fs:write by agent:scout would wait for a person.").waitFor();
  await tested.getByText("arw lease grant fs:write --holder agent:scout", { exact: false }).waitFor();
  await tested.getByRole("button", { name: "Copy command" }).waitFor();
  assert.deepEqual(await axeViolations(page), []);
  assert.deepEqual(visited.faults, []);
});

test("allowed for 15 minutes in this folder, the next run writes without asking; taken back, it asks again", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  const { folder } = await hub.call<{ folder: string }>("/scout/sample", {});
  const brief = async (): Promise<void> => {
    const { corrId } = await hub.call<{ corrId: string }>("/scout/brief", { folder });
    await page.goto(`${hub.url}/ui/episodes/${corrId}`);
  };
  const card = page.locator("main [data-approval]");
  await brief();
  await card.focus();
  await page.keyboard.press(".");
  const panel = card.getByRole("group", { name: "More answers" });
  await panel.getByRole("radio", { name: "This folder" }).click();
  await panel.getByRole("radio", { name: "15 minutes" }).click();
  await panel.getByText(`Every fs.write in ${folder} by agent scout for 15 minutes.`, { exact: true }).waitFor();
  await panel.getByRole("button", { name: "Allow for longer" }).press("Enter");
  const status = page.locator("main header [data-status=finished]");
  await status.waitFor();
  const story = page.getByRole("list", { name: "Story" });
  await story.getByText("Allowed for longer", { exact: true }).waitFor();
  await story.getByText("by agent scout for 15 minutes", { exact: false }).waitFor();
  assert.deepEqual(await axeViolations(page), []);

  await brief();
  await status.waitFor();
  assert.equal(await page.locator("main [data-thing=approval]").count(), 0, "nobody was asked");

  await page.goto(`${hub.url}/ui/policy?view=leases`);
  const row = page.getByRole("list", { name: "Leases" }).getByRole("listitem").filter({ hasText: folder });
  await row.getByText("Given as an answer to a question.").waitFor();
  await row.getByRole("button", { name: "Revoke fs:write for agent:scout" }).press("Enter");
  await row.waitFor({ state: "detached" });
  await page.goto(`${hub.url}/ui/policy?view=approvals&answer=granted`);
  await page.getByRole("list", { name: "Answered" }).getByText("Allowed for longer", { exact: true }).first().waitFor();

  await brief();
  await card.waitFor();
  assert.deepEqual(visited.faults, []);
});
