/** Journeys through the Events room: search, gaps, consumers and counters, on a hub whose readers fall behind soon. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { requireChromium } from "../chromium.ts";
import { until } from "./kit/until.ts";
import {
  axeViolations,
  closeStage,
  comesTrue,
  openStage,
  type Hub,
  sidewaysScroll,
  signIn,
  startHub,
  visit,
} from "./web-journey.ts";

let hub: Hub;
let browser: Browser;

beforeAll(async () => {
  // Sixteen waiting events and the oldest are dropped: a burst that shares one commit is more than that.
  ({ hub, browser } = await openStage({ ARW_BUS_CAP: "16" }));
});
afterAll(() => closeStage({ hub, browser }));

const consumersAtOnce = 100;

/** As many events as consumers, from calls in one packet: they share a commit however quick the disk is. */
async function burst(sort: string): Promise<void> {
  const { host, hostname, port } = new URL(hub.url);
  const fields = [`Host: ${host}`, `Authorization: Bearer ${hub.token}`, "Content-Type: application/json"];
  const calls = Array.from({ length: consumersAtOnce }, (_, index) =>
    [`POST /consumers/${sort}-${index} HTTP/1.1`, ...fields, "Content-Length: 2", "", "{}"].join("\r\n"),
  );
  const socket = connect(Number(port), hostname);
  socket.write(calls.join(""));
  let said = "";
  const statuses = (): readonly string[] => said.match(/(?<=HTTP\/1\.1 )\d+/gu) ?? [];
  for await (const bytes of socket) {
    said += String(bytes);
    if (statuses().length >= consumersAtOnce) break;
  }
  assert.deepEqual(new Set(statuses()), new Set(["200"]), said.slice(0, 1000));
}

const read = async <Answer>(from: Hub, path: string): Promise<Answer> => {
  const response = await fetch(`${from.url}${path}`, { headers: { authorization: `Bearer ${from.token}` } });
  assert.ok(response.ok, `${path} answered ${response.status}`);
  return (await response.json()) as Answer;
};

interface Message {
  readonly seq: number;
}
const pull = async (name: string, count: number): Promise<readonly Message[]> =>
  (await hub.call<{ messages: readonly Message[] }>(`/consumers/${name}/pull`, { count })).messages;

/** Waits until the page is live and nothing is being loaded any more. */
const settled = async (page: Page): Promise<void> => {
  await page.locator("main h1").waitFor();
  await page.locator("[data-phase=live]").waitFor();
  await page.locator("main [aria-busy]").first().waitFor({ state: "detached" });
};

test("the journal is searched, paged to its beginning, shared as a link, and opens an event", async (context) => {
  requireChromium(context);
  await burst("page-a");
  await burst("page-b");
  await burst("page-c");
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await page.goto(`${hub.url}/ui/events`);
  await page.getByRole("tab", { name: "Journal" }).click();
  const form = page.getByRole("search", { name: "Search the journal" });
  await form.getByLabel("Kind begins with").fill("consumers.created");
  await form.getByRole("button", { name: "Search" }).click();
  await page.waitForURL(/prefix=consumers\.created/u);
  const found = page.getByRole("status").filter({ hasText: "newest first" });
  await found.filter({ hasText: /^200 events so far/u }).waitFor();
  const rows = page.getByRole("group", { name: "Journal", exact: true });
  await rows.focus();
  await page.keyboard.press("End");
  await rows.getByRole("button", { name: "Load older" }).click();
  await found.filter({ hasText: /^300 events, newest first/u }).waitFor();
  await rows.focus();
  await page.keyboard.press("End");
  await rows.getByText("Nothing older is kept that fits.").waitFor();
  // Three keys before the page is drawn again are three rows.
  await page.keyboard.press("Home");
  const isAt = (index: number): Promise<true> =>
    comesTrue(page, `document.activeElement.closest("[data-index]")?.dataset.index === "${index}"`);
  await isAt(0);
  await page.evaluate(`(async () => {
    for (const key of "jjj") {
      document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
      await null;
    }
  })()`);
  await isAt(3);
  await form.getByText("Time and position").click();
  await form.getByLabel("From position").fill("9");
  await form.getByLabel("To position").fill("4");
  await form.getByRole("button", { name: "Search" }).click();
  await form.getByText("The end lies before the beginning.").waitFor();
  await form.getByLabel("From position").fill("3");
  await form.getByLabel("To position").press("Enter");
  await found.filter({ hasText: /^2 events, newest first/u }).waitFor();
  await rows.getByRole("button").first().click();
  await page.waitForURL(/&seq=4/u);
  await page.reload();
  await found.filter({ hasText: /^2 events, newest first/u }).waitFor();
  assert.equal(await form.getByLabel("To position").inputValue(), "4");
  await page.getByRole("region", { name: "Event", exact: true }).getByText("Position 4").waitFor();
  await form.getByLabel("To time").fill("2001-01-01T00:00:00");
  await form.getByRole("button", { name: "Search" }).click();
  await page.getByText("No event of the journal fits this search.").waitFor();
  await page.goBack();
  await found.filter({ hasText: /^2 events, newest first/u }).waitFor();
  assert.equal(await form.getByLabel("To time").inputValue(), "");
  await page.goto(`${hub.url}/ui/events?view=journal&corr=..%2Fodd`);
  await page.getByRole("alert").getByText("The journal could not be read.").waitFor();
  await page.getByRole("button", { name: "Retry" }).waitFor();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await found.waitFor();
  assert.deepEqual(visited.faults, []);
});

