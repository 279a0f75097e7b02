/** Journeys through the policy room and the stop of everything: a hub with rules of its own, and what a person would do. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { publicBytesOf } from "../../src/base/ed25519.ts";
import { sealCapsule } from "../../src/domains/provenance/seal.ts";
import { requireChromium } from "../chromium.ts";
import {
  axeViolations,
  closeStage,
  openStage,
  briefSample,
  type Hub,
  makeNarrow,
  runFromPalette,
  sidewaysScroll,
  signIn,
  visit,
} from "./web-journey.ts";

let hub: Hub;
let browser: Browser;

const own = `@id("hands-off")
forbid (principal is Agent, action in Action::"write", resource in Folder::"/home/ada");
`;
const examples = `[[example]]
name = "hands off my notes"
caller = "agent:scout"
operation = "fs.write"
input = { folder = "/home/ada/notes", path = "a.md", text = "" }
expect = "deny"
rule = "hands-off"

[[example]]
name = "elsewhere it may"
caller = "agent:scout"
operation = "fs.write"
input = { folder = "/srv", path = "a.md", text = "" }
expect = "allow"
`;
const gating = `[[contract]]
id = "twenty-reads"
patterns = ["fs:read"]
quotaLimit = 20
quotaWindowSecs = 3600
reason = "twenty are enough"
subjectAgent = "night-owl"
`;

/** What a person would write with an editor. */
const write = (name: string, text: string): void => {
  mkdirSync(join(hub.stateDir, "policies"), { recursive: true });
  writeFileSync(join(hub.stateDir, name), text);
};

beforeAll(async () => {
  ({ hub, browser } = await openStage({ ARW_GATING_DENY: "journal:import" }));
});
afterAll(() => closeStage({ hub, browser }));

/** Opens a view of the room and waits until all of it is there. */
async function open(page: Page, view: string): Promise<void> {
  await page.goto(`${hub.url}/ui/policy?view=${view}`);
  await page.locator("main h1").waitFor();
  await page.locator("[data-phase=live]").waitFor();
  await page.locator("main [aria-busy]").first().waitFor({ state: "detached" });
}

test("rules are listed as they are written, read anew by a press, and faults are named by their line", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await page.keyboard.press("g");
  await page.keyboard.press("y");
  await page.waitForURL(/\/ui\/policy/u);
  await page.getByText("None yet.", { exact: false }).waitFor();
  const shipped = page.getByRole("list", { name: /default policies$/u });
  assert.equal(await shipped.isVisible(), false, "default policies are folded away");
  await page.locator("summary", { hasText: "default policies" }).click();
  await shipped.getByText("ask-before-change", { exact: true }).waitFor();
  await page.getByRole("list", { name: "Deny rules" }).getByText("env:ARW_GATING_DENY").waitFor();

  write("policies/home.cedar", own);
  write("gating.toml", gating);
  const reload = page.getByRole("button", { name: "Reload" });
  await reload.click();
  await page.getByRole("status").filter({ hasText: "Read anew" }).waitFor();
  const mine = page.getByRole("list", { name: "Your policies" }).getByRole("listitem");
  assert.match(await mine.innerText(), /denies\s+hands-off\s+policies\/home\.cedar:1/u);
  assert.match(await mine.locator("pre").innerText(), /forbid \(principal is Agent/u);
  const quota = page.getByRole("listitem").filter({ hasText: "twenty-reads" });
  for (const text of ["active now", "20 calls of each key in 1 h 0 min pass", "twenty are enough", "agent night-owl"])
    await quota.getByText(text).waitFor();

  write("policies/home.cedar", `${own}permit (principal is Agent, action == Action::"fs.wriet", resource);`);
  await reload.click();
  const fault = page.getByRole("alert");
  await fault.getByText("The policies do not hold. The former ones stay in force.").waitFor();
  assert.match(await fault.innerText(), /policies\/home\.cedar:3.*did you mean/su);
  assert.deepEqual(await axeViolations(page), []);
  write("policies/home.cedar", own);
  await reload.press("Enter");
  await fault.waitFor({ state: "detached" });
  assert.deepEqual(visited.faults, []);
});

