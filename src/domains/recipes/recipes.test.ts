import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createFailingStore } from "../../../test/kit/journal.ts";
import { type Kit, type KitOptions, domainOf, makeKernel, turn, until } from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import { createMemoryBlobs } from "../../adapters/files/memory-blobs.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import { recipeText } from "../../app/recipe-text.ts";
import type { Caller } from "../../contract/caller.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { closed, type Static, Type } from "../../contract/schema.ts";
import type { AgentProgram } from "../agents/contract.ts";
import { DryRun, Lint, Run } from "./contract.ts";
import { createRecipes, type Recipes } from "./service.ts";

const Item = closed({ path: Type.String(), size: Type.Integer() });
const Look = op({
  id: "world.look",
  http: "POST /world/look",
  effect: "read",
  isTool: true,
  about: "x",
  input: closed({ folder: Type.String() }),
  output: closed({ items: Type.Array(Item) }),
  needs: ["fs:read"],
  scope: ({ folder }) => ({ folder }),
});
const Put = op({
  id: "world.put",
  http: "POST /world/put",
  effect: "write",
  isTool: true,
  about: "x",
  input: closed({ folder: Type.String(), text: Type.String() }),
  output: closed({ length: Type.Integer() }),
  needs: ["fs:write"],
  scope: ({ folder }) => ({ folder }),
});
const OpenFile = op({
  ...Look,
  id: "world.open",
  http: "POST /world/open",
  input: closed({ folder: Type.String(), path: Type.String() }),
  scope: ({ folder, path }) => ({ folder, path }),
});
const Hidden = op({ ...Look, id: "world.hidden", http: "POST /world/hidden", isTool: false });

function createWorld() {
  const did: string[] = [];
  let isHolding = false;
  const items = ["b.pdf", "a.md", "c.pdf"].map((path, size) => ({ path, size }));
  const domain = domainOf("world", {
    operations: [
      bind(Look, ({ folder }) => {
        did.push(`look ${folder}`);
        return { items };
      }),
      bind(OpenFile, () => ({ items })),
      bind(Hidden, () => ({ items })),
      bind(Put, async ({ text }, { signal }) => {
        if (isHolding)
          await new Promise((_, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
          });
        did.push(`put ${text}`);
        return { length: text.length };
      }),
    ],
  });
  return { did, domain, hold: (isHeld: boolean) => void (isHolding = isHeld) };
}

async function open(world = createWorld(), more: KitOptions = {}): Promise<Kit> {
  let recipes: Recipes | undefined;
  const late: AgentProgram = {
    id: "recipe",
    about: "x",
    model: "none",
    get tools() {
      return recipes?.program.tools ?? [];
    },
    run: (input, tools) => (recipes as Recipes).program.run(input, tools),
  };
  return makeKernel({
    ...more,
    programs: [late],
    domains: (parts) => {
      const policy = { rule: () => ({ effect: "ask" as const, rule: "r", source: "s", reason: "why" }) };
      recipes = createRecipes({ parts, text: recipeText, policy });
      return [recipes.domain, world.domain];
    },
  });
}

const head = `name = "r"\nabout = "A recipe."\n[[input]]\nname = "folder"\nkind = "folder"\n`;
const look = `[[step]]\nid = "look"\ntool = "world.look"\ninput = { folder = "{{input.folder}}" }\n`;
const put = (more: string) =>
  `[[step]]\nid = "put"\ntool = "world.put"\ninput = { folder = "{{input.folder}}", text = "{{item.path}}" }\neach = "{{steps.look.items}}"\n${more}\n`;
const recipe = `${head}${look}${put('when = { of = "{{item.path}}", ends = [".pdf"] }')}`;
const input = ["folder=/f"];

const answer = async <O>(kit: Kit, id: string, given: object): Promise<O> => {
  const { outcome } = await kit.call(id, given);
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: O }).output;
};
const lint = (kit: Kit, text: string) => answer<Static<typeof Lint.output>>(kit, Lint.id, { recipe: text });
const faultTexts = async (kit: Kit, text: string) =>
  (await lint(kit, text)).faults.map(({ line, message, hint }) => `${line}: ${message}; ${hint ?? ""}`);
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );

async function ended(kit: Kit, given: object): Promise<Static<typeof Run.output>> {
  const { corrId } = await kit.call(Run.id, given);
  const event = await kit.next("agents.run.finished", (each) => each.corrId === corrId);
  const { outcome, notDone, output } = event.data as Static<typeof Run.output> & { output: Static<typeof Run.output> };
  return { ...output, episode: corrId, outcome, notDone };
}

test("lint passes a good recipe and names its tools", async () => {
  await using kit = await open();
  assert.deepEqual(await lint(kit, recipe), { ok: true, name: "r", tools: ["world.look", "world.put"], faults: [] });
});