/** Bursts until the page was too slow for one; each is an ordinary load, and which one it is depends on the machine. */
async function burstUntilGap(page: Page): Promise<void> {
  const gap = page.locator("[data-thing=gap]");
  for (let round = 0; round < 5 && (await gap.count()) === 0; round += 1) {
    await burst(`gap-${round}`);
    await gap
      .first()
      .waitFor({ timeout: 2_000 })
      .catch(() => {});
  }
  await gap.first().waitFor();
}

interface Row {
  readonly index: number;
  /** Empty for a gap. */
  readonly id: string;
  readonly isOpenGap: boolean;
}

/** The rows in the page, once they fill what is in sight of the list: how fast the machine draws them does not matter. */
async function rowsInSight(list: Locator): Promise<{ readonly rows: readonly Row[]; readonly isEnd: boolean }> {
  return await until("rows wherever the list was scrolled to", async () => {
    const sight = await list.evaluate((element) => {
      const box = element.getBoundingClientRect();
      const items = [...element.querySelectorAll("[data-index]")];
      const places = items.map((item) => item.getBoundingClientRect());
      const top = Math.min(...places.map((place) => place.top));
      const bottom = Math.max(...places.map((place) => place.bottom));
      return {
        isDrawn: top <= box.top + 2 && bottom >= box.bottom - 2,
        isEnd: element.scrollTop + element.clientHeight >= element.scrollHeight - 1,
        rows: items.map((item) => ({
          index: Number(item.getAttribute("data-index")),
          id: item.querySelector("[data-thing=event]")?.getAttribute("data-copy") ?? "",
          isOpenGap: item.querySelector("[data-thing=gap] button") !== null,
        })),
      };
    });
    return sight.isDrawn ? sight : undefined;
  });
}

/** Goes once through the list from its top, loads each gap it comes by, and tells the ids of the events in order. */
async function loadThrough(page: Page): Promise<readonly string[]> {
  const list = page.getByRole("group", { name: "Event stream" });
  const seen = new Map<number, string>();
  await list.evaluate((element) => (element.scrollTop = 0));
  for (let isEnd = false; !isEnd; ) {
    const sight = await rowsInSight(list);
    const open = sight.rows.find(({ isOpenGap }) => isOpenGap);
    if (open !== undefined) {
      // What is read in comes behind the row of its gap, and nothing behind that was taken down yet.
      const button = list.locator(`[data-index="${open.index}"] [data-thing=gap] button`);
      await button.click();
      await button.waitFor({ state: "detached" });
      continue;
    }
    for (const { index, id } of sight.rows) seen.set(index, id);
    isEnd = sight.isEnd;
    await list.evaluate((element) => (element.scrollTop += element.clientHeight * 0.8));
  }
  const unseen = Array.from({ length: Math.max(...seen.keys()) }, (_, index) => index).filter((i) => !seen.has(i));
  assert.deepEqual(unseen, [], "rows that were never in sight");
  return [...seen]
    .toSorted(([a], [b]) => a - b)
    .map(([, id]) => id)
    .filter((id) => id !== "");
}