test("the tester names the deciding rule, says what would change it, and holds the examples", async (context) => {
  requireChromium(context);
  write("policies/home.cedar", own);
  write("policies/examples.toml", examples);
  await hub.call("/policy/reload", {});
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await open(page, "tester");
  const form = page.getByRole("form", { name: "Test a call" });
  const answer = page.getByRole("region", { name: "Answer" });
  const press = (): Promise<void> => form.getByRole("button", { name: "Test", exact: true }).click();
  await press();
  await form.getByText("Name an operation, such as fs.write.").waitFor();
  await form.getByLabel("Operation or key").fill("fs.wriet");
  await press();
  await form.getByRole("alert").getByText("there is no operation fs.wriet").waitFor();
  await form.getByLabel("Operation or key").fill("fs.write");
  await form.getByLabel("Who calls").selectOption({ label: "Agent" });
  await form.getByLabel("Name", { exact: true }).fill("scout");
  await press();
  await answer.getByText("fs:write by agent:scout would wait for a person.").waitFor();
  await answer.getByRole("definition").filter({ hasText: "ask-before-change" }).waitFor();
  await page.waitForURL(/operation=fs\.write&caller=agent%3Ascout/u);

  await form.getByLabel("folder", { exact: true }).fill("/home/ada/notes");
  await press();
  await form.getByRole("alert").getByText('must have the fields "path", "text"').waitFor();
  await form.getByLabel("path", { exact: true }).fill("a.md");
  await form.getByLabel("text", { exact: true }).fill("x");
  await form.getByLabel("expectedDigest").fill('"odd"');
  await press();
  await form.getByLabel("expectedDigest").and(page.locator("[aria-invalid=true]")).waitFor();
  await form.getByLabel("expectedDigest").fill("");
  await press();
  await answer.getByText("fs:write by agent:scout would be denied.").waitFor();
  assert.match(await answer.getByRole("list").innerText(), /policy\s+denied\s+fs:write\s+policies\/home\.cedar:1/u);
  await answer.getByText(/^change the policy .*policies\/home\.cedar:1/u).waitFor();
  assert.equal(new URL(page.url()).search.includes("ada"), false, "the input stays out of the address");

  await form.getByRole("radio", { name: "JSON" }).click();
  assert.deepEqual(JSON.parse(await form.getByLabel("Input as JSON").inputValue()), {
    folder: "/home/ada/notes",
    path: "a.md",
    text: "x",
  });
  await form.getByLabel("Input as JSON").fill("{");
  await press();
  await form.getByText("This is not JSON:", { exact: false }).waitFor();

  await page.getByRole("button", { name: "Test examples" }).click();
  await page.getByText("1 passed, 1 failed").waitFor();
  const held = page.getByRole("list", { name: "Examples that are held" });
  await held.getByText("expected allow, got ask by ask-before-change").waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await page.reload();
  await form.getByLabel("Operation or key").and(page.locator("[value='fs.write']")).waitFor();
  assert.equal(await form.getByLabel("Name", { exact: true }).inputValue(), "scout");
  assert.deepEqual(visited.faults, []);
});

test("a question is answered in the room by keys alone, and stands among the answered ones with its rule", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  const id = await briefSample(hub);
  await open(page, "approvals");
  const card = page.locator(`main [data-approval][data-episode="${id}"]`);
  await card.getByText(/\d\d:\d\d:\d\d, \d+\u00a0min \d+\u00a0s left$/u).waitFor();
  await card.getByText("ask-before-change").waitFor();
  await card.getByText("What was there before is kept.").waitFor();
  await card.getByText("Exact arguments").waitFor();
  await card.focus();
  await page.keyboard.press("d");
  await card.waitFor({ state: "detached" });
  const past = page.getByRole("list", { name: "Answered" }).getByRole("listitem").first();
  await past.getByText("Denied", { exact: true }).waitFor();
  await past.getByText("asked by agent:scout").waitFor();
  await past.getByRole("button", { name: "Why" }).click();
  await past.getByRole("group", { name: "Why" }).getByText("ask-before-change").waitFor();
  assert.deepEqual(await axeViolations(page), []);
  assert.deepEqual(visited.faults, []);
});

