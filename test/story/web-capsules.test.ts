/** Journeys through recorded runs: kept, looked at, replayed, branched, compared, undone, given away and taken in. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, test } from "vitest";
import { requireChromium } from "../chromium.ts";
import {
  axeViolations,
  briefSample,
  closeStage,
  type Hub,
  makeNarrow,
  openStage,
  repository,
  sidewaysScroll,
  signIn,
  type Visit,
  visit,
} from "./web-journey.ts";

let hub: Hub;
let browser: Browser;
/** One page for all journeys: a fresh one would load the whole interface again for each. */
let visited: Visit | undefined;
let page: Page;
/** The first of the briefs that were allowed, the last of them, and their folder. */
let episode = "";
let last = "";
let folder = "";
let files = "";
const sampleFile = join(repository, "examples", "capsules", "brief.capsule");
const wide = { width: 1440, height: 900 };

beforeAll(async () => {
  ({ hub, browser } = await openStage());
  if (!hub) return;
  files = mkdtempSync(join(tmpdir(), "arw-web-capsules-"));
  episode = await briefAllowed();
  await briefAllowed();
  last = await briefAllowed();
  folder = (await stateOf<{ folder: string }>(`episodes/${episode}`)).folder;
  visited = await visit(browser, { acceptDownloads: true, viewport: wide });
  ({ page } = visited);
  await signIn(page, hub);
  // What it shows is of other rooms, and is looked at there.
  await page.keyboard.press("]");
  await page.getByRole("complementary").waitFor({ state: "detached" });
});
let faultsSeen = 0;
afterEach(async () => {
  if (!visited) return;
  const faults = visited.faults.slice(faultsSeen);
  faultsSeen = visited.faults.length;
  await page.unrouteAll();
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(wide);
  assert.deepEqual(faults, []);
});
afterAll(async () => {
  await visited?.[Symbol.asyncDispose]();
  await closeStage({ hub, browser });
  if (files !== "") rmSync(files, { recursive: true, force: true });
});

async function stateOf<Answer>(path: string): Promise<Answer> {
  const response = await fetch(`${hub.url}/state/${path}`, { headers: { authorization: `Bearer ${hub.token}` } });
  assert.ok(response.ok, `${path} answered ${response.status}`);
  return (await response.json()) as Answer;
}

/** A run of Scout whose change a person allows; it ends before this does. */
async function briefAllowed(): Promise<string> {
  const corrId = await briefSample(hub);
  const { items } = await stateOf<{ items: readonly { approvalId: string; corrId: string }[] }>(
    "approvals?status=waiting",
  );
  const asked = items.find((item) => item.corrId === corrId);
  await hub.call(`/approvals/${asked?.approvalId}/decide`, { decision: "allow" });
  for (let tries = 0; tries < 600; tries += 1) {
    if ((await stateOf<{ status: string }>(`episodes/${corrId}`)).status === "finished") return corrId;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new assert.AssertionError({ message: "the brief did not end" });
}

/** Goes to a room as a press on a link does: the page is not loaded anew. */
async function open(path: string): Promise<void> {
  await page.evaluate(`history.pushState({}, "", "/ui/${path}")`);
  await page.waitForURL(`${hub.url}/ui/${path}`);
  await page.locator("main h1").waitFor();
  await page.locator("main [aria-busy]").first().waitFor({ state: "detached" });
}

test("a run is kept and verified, given away as a file, removed, and taken in again after a look", async (context) => {
  requireChromium(context);
  await page.keyboard.press("g");
  await page.keyboard.press("k");
  await page.waitForURL(/\/ui\/capsules/u);
  await page.getByText("A capsule is an episode you can replay or branch.").waitFor();
  const row = page.locator(`main [data-episode="${episode}"]`);
  await row.getByRole("button", { name: "Keep Brief of garden-notes as a capsule" }).press("Enter");
  const kept = page.getByRole("list", { name: "Kept here" }).getByRole("listitem");
  await kept.getByText("of this hub").waitFor();

  await kept.getByRole("link", { name: "Brief of garden-notes" }).press("Enter");
  await page.getByRole("heading", { level: 1, name: "Brief of garden-notes" }).waitFor();
  await page.getByText("signed by this hub").waitFor();
  await page.getByText(`fs:read in ${folder}`).waitFor();
  await page.getByText(`created ${folder}/brief.md, `).waitFor();
  await page.getByRole("button", { name: "Verify" }).press("Enter");
  await page.getByText("The signature holds").waitFor();
  assert.deepEqual(await axeViolations(page), []);

  const path = join(files, "scout.capsule");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export Brief of garden-notes as a file" }).press("Enter"),
  ]);
  assert.match(download.suggestedFilename(), /^arw-[0-9a-f]{12}\.capsule$/u);
  await download.saveAs(path);

  await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: "Capsules" }).click();
  await kept.getByRole("button", { name: "Remove the capsule of Brief of garden-notes" }).press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Remove it" }).press("Enter");
  // The list may be empty before the press is answered; until then no key reaches what is behind the question.
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByText("A capsule is an episode you can replay or branch.").waitFor();

  await page.getByRole("button", { name: "Import a capsule" }).press("Enter");
  const card = page.getByRole("region", { name: "Import a capsule" });
  const bytes = readFileSync(path);
  const forged = Buffer.from(bytes);
  forged.writeUInt8(forged.readUInt8(forged.length - 20) ^ 1, forged.length - 20);
  writeFileSync(join(files, "forged.capsule"), forged);
  await card.getByLabel("File", { exact: true }).setInputFiles(join(files, "forged.capsule"));
  await card.getByRole("button", { name: "Look at it" }).press("Enter");
  await card.getByText("Not a sound capsule").waitFor();
  await card.getByText("Nothing of it was opened or kept.").waitFor();
  await card.getByLabel("File", { exact: true }).setInputFiles(path);
  await card.getByRole("button", { name: "Look at it" }).press("Enter");
  await card.getByText("signed by this hub").waitFor();
  await page.locator("main [data-layer=import]:focus").waitFor();
  await card.getByText(`created ${folder}/brief.md, `).waitFor();
  await card.getByText(/ of events, .* of rules, .* of settings/u).waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await card.getByRole("button", { name: "Import", exact: true }).press("Enter");
  await page.waitForURL(/\/ui\/capsules\/sha256/u);
  await page.getByText("signed by this hub").waitFor();
});