/** Presses a key that moves the focus to another row, and waits until it is there. */
async function step(page: Page, key: string): Promise<void> {
  const row = "String(document.activeElement.closest('[data-index]')?.dataset.index)";
  const before = await page.evaluate<string>(row);
  await page.keyboard.press(key);
  await until(`another row after ${key}`, async () => ((await page.evaluate(row)) === before ? undefined : true));
}

test("a real gap is shown in its place and filled from the journal: nothing missing, nothing twice", async (context) => {
  requireChromium(context);
  await burst("before");
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await page.goto(`${hub.url}/ui/events?prefix=consumers.created`);
  await page.locator("[data-phase=live]").waitFor();
  await page.getByRole("group", { name: "Event stream" }).getByRole("button").first().waitFor();
  await burstUntilGap(page);
  const { events } = await read<{ events: readonly { id: string }[] }>(
    hub,
    "/events/journal?prefix=consumers.created&limit=1000",
  );
  // Whoever scrolls back sees the list as it was then, so the whole burst has to be there first.
  await page.locator(`[data-copy="${events[0]?.id}"]`).waitFor();
  // The newest of them by keyboard alone, the others by hand. It may lie above what is drawn by now.
  await page.keyboard.press("j");
  const isAtGap = (): Promise<boolean> => page.evaluate("document.activeElement.matches('[data-thing=gap]')");
  for (let steps = 0; steps < 300 && !(await isAtGap()); steps += 1) await step(page, "k");
  assert.ok(await isAtGap(), "a gap within 300 rows of the newest");
  assert.match(await page.locator("[data-thing=gap]:focus").innerText(), /\d+ events? missed here \(slow reader\)/u);
  assert.deepEqual(await axeViolations(page), []);
  await page.keyboard.press("Enter");
  await page
    .locator("[data-thing=gap]:focus")
    .getByText(/loaded from the journal/u)
    .waitFor();
  await step(page, "j");
  assert.ok(await page.evaluate("document.activeElement.matches('[data-thing=event]')"), "the first that was missed");
  const ids = await loadThrough(page);
  const kept = events.map(({ id }) => id).toReversed();
  assert.deepEqual(ids, kept.slice(-ids.length));
  assert.ok(ids.length > consumersAtOnce);
  await page.getByText(new RegExp(`· ${ids.length} events`, "u")).waitFor();
  assert.deepEqual(await axeViolations(page), []);
  assert.deepEqual(visited.faults, []);
});

test("a consumer with lag appears, is followed as it works, and is removed after a question", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await page.goto(`${hub.url}/ui/events?view=consumers`);
  await hub.call("/consumers/a-mailer", { start: "all", prefix: ["consumers.none", "service."], deliverMax: 1 });
  const row = page.getByRole("row", { name: /^a-mailer/u });
  await row.getByText("behind").waitFor();
  await row.getByText("service.").waitFor();
  await row.getByRole("button", { name: "a-mailer" }).click();
  await page.waitForURL(/consumer=a-mailer/u);
  const detail = page.getByRole("region", { name: "Consumer", exact: true });
  const fact = (name: string) => detail.locator("dl > div").filter({ hasText: name }).locator("dd");
  await fact("Not done, of its kinds").getByText("1", { exact: true }).waitFor();
  const [message] = await pull("a-mailer", 1);
  assert.ok(message);
  await hub.call("/consumers/a-mailer/nack", { seq: message.seq });
  await detail.getByRole("heading", { name: "1 dead letter" }).waitFor();
  await fact("Not done, of its kinds").getByText("0", { exact: true }).waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await page.reload();
  await detail.getByRole("link", { name: String(message.seq), exact: true }).click();
  await page.getByRole("region", { name: "Event", exact: true }).getByText(`Position ${message.seq}`).waitFor();
  await page.goBack();
  await detail.getByRole("button", { name: "Remove consumer" }).click();
  const dialog = page.getByRole("dialog", { name: "Remove a-mailer?" });
  assert.deepEqual(await axeViolations(page), []);
  await dialog.getByRole("button", { name: "Keep it" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.equal(await row.count(), 1);
  await detail.getByRole("button", { name: "Remove consumer" }).click();
  await dialog.getByRole("button", { name: "Remove consumer" }).click();
  await detail.getByText("There is no consumer of this name any more.").waitFor();
  await row.waitFor({ state: "detached" });
  assert.deepEqual(visited.faults, []);
});

test("a hub without consumers says what one is and how to make it", async (context) => {
  requireChromium(context);
  await using own = await startHub();
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, own);
  await page.goto(`${own.url}/ui/events?view=consumers`);
  await page.getByText("No consumer yet.").waitFor();
  await page.getByText("arw consumers create my-worker --prefix actions. --start all").waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await own.call("/consumers/first", {});
  await page.getByRole("row", { name: /^first/u }).waitFor();
  assert.deepEqual(visited.faults, []);
});

