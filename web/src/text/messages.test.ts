import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";
import { answerCatalog } from "../parts/answers/answer-messages.ts";
import { needsCatalog } from "../parts/needs/needs-messages.ts";
import { agentCatalog } from "../parts/agents/agent-messages.ts";
import { runCapsulesCatalog } from "../rooms/capsules/capsules-messages.ts";
import { chatCatalog } from "../rooms/chat/chat-messages.ts";
import { connectionsCatalog } from "../rooms/connections/connections-messages.ts";
import { eventsCatalog, v } from "../rooms/events/events-messages.ts";
import { policyCatalog } from "../rooms/policy/policy-messages.ts";
import { catalog as general, t } from "./messages.ts";

const catalog = {
  ...general,
  ...policyCatalog,
  ...answerCatalog,
  ...agentCatalog,
  ...connectionsCatalog,
  ...eventsCatalog,
  ...chatCatalog,
  ...runCapsulesCatalog,
  ...needsCatalog,
};

const folder = join(import.meta.dirname, "..");
const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
const read = (test: RegExp): string =>
  files
    .filter((file) => test.test(file) && !file.includes(".test.") && !file.endsWith("messages.ts"))
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .join("\n");

test("every key is room.thing.purpose, and every string is plain and calm", () => {
  for (const [key, message] of Object.entries(catalog)) {
    assert.match(key, /^[a-z]+\.[a-z]+\.[a-z]+$/u);
    const texts = typeof message === "string" ? [message] : [message.one, message.other];
    for (const text of texts) assert.doesNotMatch(text, /!|\bplease\b|\b(job|trace|session|thread)s?\b/iu, key);
  }
});

test("no string of the catalog is unused", () => {
  const code = read(/\.tsx?$/u);
  const starts = [...code.matchAll(/`([a-z]+\.[a-z]+\.)\$\{/gu)].map((match) => match[1] ?? "");
  const unused = Object.keys(catalog).filter(
    (key) => !code.includes(`"${key}"`) && !starts.some((start) => key.startsWith(start)),
  );
  assert.deepEqual(unused, []);
});

test("no text of the interface stands outside the catalog", () => {
  const found = [
    ...read(/\.tsx$/u).matchAll(/(?:(?<!=)>|(?:label|title|placeholder|alt)=")\s*([A-Z][a-z]+[^<>{}"=;()]*)(?:<|")/gu),
  ].map((match) => match[1]);
  assert.deepEqual(found, []);
});

test("no style but the tokens names a colour or a duration", () => {
  const styles = files
    .filter((file) => file.endsWith(".css") && file !== "tokens.css")
    .flatMap((file) =>
      readFileSync(join(folder, file), "utf8")
        .split("\n")
        .map((line) => `${file}: ${line.trim()}`),
    );
  const systemColours = /Highlight|ButtonText|Canvas/u;
  const literal = /#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(|\boklch\(|transition:.*\d+m?s\b/iu;
  assert.deepEqual(
    styles.filter((line) => literal.test(line) && !systemColours.test(line)),
    [],
  );
});

test("values are filled in and a count picks the form", () => {
  assert.equal(v("events.list.count", { count: 1 }), "1 event");
  assert.equal(v("events.list.count", { count: 1200 }), "1,200 events");
  assert.equal(t("episode.meta.agent", { agent: "{count}" }), "Agent {count}");
});