test("the sample is looked at, taken in as such, and replays without the hub that recorded it", async (context) => {
  requireChromium(context);
  await open("capsules");
  await page.getByRole("button", { name: "Import a capsule" }).press("Enter");
  const card = page.getByRole("region", { name: "Import a capsule" });
  await card.getByRole("button", { name: "Look at the sample" }).press("Enter");
  await card.getByText("signed by a key that nobody here knows").waitFor();
  await card.getByRole("button", { name: "Import", exact: true }).press("Enter");
  await page.waitForURL(/\/ui\/capsules\/sha256/u);
  await page.getByRole("tab", { name: "Undo" }).click();
  await page.getByText("This run is not of this hub.").waitFor();
  const [copy] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export Brief of garden-notes as a file" }).press("Enter"),
  ]);
  assert.deepEqual(readFileSync(await copy.path()), readFileSync(sampleFile), "what was taken in leaves as it came");
  await page.getByRole("tab", { name: "Replay" }).click();
  await page.locator("main [data-verdict=equal]").waitFor();
  await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: "Capsules" }).click();
  const sample = page.getByRole("list", { name: "Kept here" }).getByRole("listitem").filter({ hasText: "Sample" });
  await sample.getByText("imported").waitFor();
  await sample.getByRole("button", { name: /^Remove/u }).press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Remove it" }).press("Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await sample.waitFor({ state: "detached" });
});

test("a replay is equal to its record, and the scrubber walks it by keys and keeps its place in the address", async (context) => {
  requireChromium(context);
  await open(`episodes/${episode}`);
  await page.getByRole("link", { name: "Replay" }).press("Enter");
  const verdict = page.locator("main [data-verdict=equal]");
  await verdict.getByText("equal to the record").waitFor();
  assert.match(await verdict.innerText(), /made again and equal, \d+ taken from the record/u);
  assert.deepEqual(await axeViolations(page), []);
  const slider = page.getByRole("slider", { name: "Place in the record" });
  await slider.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  await page.waitForURL(/at=12/u);
  await page.locator("main [aria-current=step]").getByText("12", { exact: true }).waitFor();
  assert.match((await slider.getAttribute("aria-valuetext")) ?? "", /^Event 12 of \d+: ./u);
  await page.reload();
  await page.locator("main [aria-current=step]").getByText("12", { exact: true }).waitFor();
  await page.getByRole("main").focus();
  await page.keyboard.press("ArrowLeft");
  await page.waitForURL(/at=11/u);
  await page.keyboard.press("Shift+ArrowLeft");
  await page.waitForURL(/at=1$/u);
  await page.getByText("0 files changed so far").waitFor();
  const here = page.getByRole("group", { name: "The event at this place" });
  await page.getByRole("slider").press("End");
  await page.locator("main [aria-current=step]").getByText("Wrote brief.md").waitFor();
  await page.getByText("1 file changed so far").waitFor();
  const done = page.getByRole("list", { name: "Events" }).getByRole("button", { name: /Done: Write brief\.md/u });
  await done.press("Enter");
  await here.getByText(`Created ${folder}/brief.md, `).waitFor();
});

