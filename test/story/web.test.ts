/** Journeys through the interface: a real hub, a real browser, and what a person would do. */
import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { requireChromium } from "../chromium.ts";
import { until } from "./kit/until.ts";
import { measureFirstVisit, measureStyles, scriptBytesMax, styleBytesMax } from "../../web/check-size.ts";
import {
  axeViolations,
  closeStage,
  openStage,
  briefSample,
  type Hub,
  runFromPalette,
  sidewaysScroll,
  signIn,
  startHub,
  visit,
  webDist,
} from "./web-journey.ts";

let hub: Hub;
let browser: Browser;

beforeAll(async () => {
  ({ hub, browser } = await openStage());
});
afterAll(() => closeStage({ hub, browser }));

test("the first visit fits its budget", () => {
  const { scriptBytes } = measureFirstVisit(webDist);
  assert.ok(
    scriptBytes > 0 && scriptBytes <= scriptBytesMax,
    `${scriptBytes} bytes of scripts, at most ${scriptBytesMax}`,
  );
  const styleBytes = measureStyles(webDist);
  assert.ok(styleBytes > 0 && styleBytes <= styleBytesMax, `${styleBytes} bytes of styles, at most ${styleBytesMax}`);
});

test("the first 30 seconds: link, Start, approval with its exact change, Allow once, story", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await page.goto(await hub.signInLink());
  await page.getByRole("heading", { name: "Meet your first agent" }).waitFor();
  assert.equal(new URL(page.url()).hash, "", "the code is gone from the address");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  const card = page.locator("main [data-approval]");
  await card.waitFor();
  assert.match(await card.innerText(), /brief\.md/u);
  assert.match(await card.getByRole("group", { name: "Change, line by line" }).innerText(), /^\d+\s*\+/mu);
  await card.getByRole("button", { name: "Allow once" }).click();
  await page.getByRole("heading", { name: "Outcome" }).waitFor();
  await page.locator("main header [data-status=finished]").waitFor();
  await page.getByRole("list", { name: "Story" }).getByText("Allowed once").waitFor();
  assert.match(await page.getByRole("list", { name: "Story" }).innerText(), /brief\.md/u);
  const storage = await page.evaluate<string>("JSON.stringify({ ...localStorage, ...sessionStorage })");
  assert.ok(!storage.includes(hub.token) && !page.url().includes(hub.token), "the token is kept nowhere");
  assert.deepEqual(visited.faults, []);
});

test("who goes elsewhere while Scout is slow to start is not called back", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  const held = Promise.withResolvers<void>();
  await page.route("**/scout/brief", async (route) => {
    await held.promise;
    await route.continue();
  });
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: "Events" }).click();
  await page.getByRole("heading", { name: "Events", level: 1 }).waitFor();
  held.resolve();
  const home = page.getByRole("link", { name: /^Home/u });
  await home.getByText("1 needs you").waitFor({ state: "attached" });
  assert.equal(new URL(page.url()).pathname, "/ui/events");
  await home.click();
  const card = page.locator("main [data-approval]");
  await card.getByRole("button", { name: "Deny" }).click();
  await card.waitFor({ state: "detached" });
  assert.deepEqual(visited.faults, []);
});

test("denying changes nothing, and the story says who refused and why", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  const id = await briefSample(hub);
  await page.goto(`${hub.url}/ui/episodes/${id}`);
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByRole("heading", { name: "Outcome" }).waitFor();
  const refusal = page.locator("main li[data-thing=line]", { hasText: "Refused" });
  await refusal.press("w");
  await refusal.getByRole("group", { name: "Why" }).waitFor();
  assert.deepEqual(visited.faults, []);
});

test("Stop ends a run that waits, and its question is withdrawn", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser, { forcedColors: "active" });
  const { page } = visited;
  await signIn(page, hub);
  const id = await briefSample(hub);
  await page.goto(`${hub.url}/ui/episodes/${id}`);
  await page.locator("main [data-approval]").waitFor();
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.locator("main header [data-status=cancelled]").waitFor();
  await page.getByText("Withdrawn: the caller left", { exact: true }).waitFor();
  // The event of the end may come before the answer to the press; until then the button waits for it.
  await page.getByRole("button", { name: "Stop", exact: true }).waitFor({ state: "detached" });
  assert.deepEqual(visited.faults, []);
});