test("lint names each fault with its line and what may have been meant", async () => {
  await using kit = await open();
  const said = async (text: string) => (await faultTexts(kit, text)).join("\n");
  assert.match(await said("name = "), /^1: not valid TOML/u);
  assert.match(
    await said(`${head}${look.replace("world.look", "world.lok")}`),
    /^8: there is no tool world.lok; did you mean world.look\?$/u,
  );
  assert.match(
    await said(`${head}${look.replace("world.look", "world.hidden")}`),
    /^8: there is no tool world.hidden/u,
  );
  assert.match(
    await said(`${head}${look.replace("input.folder", "input.foldr")}`),
    /^9: .*no input foldr; did you mean folder\?$/u,
  );
  assert.match(
    await said(`${head}${look.replace("{ folder", "{ foldr")}`),
    /9: foldr is not known; did you mean folder\?/u,
  );
  const whens = await said(`${head}${look.replace("world.look", "world.lok")}when = { of = "x", iss = "y" }\n`);
  assert.match(whens, /^8: there is no tool world.lok.*\n\d+: iss is not known; did you mean is\?$/u);
  assert.match(
    await said(`${head}${look}${put("").replace("look.items", "look.itms")}`),
    /^14: .*answers no itms; did you mean items\?$/u,
  );
  assert.match(await said(`${head}${put("")}${look}`), /^10: .*no step look comes before/u);
  assert.match(await said(`${head}${look}${look}`), /^11: the step look is there already/u);
  assert.match(await said(`${head}${look}ask = true\n`), /^10: world.look only reads/u);
  assert.match(await said(`${head}${look}tex = ["x"]\n`), /10: tex is not known; did you mean text\?/u);
  assert.match(await said(`${head}${look}text = ["x"]\n`), /^6: the step look has tool and text/u);
  assert.match(await said(`${head}[[step]]\nid = "t"\ntext = ["{{item}}"]`), /^8: .*there is no list here/u);
});

test("a condition or a line of any place is told by its own name, at its own line, and hides no other fault", async () => {
  await using kit = await open();
  const said = async (text: string) => (await faultTexts(kit, text)).join("\n");
  const step = `${head}[[step]]\nid = "t"\n`;
  const of = 'of = "{{input.folder}}"';
  assert.match(
    await said(`${step}text = [\n  "x",\n  { ${of}, line = "{{nothing}}", when = { of = "x", iss = 1 } },\n]`),
    /^10: iss is not known; did you mean is\?\n10: \{\{nothing\}\}: nothing is not known/u,
  );
  assert.match(
    await said(`${step}list = { ${of}, when = { of = "x", above = [1] } }`),
    /^8: list\.when\.above must be a text or a number; $/u,
  );
  assert.match(await said(`${step}list = { ${of}, wen = "x" }`), /^8: wen is not known; did you mean when\?/u);
  assert.match(await said(`${step}text = ["x", 3]`), /^8: text must be of texts and tables; text = /u);
  assert.match(await said(`${step}text = ["x", { ${of}, lin = "x" }]`), /lin is not known; did you mean line\?/u);
  assert.match(await said(`${step}text = ["x"]\nwhen = 3`), /^9: when must be a text or a table; when = /u);
  const leftOut = `${step}text = ["x"]\n[[left-out]]\ntext = "y"\n`;
  assert.match(await said(`${leftOut}when = { off = "x" }`), /^11: off is not known; did you mean of\?/u);
  assert.match(await said(leftOut), /^9: left-out must have the field "when"/u);
});

test("junk never throws, and each of its faults has a line of the text", async () => {
  await using kit = await open();
  const chunk = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.constantFrom(
      ...recipe.split("\n"),
      "[[",
      "]]",
      "{{steps.",
      "}}",
      '"""',
      "each = 3",
      "[step]",
      "step = 1",
      "\n",
      "__proto__ = 1",
      "[left-out]",
    ),
  );
  const text = fc.array(chunk, { maxLength: 30 }).map((parts) => parts.join("\n"));
  await fc.assert(
    fc.asyncProperty(text, async (junk) => {
      const { ok, faults } = await lint(kit, junk);
      const lines = junk.split("\n").length;
      assert.equal(ok, faults.length === 0);
      for (const { line } of faults) assert.ok(line >= 1 && line <= lines, `${line} of ${lines}`);
    }),
    runs(60),
  );
});

test("a deep text is a fault and no overflow", async () => {
  await using kit = await open();
  const deep = `${head}${look}when = ${"[".repeat(20_000)}${"]".repeat(20_000)}`;
  assert.equal((await lint(kit, deep)).ok, false);
  assert.equal((await lint(kit, `${head}${look}answer = ${"[".repeat(40)}${"]".repeat(40)}`)).ok, false);
});