test("a replay that parts from its record shows both sides, and where it parts", async (context) => {
  requireChromium(context);
  // No code of this hub parts from its own record, so the answer of the hub is changed on its way.
  await page.route("**/capsules/replay", async (route) => {
    const response = await route.fetch();
    const answer = (await response.json()) as { report: Record<string, unknown> };
    const { story } = await hub.call<{ story: readonly { seq: number }[] }>("/capsules/show", { capsule: episode });
    const sides = { recorded: { said: "as it was" }, made: { said: "otherwise" } };
    const divergence = { step: 3, seq: story[8]?.seq, at: "/said", why: "the value differs", ...sides };
    const report = { ...answer.report, verdict: "diverged", divergence };
    await route.fulfill({ response, json: { ...answer, report } });
  });
  // Loaded anew, as an answer of before is not asked for again.
  await page.goto(`${hub.url}/ui/capsules/${episode}?tab=replay`);
  const verdict = page.locator("main [data-verdict=diverged]");
  await verdict.getByText("parts from the record").waitFor();
  await verdict.getByRole("group", { name: "Recorded" }).getByText("as it was").waitFor();
  await verdict.getByRole("group", { name: "This time" }).getByText("otherwise").waitFor();
  await page.locator("main [aria-current=step]").getByText("Here it parts:").waitFor();
  assert.deepEqual(await axeViolations(page), []);
});

test("two runs are compared, and the first difference stands with both sides", async (context) => {
  requireChromium(context);
  const other = last;
  await open(`capsules/${episode}?tab=diff`);
  await page.getByRole("textbox", { name: "Capsule or episode" }).fill(other);
  await page.keyboard.press("Enter");
  await page.locator("main [data-equal=false]").waitFor();
  await page.getByRole("group", { name: "This one" }).first().waitFor();
  await page.getByRole("group", { name: "The other" }).first().waitFor();
  await page.getByText("What differs, value by value").first().click();
  await page.getByRole("group", { name: "Change, line by line" }).first().waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await page.getByRole("textbox", { name: "Capsule or episode" }).fill(episode);
  await page.keyboard.press("Enter");
  await page.locator("main [data-equal=true]").getByText("They are equal").waitFor();
});

test("what if: a rule blocks a step beside what was, and behind an answer that nobody gave all is unknown", async (context) => {
  requireChromium(context);
  await open(`capsules/${episode}?tab=what-if`);
  const ask = page.getByRole("button", { name: "What if", exact: true });
  await ask.press("Enter");
  await page.getByText("Say what would be different.").waitFor();
  const policy = page.getByRole("textbox", { name: /^Policies to add/u });
  await policy.fill('forbid (principal is Agent, action == Action::"fs.write", resource);');
  await ask.press("Enter");
  const step = page.locator("main [data-thing=difference]");
  await step.getByText("done then, refused now").waitFor();
  for (const text of ["1 question then, 0 now", "1 question not put, as its call is blocked instead", "1 call blocked"])
    await page.getByText(text, { exact: true }).waitFor();
  assert.equal(await step.getAttribute("data-result"), "blocked");
  assert.match(await step.getByRole("group", { name: "Then" }).innerText(), /asks a person\s+ask-before-change/u);
  assert.match(await step.getByRole("group", { name: "Now" }).innerText(), /denied/u);
  assert.deepEqual(await axeViolations(page), []);

  await policy.fill("");
  await page.getByText("Model, words and answers").click();
  await page.getByRole("textbox", { name: "Another answer to step" }).fill("1");
  const answer = { entries: [{ path: "README.md", kind: "file", sizeBytes: 1, modifiedMs: 1 }], nextAfterPath: null };
  await page
    .getByRole("textbox", { name: "What that step would have told the agent" })
    .fill(JSON.stringify({ ...answer, skipped: [] }));
  await ask.press("Enter");
  const told = page.getByRole("region", { name: "What would have come of it" });
  await told.getByText(/^Unknown after step \d+: the record holds nothing/u).waitFor();
  await told.getByText("Nobody can know what it would have come to.").waitFor();
  await makeNarrow(page);
  assert.deepEqual(await sidewaysScroll(page), []);
  assert.deepEqual(await axeViolations(page), []);
});