test("filters stand in the address, survive a reload and go back", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await page.getByRole("link", { name: "Episodes" }).first().click();
  await page.getByRole("combobox", { name: "Status" }).selectOption("failed");
  await page.waitForURL(/status=failed/u);
  // The address is what is chosen; the box follows it.
  await page.getByRole("checkbox", { name: "Errors only" }).click();
  await page.waitForURL(/errorsOnly=true/u);
  await page.getByRole("checkbox", { name: "Errors only", checked: true }).waitFor();
  await page.getByRole("searchbox", { name: "Filter" }).fill("garden");
  await page.waitForURL(/text=garden/u);
  await page.reload();
  assert.equal(await page.getByRole("combobox", { name: "Status" }).inputValue(), "failed");
  assert.equal(await page.getByRole("searchbox", { name: "Filter" }).inputValue(), "garden");
  await page.getByText("No episode matches these filters.").waitFor();
  await page.goBack();
  await page.goBack();
  await page.waitForURL((url) => !url.search.includes("errorsOnly"));
  await page.getByRole("checkbox", { name: "Errors only", checked: false }).waitFor();
  assert.deepEqual(visited.faults, []);
});

test("the stream has presets, pauses, and goes back to the newest", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await briefSample(hub);
  await page.goto(`${hub.url}/ui/events`);
  const stream = page.getByRole("group", { name: "Event stream" });
  await stream.getByRole("button").first().waitFor();
  await page.getByRole("radio", { name: "Models only" }).click();
  await page.waitForURL(/prefix=models\./u);
  await page.getByText("No event in view matches this filter.").waitFor();
  await page.getByRole("radio", { name: "Errors" }).click();
  await page.waitForURL(/errorsOnly=true/u);
  await page.getByRole("radio", { name: "Replay 50" }).click();
  await page.waitForURL(/replay=50/u);
  await page.getByText(/· 50 events|· \d\d? events/u).waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Paused, 0 waiting").waitFor();
  await briefSample(hub);
  await page.getByText(/Paused, [1-9]\d* waiting/u).waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByText("Following").waitFor();
  await stream.getByRole("button").last().click();
  await page.waitForURL(/event=/u);
  await page.getByRole("region", { name: "Event", exact: true }).getByText("corrId").waitFor();
  await page.reload();
  await page.getByRole("region", { name: "Event", exact: true }).getByText("corrId").waitFor();
  const [metrics] = await Promise.all([
    page.context().waitForEvent("page"),
    page.getByRole("link", { name: "Metrics" }).click(),
  ]);
  await metrics.waitForLoadState();
  assert.match(await metrics.locator("body").innerText(), /# HELP/u);
  assert.deepEqual(visited.faults, []);
});

test("the keyboard alone goes everywhere and answers", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  const id = await briefSample(hub);
  const press = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key);
  };
  await press("g", "e");
  await page.getByRole("heading", { name: "Episodes", level: 1 }).waitFor();
  await page.locator(`[data-episode="${id}"]`).first().waitFor();
  await press("/");
  await page.keyboard.type("Brief");
  await page.waitForURL(/text=Brief/u);
  await press("Escape");
  await page.locator(`main [data-episode="${id}"]`).waitFor();
  await press("j", "Enter");
  await page.getByRole("list", { name: "Story" }).waitFor();
  assert.ok(page.url().includes(id), "the newest episode is the first of the list");
  await page.locator("main [data-approval]").waitFor();
  for (let step = 0; step < 60; step += 1) {
    if (await page.evaluate("document.activeElement.matches('[data-approval]')")) break;
    await press("j");
  }
  await press("w");
  await page.locator("[data-approval]").getByRole("group", { name: "Why" }).waitFor();
  await press("a");
  await page.getByRole("heading", { name: "Outcome" }).waitFor();
  await press("g", "v");
  await page.getByRole("heading", { name: "Events", level: 1 }).waitFor();
  await press("p");
  await page.getByText(/Paused/u).waitFor();
  await press("l");
  await page.getByText("Following").waitFor();
  await press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await press("Escape");
  await page.getByRole("dialog", { name: "Keys" }).waitFor({ state: "detached" });
  await press("Control+k");
  await runFromPalette(page, "policy", "Policy");
  await page.getByRole("heading", { name: "Policy", exact: true }).waitFor();
  await press("]");
  await page.getByRole("complementary").waitFor({ state: "detached" });
  await press("[", "F6", "F6");
  assert.ok(await page.evaluate("document.activeElement.hasAttribute('data-region')"), "F6 moves between the regions");
  assert.deepEqual(visited.faults, []);
});

test("a locked hub asks for the token, and forgets it", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await page.goto(`${hub.url}/#code=used-before`);
  await page.getByText("The sign-in link was used before or is too old. Make a new one.").waitFor();
  assert.deepEqual(await axeViolations(page), []);
  const field = page.getByLabel("Or paste the admin token");
  await field.fill("not-the-token");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("That is not the token of this hub.").waitFor();
  await field.fill(hub.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Rooms" }).waitFor();
  await page.locator("[data-phase=live]").waitFor();
  await page.reload();
  await page.getByRole("navigation", { name: "Rooms" }).waitFor();
  assert.deepEqual(visited.faults, []);
});

