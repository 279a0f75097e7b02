/** Journeys through conversations: what a person says, what the agent does for its answer, and what can be done with both. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { requireChromium } from "../chromium.ts";
import { until } from "./kit/until.ts";
import {
  axeViolations,
  closeStage,
  type Hub,
  makeNarrow,
  openStage,
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

interface Begun {
  readonly conversation: string;
}

/** A conversation about a sample of its own. */
async function begin(): Promise<string> {
  const { folder } = await hub.call<{ folder: string }>("/scout/sample", {});
  return (await hub.call<Begun>("/chat/conversations", { folder, agent: "answers" })).conversation;
}

async function open(page: Page, search: string): Promise<void> {
  await page.goto(`${hub.url}/ui/chat${search}`);
  await page.locator("main h1").waitFor();
  await page.locator("[data-phase=live]").waitFor();
}

const message = (page: Page): Locator => page.getByRole("textbox", { name: "Message", exact: true });
const answers = (page: Page, state = "finished"): Locator => page.locator(`main [data-state=${state}]`);

async function say(page: Page, text: string): Promise<void> {
  await message(page).fill(text);
  await message(page).press("Enter");
}

test("the sample is asked about by one press, and the answer says where it is taken from", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await page.keyboard.press("g");
  await page.keyboard.press("c");
  await page.waitForURL(/\/ui\/chat/u);
  await page.getByText("You will see what the agent read before it answers.", { exact: false }).waitFor();
  await page.getByRole("button", { name: "Try “What is to do before the frost?”" }).click();
  const answer = answers(page);
  await answer.getByText("Taken from your files; no model was asked.").waitFor();
  await answer.getByText("Read README.md").or(answer.getByText("earlier step")).first().waitFor();
  await page.getByText("No model is asked, so it costs nothing.").waitFor();
  await answer.getByText(/^\d+ steps$/u).waitFor();
  const source = answer.getByRole("list", { name: "Sources" }).getByRole("button").first();
  const [, path = "", line = ""] = /\] (\S+):(\d+)$/u.exec(await source.innerText()) ?? [];
  await source.press("Enter");
  const dialog = page.getByRole("dialog", { name: `${path}:${line}` });
  await dialog.getByText(new RegExp(`${path}, lines \\d+ to \\d+ of \\d+`, "u")).waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  const address = page.url();
  await page.reload();
  await answer.getByText("Taken from your files; no model was asked.").waitFor();
  assert.equal(page.url(), address);
  await answer.locator("summary", { hasText: "steps" }).click();
  await answer.getByText("Read README.md", { exact: false }).first().waitFor();
  await answer.getByRole("link", { name: "Open the episode" }).click();
  await page.locator("main header [data-status=finished]").waitFor();
  assert.deepEqual(visited.faults, []);
});

test("a question is edited and an answer retried into branches, and a draft survives a reload", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await open(page, `?id=${await begin()}`);
  await message(page).fill("first line");
  await message(page).press("Shift+Enter");
  await message(page).pressSequentially("second");
  await page.reload();
  await page.locator("[data-phase=live]").waitFor();
  assert.equal(await message(page).inputValue(), "first line\nsecond");
  await say(page, "When is the frost?");
  await answers(page).waitFor();
  // The answer may be told before the field has been emptied.
  await until("an empty field", async () => ((await message(page).inputValue()) === "" ? true : undefined));
  await message(page).press("ArrowUp");
  const edit = page.getByRole("textbox", { name: "Edit what you said" });
  await edit.fill("Who has a key?");
  await page.getByRole("button", { name: "Ask anew" }).click();
  const versions = page.getByRole("group", { name: "Versions" });
  await versions.getByText("2 of 2").waitFor();
  await page.getByText("Who has a key?", { exact: true }).last().waitFor();
  await answers(page).waitFor();
  await answers(page).getByRole("button", { name: "Retry" }).click();
  await versions.nth(1).getByText("2 of 2").waitFor();
  await versions.first().getByRole("button", { name: "Version before" }).click();
  await page.locator("main p").getByText("When is the frost?", { exact: true }).waitFor();
  await versions.getByText("1 of 2").waitFor();
  await page.waitForURL(/message=/u);
  assert.deepEqual(await axeViolations(page), []);
  await page.reload();
  await versions.getByText("1 of 2").waitFor();
  assert.deepEqual(visited.faults, []);
});

test("while the hub is slow to begin, what is typed stays, and who turns to another branch stays there", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await open(page, `?id=${await begin()}`);
  let held = Promise.withResolvers<void>();
  await page.route(/\/chat\/(?:send|retry)$/u, async (route) => {
    await held.promise;
    await route.continue();
  });
  await say(page, "When is the frost?");
  await message(page).fill("Who has a key?");
  held.resolve();
  await answers(page).waitFor();
  const send = page.getByRole("button", { name: "Send" });
  await send.and(page.locator(":enabled")).waitFor();
  assert.equal(await message(page).inputValue(), "Who has a key?", "the next message");
  await answers(page).getByRole("button", { name: "Retry" }).click();
  const versions = page.getByRole("group", { name: "Versions" });
  await versions.getByText("2 of 2").waitFor();
  await answers(page).waitFor();
  await send.and(page.locator(":enabled")).waitFor();

  held = Promise.withResolvers<void>();
  await answers(page).getByRole("button", { name: "Retry" }).click();
  await versions.getByRole("button", { name: "Version before" }).click();
  await versions.getByText("1 of 2").waitFor();
  held.resolve();
  await versions.getByText("1 of 3").waitFor();
  await send.and(page.locator(":enabled")).waitFor();
  await page.waitForURL(/message=/u);
  assert.deepEqual(visited.faults, []);
});