test("an undo shows what it would do, does it, and is taken back", async (context) => {
  requireChromium(context);
  const { folder: place } = await stateOf<{ folder: string }>(`episodes/${last}`);
  const brief = join(place, "brief.md");
  assert.ok(existsSync(brief));
  const text = readFileSync(brief, "utf8");
  await open(`episodes/${last}`);
  await page.getByRole("link", { name: "Undo" }).press("Enter");
  await page.locator("main [data-thing=file]").getByText("brief.md", { exact: true }).waitFor();
  await page.getByText("Steps that no undo reaches").waitFor();
  assert.deepEqual(await axeViolations(page), []);
  assert.equal(readFileSync(brief, "utf8"), text);
  await page.getByRole("button", { name: "Undo 1 file" }).press("Enter");
  await page.locator("main [data-undo=undone]:focus").getByText("as it was before the run").waitFor();
  assert.notEqual(existsSync(brief) ? readFileSync(brief, "utf8") : "", text);
  await page.getByRole("button", { name: "Take the undo back" }).press("Enter");
  await page.locator("main [data-fate=restore], main [data-fate=remove]").waitFor();
  assert.equal(readFileSync(brief, "utf8"), text);

  // Edited since, where the run wrote: a person says what becomes of it.
  const edited = text.replace(/^# .*$/mu, "# Mine");
  writeFileSync(brief, edited);
  // It is read anew by whoever comes back, so the reader has to have been elsewhere.
  await open("capsules");
  await page.getByRole("heading", { level: 1, name: "Capsules" }).waitFor();
  await open(`capsules/${last}?tab=undo`);
  const conflict = page.locator("main [data-fate=conflict]");
  await conflict.getByText("Edited since the run:").waitFor();
  await conflict.getByText("The undo would have done:").waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await conflict.getByRole("button", { name: "Keep it as it is" }).press("Enter");
  await page.locator("main [data-undo]").getByText("stays as it is now, and counts as undone").waitFor();
  await conflict.waitFor({ state: "detached" });
  assert.equal(readFileSync(brief, "utf8"), edited);
  await page.locator("main [data-fate=settled]").getByText("kept as you had it").waitFor();
});

test("three answers alike suggest a rule with its exact effect; one press makes it one, and one takes it back", async (context) => {
  requireChromium(context);
  await open("policy");
  const suggested = page.getByRole("region", { name: "Rules that your answers suggest" });
  const proposal = suggested.locator("[data-thing=proposal]").filter({ hasText: "fs.write" }).first();
  await proposal.getByText(/allowed \d+ times/u).waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await proposal.getByRole("button", { name: /^Make it a rule/u }).press("Enter");
  await suggested.getByText(/^It is a rule now, in .*adopted\.cedar/u).waitFor();
  const own = page.getByRole("list", { name: "Your policies" });
  await own
    .getByText(/adopted-[0-9a-f]{12}/u)
    .first()
    .waitFor();
  await suggested.getByRole("button", { name: "Undo" }).press("Enter");
  await suggested.getByText("It is no rule any more.").waitFor();
  await page.getByText("None yet. Put a file").waitFor();
});

test("questions about the rules are proved, or refuted by a call about which the rules were asked", async (context) => {
  requireChromium(context);
  await open("policy?view=proofs");
  const question = (name: string) => page.locator(`main [data-question="${name}"]`);
  await question("writes-outside")
    .getByRole("button", { name: /^Prove/u })
    .press("Enter");
  await question("writes-outside").locator("[data-answer=proved]").waitFor();
  const prove = question("reachable").getByRole("button", { name: /^Prove/u });
  assert.ok(await prove.isDisabled());
  await question("reachable").getByRole("combobox", { name: "Rule" }).fill("ask-before-change");
  await prove.press("Enter");
  const refuted = question("reachable").locator("[data-answer=counterexample]");
  const call = refuted.getByRole("group", { name: "The call" }).first();
  await call.getByText("asks a person, ask-before-change").waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await makeNarrow(page);
  assert.deepEqual(await sidewaysScroll(page), []);
});

test("axe finds nothing in the room of capsules, dark at 320 px, and nothing scrolls sideways there", async (context) => {
  requireChromium(context);
  await page.emulateMedia({ colorScheme: "dark" });
  await makeNarrow(page);
  const tabs = [
    ["", "[aria-label='What it holds']"],
    ["?tab=replay", "[data-verdict]"],
    ["?tab=what-if", "form[aria-label='What if']"],
    ["?tab=diff", "form[aria-label='Compare with another run']"],
    ["?tab=undo", "[data-thing=file]"],
  ];
  for (const [tab, content] of tabs) {
    await open(`capsules/${episode}${tab}`);
    await page.locator(`main ${content}`).first().waitFor();
    assert.deepEqual(await sidewaysScroll(page), [], tab);
    assert.deepEqual(await axeViolations(page), [], tab);
  }
  await open("capsules");
  await page.getByRole("button", { name: "Import a capsule" }).click();
  await page.evaluate("document.documentElement.style.fontSize = '200%'");
  assert.deepEqual(await sidewaysScroll(page), [], "large text");
  assert.deepEqual(await axeViolations(page), []);
});