test("open hosts are told, the status bar tells of them, and the ledger names rule and bytes", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await open(page, "outside");
  const status = page.getByRole("contentinfo");
  await status.getByRole("link", { name: "local only" }).waitFor();
  await page.getByText("Closed: nothing of an agent leaves but by a lease.").waitFor();
  await page.getByText("Nothing left this machine, and nothing tried to.").waitFor();
  await page.getByText("No host is open for a while.").waitFor();
  await hub.call("/egress/leases", { host: "example.org", ttl: "15m", agent: "scout", reason: "a look" });
  await page.getByText("1 host is open for a while:").waitFor();
  await status.getByRole("link", { name: "1 outside" }).waitFor();
  await hub.call("/web/fetch", { url: `${hub.url}/version` });
  const entry = page.getByRole("list", { name: "What left, and what was refused" }).getByRole("listitem");
  assert.match(
    await entry.innerText(),
    /Sent\s+127\.0\.0\.1:\d+\s+GET http:[^]*person:admin\s+web:fetch[^]*typed[^]*\d+\sB out/u,
  );
  assert.deepEqual(await axeViolations(page), []);
  await page.getByRole("radio", { name: "Refused" }).click();
  await page.waitForURL(/outcome=refused/u);
  await page.getByText("Nothing of this outcome.").waitFor();
  const { token } = await hub.call<{ token: string }>("/access/tokens", { name: "bot", role: "agent", key: ["web:*"] });
  const send = { capability: "net:send", holder: "agent:bot" };
  const { leaseId } = await hub.call<{ leaseId: string }>("/leases", send);
  await fetch(`${hub.url}/web/fetch`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ url: "http://closed.example.com/" }),
  });
  const held = { authorization: `Bearer ${hub.token}` };
  for (const path of ["access/tokens/bot", `leases/${leaseId}`])
    assert.ok((await fetch(`${hub.url}/${path}`, { method: "DELETE", headers: held })).ok);
  await entry.getByText("closed.example.com", { exact: false }).first().waitFor();
  assert.match(await entry.innerText(), /Refused\s+closed\.example\.com:80[^]*agent:bot\s+web:fetch[^]*Rule/u);
  await page.getByRole("link", { name: "Open or close a host" }).click();
  const lease = page.getByRole("list", { name: "Leases" }).getByRole("listitem");
  await lease.getByText(/ends in 1[0-5]\smin \d+\ss/u).waitFor();
  for (const text of ["example.org", "for agent:scout", "a look"])
    await lease.getByText(text, { exact: true }).waitFor();
  await lease.getByText(/^given by person:admin/u).waitFor();
  await lease.getByRole("button", { name: "Revoke example.org for agent:scout" }).press("Enter");
  await page.getByText("example.org is closed again", { exact: false }).waitFor();
  await status.getByRole("link", { name: "local only" }).waitFor();
  assert.deepEqual(visited.faults, []);
});

test("adopted capsules are counted down and ended, and the ledger says what became of each", async (context) => {
  requireChromium(context);
  const { privateKey } = generateKeyPairSync("ed25519");
  const publicKey = Buffer.from(publicBytesOf(privateKey)).toString("base64");
  await hub.call("/provenance/issuers", { id: "gran", publicKey });
  const nowMs = Date.now();
  const envelope = JSON.stringify(
    sealCapsule(
      {
        id: "house-rules",
        version: 1,
        issuer: "gran",
        issuedAtMs: nowMs,
        notAfterMs: nowMs + 3_600_000,
        nonce: "a-nonce-of-one-capsule",
        hopTtl: 1,
        propagate: "none",
        denies: ["journal:import"],
        contracts: [],
      },
      privateKey,
    ),
  );
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await open(page, "capsules");
  await page.getByText("None is adopted.").waitFor();
  await page.getByText("No capsule was presented.").waitFor();
  await hub.call("/provenance/capsules", { envelope });
  const held = page.getByRole("list", { name: "Capsules in force" }).getByRole("listitem");
  await held.getByText("house-rules of gran", { exact: true }).waitFor();
  await held.getByText("1 rule", { exact: true }).waitFor();
  await held.getByText(/ends in (?:5\d\smin \d+\ss|1\sh 0\smin)/u).waitFor();
  await held.getByRole("button", { name: "End house-rules" }).click();
  await page.getByRole("dialog", { name: "End house-rules?" }).getByRole("button", { name: "End capsule" }).click();
  await page.getByText("None is adopted.").waitFor();
  const ledger = page.getByRole("list", { name: "Adoption ledger" }).getByRole("listitem");
  await ledger.filter({ hasText: "ended" }).getByText("teardown", { exact: true }).waitFor();
  assert.deepEqual(
    (await ledger.allInnerTexts()).map((text) => /^\w+/u.exec(text)?.[0]),
    ["ended", "adopted"],
  );
  assert.deepEqual(await axeViolations(page), []);
  assert.deepEqual(visited.faults, []);
});