const asks = `@id("ask-before-reading")
@ask("it reads your notes")
permit (principal == Agent::"answers", action == Action::"fs.read", resource);
`;

/** A policy of the person's own, for as long as the journey takes. */
async function rule(text: string): Promise<AsyncDisposable> {
  const folder = join(hub.stateDir, "policies");
  const write = async (content: string): Promise<void> => {
    writeFileSync(join(folder, "reading.cedar"), content);
    await hub.call("/policy/reload", {});
  };
  mkdirSync(folder, { recursive: true });
  await write(text);
  return { [Symbol.asyncDispose]: () => write("") };
}

test("a question of the rules stands under its step, is answered by a key, and an answer can be stopped", async (context) => {
  requireChromium(context);
  await using rules = await rule(asks);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await open(page, `?id=${await begin()}`);
  await say(page, "When is the frost?");
  const running = answers(page, "running");
  const card = running.locator("[data-approval]");
  await card.waitFor();
  await running.getByText("List the folder").waitFor();
  await page.getByRole("button", { name: "Stop", exact: true }).waitFor();
  assert.ok(await page.evaluate("document.activeElement.closest('[data-approval]') === null"), "it takes no focus");
  assert.deepEqual(await axeViolations(page), []);
  await page.reload();
  await card.focus();
  await page.keyboard.press("a");
  await running.getByText("Allowed once").first().waitFor();
  await card.waitFor();
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await answers(page, "cancelled").getByText("Stopped", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Send" }).waitFor();
  await rules[Symbol.asyncDispose]();
  await answers(page, "cancelled").getByRole("button", { name: "Ask again" }).click();
  await answers(page).waitFor();
  assert.deepEqual(visited.faults, []);
});

test("a conversation is found by its words, renamed, exported and deleted after a question", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await open(page, `?id=${await begin()}`);
  await say(page, "Is there a zeppelin?");
  await answers(page).waitFor();
  await page.getByRole("button", { name: "Rename" }).click();
  const rename = page.getByRole("dialog", { name: "Rename the conversation" });
  await rename.getByRole("textbox", { name: "Title" }).fill("Airships");
  await rename.getByRole("button", { name: "Save" }).click();
  await rename.waitFor({ state: "detached" });
  await page.getByRole("heading", { name: "Airships", level: 1 }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export" }).click(),
  ]);
  assert.match(readFileSync(await download.path(), "utf8"), /Is there a zeppelin\?/u);
  await page.getByRole("searchbox", { name: "Search what was said" }).fill("zeppelin");
  const found = page.getByRole("list", { name: "Search what was said" }).getByRole("link");
  await found.first().click();
  await page.waitForURL(/message=/u);
  await page.getByRole("button", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete “Airships”?" });
  await dialog.getByRole("button", { name: "Delete the conversation" }).press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.waitForURL(/\/ui\/chat$/u);
  await page.getByText("Nothing was said with these words.").waitFor();
  assert.deepEqual(visited.faults, []);
});

test("a new conversation is begun about a folder, with files attached by their paths", async (context) => {
  requireChromium(context);
  const { folder } = await hub.call<{ folder: string }>("/scout/sample", {});
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await open(page, "");
  await page.getByRole("button", { name: "New conversation" }).first().click();
  const dialog = page.getByRole("dialog", { name: "New conversation" });
  await dialog.getByLabel("Folder").fill(`${folder}/nowhere`);
  await dialog.getByRole("button", { name: "Begin" }).click();
  await dialog.getByRole("alert").waitFor();
  await dialog.getByLabel("Folder").fill(folder);
  await dialog.getByRole("button", { name: "Begin" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.locator("summary", { hasText: "Attach a file" }).click();
  const path = page.getByRole("textbox", { name: /^Path in the folder/u });
  await path.fill("nowhere.md");
  await path.press("Enter");
  await say(page, "What is to do?");
  await page.getByRole("alert").waitFor();
  assert.equal(await message(page).inputValue(), "What is to do?", "what was refused is not lost");
  await page.getByRole("button", { name: "Do not attach nowhere.md" }).click();
  await page.locator("summary", { hasText: "Attach a file" }).click();
  await path.fill("todo.md");
  await path.press("Enter");
  await message(page).press("Enter");
  await answers(page).waitFor();
  await page.locator("article").first().getByText("todo.md").waitFor();
  assert.deepEqual(visited.faults, []);
});

for (const theme of ["light", "dark"] as const) {
  test(`axe finds nothing in the chat, ${theme}, and nothing scrolls sideways at 320 px or in large text`, async (context) => {
    requireChromium(context);
    await using visited = await visit(browser, { colorScheme: theme, reducedMotion: "reduce" });
    const { page } = visited;
    await signIn(page, hub);
    const id = await begin();
    await open(page, `?id=${id}`);
    await say(page, "What is to do before the frost?");
    await answers(page).waitFor();
    for (const search of ["", `?id=${id}`]) {
      await page.setViewportSize({ width: 1440, height: 900 });
      await open(page, search);
      await page.getByRole("list", { name: "Conversations" }).waitFor();
      assert.deepEqual(await axeViolations(page), [], search);
      await makeNarrow(page);
      assert.deepEqual(await sidewaysScroll(page), [], search);
      assert.deepEqual(await axeViolations(page), [], `${search} at 320 px`);
      await page.setViewportSize({ width: 640, height: 900 });
      await page.evaluate("document.documentElement.style.fontSize = '200%'");
      assert.deepEqual(await sidewaysScroll(page), [], `${search} in large text`);
    }
    assert.deepEqual(visited.faults, []);
  });
}
