/** The texts of a new domain: one operation, its event, the view that folds it, and tests of all three. */

export const upperFirst = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

export const domainFiles = (name: string): ReadonlyMap<string, string> =>
  new Map([
    ["contract.ts", contractText(name)],
    ["views.ts", viewsText(name)],
    ["service.ts", serviceText(name)],
    ["views.test.ts", viewsTestText(name)],
    ["service.test.ts", serviceTestText(name)],
  ]);

const contractText = (name: string): string => `/** ${upperFirst(name)}: what the world may know of this domain. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { closed, EpochMs, type Static, Type } from "../../contract/schema.ts";

const Id = Type.String({ minLength: 1, maxLength: 64, description: "UUIDv7 of the entry." });
const Text = Type.String({ minLength: 1, maxLength: 1000, description: "What is kept." });

export const Added = event({
  kind: "${name}.added",
  about: "An entry was added.",
  data: closed({ id: Id, text: Text }),
});

export const Entry = closed({ id: Id, text: Text, addedAtMs: EpochMs });
export type Entry = Static<typeof Entry>;

export const Add = op({
  id: "${name}.add",
  http: "POST /${name}",
  cli: "${name} add <text>",
  effect: "write",
  about: "Add an entry.",
  input: closed({ text: Text }),
  output: closed({ id: Id }),
  emits: [Added],
});
`;

const viewsText = (name: string): string => `/** What is known of ${name}, folded from the events. */
import { on, view } from "../../contract/view.ts";
import { Added, Entry } from "./contract.ts";

/** The oldest entries go first; ten thousand rows list and rebuild without a pause. */
const rowsMax = 10_000;

const fold = on<Entry>();

export const ${name}View = view(Entry)({
  name: "${name}",
  version: 1,
  about: "Entries of ${name}, newest first.",
  rowsMax,
  folds: [
    fold(
      Added,
      (e) => e.data.id,
      (_row, e) => ({ ...e.data, addedAtMs: e.timeMs }),
    ),
  ],
});
`;

const serviceText = (name: string): string => `/** What the operations of ${name} do. */
import type { Domain } from "../../contract/domain.ts";
import { bind } from "../../contract/operation.ts";
import { Add, Added } from "./contract.ts";
import { ${name}View } from "./views.ts";

export const create${upperFirst(name)} = (): Domain => ({
  name: "${name}",
  operations: [
    bind(Add, async ({ text }, ctx) => {
      const id = ctx.id();
      await ctx.emit(Added, { id, text });
      return { id };
    }),
  ],
  events: [Added],
  views: [${name}View],
});
`;

const viewsTestText = (name: string): string => `import assert from "node:assert/strict";
import { test } from "vitest";
import type { Envelope } from "../../contract/event.ts";
import { Added } from "./contract.ts";
import { ${name}View } from "./views.ts";

test("an added entry is a row with the time of its event", () => {
  const envelope: Envelope = {
    seq: 1,
    id: "event",
    timeMs: 5,
    kind: Added.kind,
    version: 1,
    corrId: "corr",
    causeId: null,
    node: "here",
    caller: "person:admin",
    data: { id: "a", text: "first" },
  };
  const [fold] = ${name}View.folds;
  assert.equal(fold?.key(envelope as never), "a");
  assert.deepEqual(fold?.apply(undefined, envelope as never), { id: "a", text: "first", addedAtMs: 5 });
});
`;

const serviceTestText = (name: string): string => `import assert from "node:assert/strict";
import { test } from "vitest";
import type { Context } from "../../contract/operation.ts";
import { create${upperFirst(name)} } from "./service.ts";

test("adding answers with the new id and emits one event", async () => {
  const emitted: unknown[] = [];
  const context = {
    id: () => "new",
    emit: async (definition: { kind: string }, data: unknown) => emitted.push({ kind: definition.kind, data }),
  } as unknown as Context;
  const [add] = create${upperFirst(name)}().operations;
  assert.deepEqual(await add?.run({ text: "first" } as never, context), { id: "new" });
  assert.deepEqual(emitted, [{ kind: "${name}.added", data: { id: "new", text: "first" } }]);
});
`;