test("the counters tell what was published and lost, by reader and by kind", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await page.goto(`${hub.url}/ui/events?view=counters`);
  const figures = page.getByRole("region", { name: "Stream", exact: true });
  await figures.getByText("Published").waitFor();
  const figure = (name: string) => figures.locator("dl > div").filter({ hasText: name }).locator("dd > span").first();
  const number = async (name: string): Promise<number> =>
    Number((await figure(name).innerText()).replaceAll(/\D/gu, "") || Number.NaN);
  const before = await number("Published");
  await burst("counted");
  await until("the burst in the figures", async () =>
    (await number("Published")) >= before + consumersAtOnce ? true : undefined,
  );
  await until("as many lost events as the hub has counted", async () => {
    const { bus } = await read<{ bus: { lagged: number } }>(hub, "/introspect/stats");
    return (await number("Lost by slow readers")) === bus.lagged ? true : undefined;
  });
  await figures.getByRole("meter", { name: "At hand for readers that resume" }).waitFor();
  await page.getByRole("region", { name: "Readers" }).getByRole("row").nth(1).waitFor();
  await page
    .getByRole("region", { name: "Events by kind" })
    .getByRole("link", { name: "consumers.created", exact: true })
    .waitFor();
  assert.deepEqual(visited.faults, []);
});

test("a page that nobody sees asks for no figures, and asks at once when it is seen again", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await page.clock.install();
  let asked = 0;
  page.on("request", (request) => (asked += new URL(request.url()).pathname === "/introspect/stats" ? 1 : 0));
  await page.goto(`${hub.url}/ui/events?view=counters`);
  await page.getByRole("region", { name: "Stream", exact: true }).waitFor();
  await page.clock.runFor(5_000);
  await until("another look at the figures", () => (asked >= 2 ? true : undefined));
  const setHidden = (isHidden: boolean): Promise<void> =>
    page.evaluate(`Object.defineProperties(document, {
      hidden: { value: ${isHidden}, configurable: true },
      visibilityState: { value: "${isHidden ? "hidden" : "visible"}", configurable: true },
    }); document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));`);
  await setHidden(true);
  const before = asked;
  await page.clock.runFor(60_000);
  assert.equal(asked, before, "a minute in the background");
  await setHidden(false);
  await until("a look at the figures", () => (asked > before ? true : undefined));
  assert.deepEqual(visited.faults, []);
});