test("two tabs share one stream, and the second takes over", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page, context: tabs } = visited;
  await signIn(page, hub);
  await page.locator("[data-phase=live]").waitFor();
  const asked: string[] = [];
  const second = await tabs.newPage();
  second.on("request", (request) => void asked.push(new URL(request.url()).pathname));
  await second.goto(`${hub.url}/ui/events`);
  await second.getByRole("group", { name: "Event stream" }).getByRole("button").first().waitFor();
  assert.ok(!asked.includes("/events"), "the second tab opens no stream of its own");
  await page.close();
  await until("a stream of its own", () => (asked.includes("/events") ? true : undefined));
  await briefSample(hub);
  await second.getByText("approvals.requested").first().waitFor();
});

for (const theme of ["light", "dark"] as const) {
  test(`axe finds nothing on any screen, ${theme}`, async (context) => {
    requireChromium(context);
    await using visited = await visit(browser, { colorScheme: theme });
    const { page } = visited;
    await signIn(page, hub);
    const id = await briefSample(hub);
    const found: string[] = [];
    const look = async (name: string): Promise<void> => {
      found.push(...(await axeViolations(page)).map((violation) => `${name}: ${violation}`));
    };
    for (const path of [
      "/ui",
      "/ui/episodes",
      "/ui/episodes?status=failed&text=zzz",
      `/ui/episodes/${id}`,
      `/ui/episodes/${id}?tab=events`,
      `/ui/episodes/${id}?tab=raw&lane=policy`,
      "/ui/events",
      "/ui/nowhere",
    ]) {
      await page.goto(`${hub.url}${path}`);
      await page.locator("main h1").waitFor();
      await page.locator("[data-phase=live]").waitFor();
      await page.locator("main [aria-busy]").first().waitFor({ state: "detached" });
      await look(path);
    }
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").waitFor();
    await look("palette");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await look("keys");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Look" }).click();
    await look("look menu");
    assert.deepEqual(found, []);
    assert.deepEqual(visited.faults, []);
  });
}

test("nothing scrolls sideways at 320 px, nor at twice the text size", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser, { viewport: { width: 320, height: 720 } });
  const { page } = visited;
  await signIn(page, hub);
  const id = await briefSample(hub);
  for (const scale of ["100%", "200%"]) {
    await page.setViewportSize({ width: scale === "100%" ? 320 : 640, height: 720 });
    for (const path of ["/ui", "/ui/episodes", `/ui/episodes/${id}`, "/ui/events"]) {
      await page.goto(`${hub.url}${path}`);
      await page.locator("main h1").waitFor();
      await page.evaluate(`document.documentElement.style.fontSize = "${scale}"`);
      assert.deepEqual(await sidewaysScroll(page), [], `${path} at ${scale}`);
    }
  }
  assert.deepEqual(visited.faults, []);
});

test("Resume goes on with a run that was interrupted, and asks its question anew", async (context) => {
  requireChromium(context);
  await using own = await startHub();
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, own);
  const id = await briefSample(own);
  await page.goto(`${own.url}/ui/episodes/${id}`);
  const card = page.locator("main [data-approval]");
  await card.waitFor();
  assert.equal(await page.getByRole("button", { name: "Resume" }).count(), 0, "a run that goes on has no Resume");
  await own.kill();
  await own.restart();
  await page.locator("main header [data-status=interrupted]").waitFor();
  // Nobody waits for the answer to the former question any more.
  await card.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Resume" }).click();
  await page.locator("main header [data-status=waiting]").waitFor();
  await card.getByRole("button", { name: "Allow once" }).click();
  await page.locator("main header [data-status=finished]").waitFor();
  await page.getByRole("heading", { name: "Outcome" }).waitFor();
  assert.deepEqual(await axeViolations(page), []);
  assert.deepEqual(visited.faults, []);
});

test("a restart of the hub: the view stays, comes back by itself and misses nothing", async (context) => {
  const chromium = requireChromium(context);
  assert.ok(chromium);
  await using own = await startHub();
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, own);
  const id = await briefSample(own);
  await page.goto(`${own.url}/ui/events?prefix=agents.run.started`);
  const begun = page.getByRole("group", { name: "Event stream" }).getByText("agents.run.started");
  await begun.waitFor();
  const positions: (string | null)[] = [];
  page.on("request", (request) => {
    if (new URL(request.url()).pathname === "/events") positions.push(request.headers()["last-event-id"] ?? null);
  });
  await own.stop();
  await page.locator("[data-phase=reconnecting]").waitFor();
  assert.equal(await begun.count(), 1, "what was on screen stays");
  await own.restart();
  await page.locator("[data-phase=live]").waitFor();
  await briefSample(own);
  await begun.nth(1).waitFor();
  assert.equal(await begun.count(), 2, "nothing twice, nothing missing");
  assert.ok(
    positions.length > 0 && positions.every((position) => Number(position) > 0),
    "it goes on from the last position",
  );
  await page.goto(`${own.url}/ui/episodes/${id}`);
  await page.getByRole("list", { name: "Story" }).waitFor();
});