test("a dry run tells what each step would be asked, and does nothing", async () => {
  const world = createWorld();
  await using kit = await open(world, { deny: ["world:put"] });
  const before = kit.events().length;
  const { steps } = await answer<Static<typeof DryRun.output>>(kit, DryRun.id, { recipe, input });
  assert.deepEqual(
    steps.map(({ id, verdict, rule, input: given }) => ({ id, verdict, rule, given })),
    [
      { id: "look", verdict: "ask", rule: "r", given: { folder: "/f" } },
      { id: "put", verdict: "deny", rule: "world:put", given: { folder: "/f", text: "…" } },
    ],
  );
  assert.deepEqual(world.did, []);
  assert.equal(kit.events().length, before);
  const agent: Caller = { kind: "agent", id: "scout" };
  assert.equal(await codeOf(kit.call(DryRun.id, { recipe, input }, agent)), "arw.denied");
});

test("a run does its steps under grants made from the recipe", async () => {
  const world = createWorld();
  await using kit = await open(world);
  const report =
    '[[step]]\nid = "t"\ntext = ["# {{run.date}}", { of = "{{steps.look.items}}", line = "- {{item.path}}" }]\n';
  const text = `answer = "{{steps.t.text}}"\noutcome = "{{steps.put.count}} put"\n${recipe}${report}`;
  const { outcome, notDone, done, answer: answered } = await ended(kit, { recipe: text, input, allow: ["world.put"] });
  assert.deepEqual(world.did, ["look /f", "put b.pdf", "put c.pdf"]);
  assert.deepEqual([outcome, notDone, done], ["2 put", [], ["look", "put", "t"]]);
  assert.equal(answered, "# 2025-06-15\n- b.pdf\n- a.md\n- c.pdf");
});

test("a person's no to one item skips that item alone", async () => {
  const world = createWorld();
  await using kit = await open(world);
  const going = ended(kit, { recipe, input });
  const asked = () => kit.events().filter((each) => each.kind === "approvals.requested");
  for (const [count, decision] of ["deny", "allow"].entries()) {
    await until(() => asked().length > count, "it asks");
    const data = asked()[count]?.data as { readonly approvalId: string } | undefined;
    await kit.call("approvals.decide", { approvalId: data?.approvalId, decision });
  }
  const { notDone } = await going;
  assert.deepEqual(world.did, ["look /f", "put c.pdf"]);
  assert.equal(notDone.length, 1);
});

test("a run stops at a step that a rule denies, and says which and why", async () => {
  const world = createWorld();
  await using kit = await open(world, { deny: ["world:put"] });
  const { outcome, notDone, done, stoppedAt } = await ended(kit, { recipe, input, allow: ["world:put"] });
  assert.deepEqual(world.did, ["look /f"]);
  assert.deepEqual([done, stoppedAt], [["look"], "put"]);
  assert.match(outcome, /^Stopped at put: .*world:put/u);
  assert.match(notDone[0] ?? "", /^put: not done/u);
});

test("a recipe that makes far more than it was given ends, and says so", async () => {
  await using kit = await open();
  const line = `"${"{{input.folder}}".repeat(200)}"`;
  const text = `${head}[[step]]\nid = "t"\ntext = [${Array.from({ length: 15 }, () => line).join(", ")}]\n`;
  const { corrId } = await kit.call(Run.id, { recipe: text, input: [`folder=/${"f".repeat(4000)}`] });
  const { data } = await kit.next("agents.run.failed", (each) => each.corrId === corrId);
  assert.equal((data as { readonly code: string }).code, "recipes.too-much");
});

test("what does not hold is refused before anything runs", async () => {
  const world = createWorld();
  await using kit = await open(world);
  const asking = `${head}${look}${put("ask = true")}`;
  for (const given of [
    { recipe: "name = 1", input },
    { recipe },
    { recipe, input: ["folder=/f", "more=1"] },
    { recipe: asking, input, allow: ["world.put"] },
    { recipe: asking, input, allow: ["world:*"] },
    { recipe, input, allow: ["fs.write"] },
  ])
    assert.equal(await codeOf(kit.call(Run.id, given)), "recipes.invalid", JSON.stringify(given));
  assert.deepEqual(world.did, []);
});

test("a run that the end of the hub cut off goes on without repeating a step", async () => {
  const world = createWorld();
  const disk = createMemoryStore();
  const blobs = createMemoryBlobs({ sizeBytesMaxEach: 1_000_000 });
  world.hold(true);
  let episode = "";
  {
    await using kit = await open(world, { store: createFailingStore(disk), blobs });
    ({ corrId: episode } = await kit.call(Run.id, { recipe, input, allow: ["world.put"] }));
    await kit.next("intents.proposed", (each) => each.corrId === episode);
    for (let turns = 0; turns < 20; turns += 1) await turn();
  }
  world.hold(false);
  await using kit = await open(world, { store: createFailingStore(disk), blobs });
  await kit.next("agents.run.interrupted", (each) => each.corrId === episode);
  await kit.call("agents.resume", { episode });
  await kit.next("agents.run.finished", (each) => each.corrId === episode);
  assert.deepEqual(world.did, ["look /f", "put b.pdf", "put c.pdf"]);
});