test("an event whose data retention dropped keeps its place, and says so", async (context) => {
  requireChromium(context);
  const folder = mkdtempSync(join(tmpdir(), "arw-retention-"));
  const configuration = join(folder, "arw.toml");
  writeFileSync(configuration, '[[journal.retention]]\nprefix = "consumers.acked"\ncountMax = 1\n');
  try {
    await using own = await startHub({ ARW_CONFIG: configuration });
    await own.call("/consumers/reader", { start: "all", prefix: ["service."] });
    await own.call("/consumers/other", { start: "all", prefix: ["service."] });
    for (const name of ["reader", "other"]) {
      const { messages } = await own.call<{ messages: readonly Message[] }>(`/consumers/${name}/pull`, { count: 1 });
      await own.call(`/consumers/${name}/ack`, { seqs: messages.map(({ seq }) => seq) });
    }
    await own.call("/journal/compact", {});
    await until("the end of the compaction", async () => {
      type Page = { readonly events: readonly { readonly data: unknown }[] };
      const { events } = await read<Page>(own, "/events/journal?prefix=consumers.acked");
      return events.some(({ data }) => data === null) ? true : undefined;
    });
    await using visited = await visit(browser);
    const { page } = visited;
    await signIn(page, own);
    await page.goto(`${own.url}/ui/events?view=journal&prefix=consumers.acked`);
    const rows = page.getByRole("group", { name: "Journal", exact: true }).getByRole("button");
    await rows.nth(1).getByText("data dropped by retention").waitFor();
    assert.equal(await page.getByText("data dropped by retention").count(), 1);
    await rows.nth(1).click();
    await page.getByText("Retention dropped the data of this event.").waitFor();
    assert.deepEqual(await axeViolations(page), []);
    assert.deepEqual(visited.faults, []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const views = ["journal", "journal&prefix=none", "journal&fromSeq=1&toSeq=9&seq=2", "consumers", "counters"];

for (const theme of ["light", "dark"] as const) {
  test(`axe finds nothing in any view of the events, ${theme}`, async (context) => {
    requireChromium(context);
    await using visited = await visit(browser, { colorScheme: theme });
    const { page } = visited;
    await signIn(page, hub);
    for (const view of views) {
      await page.goto(`${hub.url}/ui/events?view=${view}`);
      await settled(page);
      assert.deepEqual(await axeViolations(page), [], view);
    }
    assert.deepEqual(visited.faults, []);
  });
}

test("no view of the events scrolls sideways at 320 px, nor at twice the text size", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser, { viewport: { width: 320, height: 720 } });
  const { page } = visited;
  await signIn(page, hub);
  for (const scale of ["100%", "200%"]) {
    await page.setViewportSize({ width: scale === "100%" ? 320 : 640, height: 720 });
    for (const view of views) {
      await page.goto(`${hub.url}/ui/events?view=${view}`);
      await settled(page);
      await page.evaluate(`document.documentElement.style.fontSize = "${scale}"`);
      assert.deepEqual(await sidewaysScroll(page), [], `${view} at ${scale}`);
    }
  }
});

test("the keyboard alone searches, opens and closes an event, and goes through the consumers", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await hub.call("/consumers/a-keyboard", { start: "all" });
  const press = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key);
  };
  await press("g", "v");
  await page.getByRole("heading", { name: "Events", level: 1 }).waitFor();
  await page.getByRole("tab", { name: "Live" }).focus();
  await press("ArrowRight");
  await page.waitForURL(/view=journal/u);
  // The address comes before the view, and the view before has a filter as well.
  await page.getByRole("search", { name: "Search the journal" }).waitFor();
  await press("/");
  await page.keyboard.type("service.");
  await press("Enter");
  await page.waitForURL(/prefix=service\./u);
  await page.getByRole("status").filter({ hasText: "1 event, newest first" }).waitFor();
  await press("Escape", "j", "Enter");
  await page.waitForURL(/[?&]seq=\d/u);
  await page.getByRole("region", { name: "Event", exact: true }).waitFor();
  await press("Escape");
  await page.waitForURL((url) => !url.search.includes("&seq="));
  await page.getByRole("tab", { name: "Journal" }).focus();
  await press("ArrowRight");
  await page.waitForURL(/view=consumers/u);
  await page.getByRole("row", { name: /^a-keyboard/u }).waitFor();
  await press("j", "Enter");
  await page.waitForURL(/consumer=a-keyboard/u);
  await page.getByRole("region", { name: "Consumer", exact: true }).waitFor();
  await press("Escape");
  await page.waitForURL((url) => !url.search.includes("consumer="));
  assert.deepEqual(visited.faults, []);
});