test("a token is shown once, counted down, rotated and removed", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  await open(page, "tokens");
  const form = page.getByRole("form", { name: "Make a token" });
  await form.getByLabel("Name").fill("grafana");
  await form.getByLabel("Keys").fill("state:* events:*");
  await form.getByLabel("Works for").fill("2h");
  await form.getByRole("button", { name: "Make token" }).click();
  const made = page.getByRole("dialog", { name: "The token of grafana" });
  await made.waitFor();
  assert.equal(await made.locator("code").count(), 0, "nobody sees it who did not ask");
  await made.getByRole("button", { name: "Show for 10 seconds" }).click();
  const text = await made.locator("code").innerText();
  const asHolder = (token: string): Promise<Response> =>
    fetch(`${hub.url}/state/episodes`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await asHolder(text)).status, 200);
  await made.getByRole("button", { name: "Done" }).click();
  const kept = await page.evaluate<string>(
    "document.documentElement.outerHTML + JSON.stringify({ ...localStorage, ...sessionStorage })",
  );
  assert.equal(kept.includes(text), false, "the page keeps it nowhere");
  const row = page.getByRole("list", { name: "Tokens" }).getByRole("listitem");
  assert.match(
    await row.innerText(),
    /grafana\s+observer\s+state:\*\s+events:\*[^]*Ends in (?:1\sh 59\smin|2\sh 0\smin)/u,
  );
  assert.deepEqual(await axeViolations(page), []);
  await row.getByRole("button", { name: "Rotate grafana" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Rotate" }).click();
  await made.getByRole("button", { name: "Done" }).click();
  assert.equal((await asHolder(text)).status, 401, "the old text ended");
  await row.getByRole("button", { name: "Remove grafana" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await page.getByText("No token but the first one.").waitFor();
  assert.deepEqual(visited.faults, []);
});

test("everything stops from any page by keys alone, says so live on every page, and goes on after Release", async (context) => {
  requireChromium(context);
  await using visited = await visit(browser);
  const { page } = visited;
  await signIn(page, hub);
  const id = await briefSample(hub);
  const other = await visited.context.newPage();
  await other.goto(`${hub.url}/ui/events`);
  await other.locator("[data-phase=live]").waitFor();
  await page.goto(`${hub.url}/ui/episodes/${id}`);
  await page.locator("main header [data-status=waiting]").waitFor();
  await page.getByRole("button", { name: "Stop everything" }).focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Stop everything?" });
  await dialog.waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page.keyboard.press("Enter");
  await dialog.waitFor();
  await page.keyboard.type("it reads too much");
  await page.keyboard.press("Enter");
  await page.locator("main header [data-status=cancelled]").waitFor();
  for (const each of [page, other]) {
    const banner = each.getByRole("region", { name: "Stopped" });
    await banner.getByText("Everything is stopped.").waitFor();
    assert.match(await banner.innerText(), /By person:admin,[^]*it reads too much/u);
  }
  assert.deepEqual(await axeViolations(page), []);
  await page.getByRole("link", { name: "Home" }).click();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("alert").getByText("A person releases it", { exact: false }).waitFor();
  await page.reload();
  await page.getByRole("region", { name: "Stopped" }).waitFor();
  await page.getByRole("button", { name: "Stopped", exact: true }).press("Enter");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Stopped" }).waitFor({ state: "detached" });
  await other.getByRole("region", { name: "Stopped" }).waitFor({ state: "detached" });
  await page.keyboard.press("Control+k");
  await runFromPalette(page, "stop every", "Stop everything");
  await dialog.getByRole("button", { name: "Go on working" }).click();
  await page.getByRole("button", { name: "Stop everything" }).waitFor();
  assert.deepEqual(visited.faults, []);
});

for (const theme of ["light", "dark"] as const) {
  test(`axe finds nothing in the policy room, ${theme}, and nothing scrolls sideways at 320 px`, async (context) => {
    requireChromium(context);
    await using visited = await visit(browser, { colorScheme: theme });
    const { page } = visited;
    await signIn(page, hub);
    await briefSample(hub);
    const tester = "tester&operation=fs.write&caller=agent%3Ascout";
    for (const view of ["rules", tester, "leases", "approvals", "budgets", "agents", "outside", "capsules", "tokens"]) {
      await page.setViewportSize({ width: 1440, height: 900 });
      await open(page, view);
      assert.deepEqual(await axeViolations(page), [], view);
      await makeNarrow(page);
      assert.deepEqual(await sidewaysScroll(page), [], view);
      assert.deepEqual(await axeViolations(page), [], `${view} at 320 px`);
    }
    assert.deepEqual(visited.faults, []);
  });
}