const kinds = `name = "r"\nabout = "A recipe."\n[[input]]\nname = "doc"\nkind = "file"\n[[input]]\nname = "tone"\nkind = "choice"\noptions = ["short", "long"]\ndefault = "short"\n`;
const readOne = (path: string): string =>
  `[[step]]\nid = "open"\ntool = "world.open"\ninput = { folder = "{{input.doc.folder}}", path = "${path}" }\n[[step]]\nid = "say"\ntext = ["{{input.doc.path}} {{input.tone}}"]\n`;

test("a file is one file of its folder, and a choice is one of its options", async () => {
  await using kit = await open();
  const reading = (path: string): string => `answer = "{{steps.say.text}}"\n${kinds}${readOne(path)}`;
  const own = reading("{{input.doc.path}}");
  const { answer: said } = await ended(kit, { recipe: own, input: ["doc=/notes/plan.md", "tone=long"] });
  assert.equal(said, "plan.md long");
  const started = kit.events().findLast(({ kind }) => kind === "agents.run.started");
  assert.deepEqual(Object(started?.data).grants, [{ key: "world:open", folder: "/notes", path: "plan.md" }]);
  const other = await ended(kit, { recipe: reading("other.md"), input: ["doc=/notes/plan.md"] });
  assert.equal(other.stoppedAt, "open", "what lies beside it was not given");
  const refused = (input: readonly string[]) => codeOf(kit.call(Run.id, { recipe: own, input }));
  assert.equal(await refused(["doc=/notes/plan.md", "tone=loud"]), "recipes.invalid");
  assert.equal(await refused(["doc=plan.md"]), "recipes.invalid");
  assert.equal(await refused(["doc=/notes/"]), "recipes.invalid");
});

test("a choice needs its options, and its default is one of them", async () => {
  await using kit = await open();
  const said = async (text: string) => (await faultTexts(kit, `${text}${look}`)).join("\n");
  const input = (more: string) => `name = "r"\nabout = "x"\n[[input]]\nname = "folder"\n${more}\n`;
  assert.match(await said(input('kind = "choice"')), /the choice folder has no options; add options/u);
  assert.match(await said(input('options = ["a"]')), /options go with a choice/u);
  assert.match(await said(input('kind = "choice"\noptions = ["a"]\ndefault = "b"')), /b is not among the options/u);
});

const deep = (depth: number, [open, close]: readonly [string, string]): string =>
  `${open.repeat(depth)}1${close.repeat(depth)}`;

test.each([
  ["lists in lists", `x = ${deep(30_000, ["[", "]"])}`],
  ["tables in tables", `x = ${deep(9_000, ["{a=", "}"])}`],
  ["a long dotted name", `${"a.".repeat(30_000)}a = 1`],
  ["many tables", "[[step]]\n".repeat(7000)],
  ["many keys", Array.from({ length: 8000 }, (_, each) => `k${each}=1`).join("\n")],
  ["one long string", `name = "${"{{".repeat(32_000)}"`],
  ["braces without an end", `${head}[[step]]\nid = "s"\ntext = ["${"{{steps.".repeat(490)}"]`],
  ["a name that leads through everything", `${head}[[step]]\nid = "s"\ntext = ["{{steps${".*".repeat(1900)}}}"]`],
  ["a step that stands on itself", `${head}[[step]]\nid = "s"\ntext = ["{{steps.s.text}}"]`],
  [
    "steps that stand on each other",
    `${head}[[step]]\nid = "a"\ntext = ["{{steps.b.text}}"]\n[[step]]\nid = "b"\ntext = ["{{steps.a.text}}"]`,
  ],
  [
    "names of the language",
    `${head}[[step]]\nid = "constructor"\ntool = "__proto__"\ninput = { __proto__ = "{{input.constructor}}" }`,
  ],
  ["numbers that are none", "x = nan\ny = 99999999999999999999999\nz = -inf"],
  ["quotes without an end", `name = """${"\n".repeat(60_000)}`],
])("lint ends soon with faults: %s", async (_name, text) => {
  await using kit = await open();
  const began = performance.now();
  const { ok, faults } = await lint(kit, text.slice(0, 65_536));
  assert.equal(ok, false);
  assert.ok(faults.length > 0 && faults.length <= 51);
  // Many times what it takes, on a machine that does much else.
  assert.ok(performance.now() - began < 5000);
});
