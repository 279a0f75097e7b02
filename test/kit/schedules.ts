/** A kernel with schedules, recipes and files in memory; notices, files of recipes and time are in the test's hands. */
import { createMemoryBlobs } from "../../src/adapters/files/memory-blobs.ts";
import { createMemoryFolders, type MemoryFolders } from "../../src/adapters/files/memory-folder.ts";
import { createManualClock } from "../../src/adapters/memory/clock.ts";
import { createManualNotices, type ManualNotices } from "../../src/adapters/memory/folder-notices.ts";
import { recipeText } from "../../src/app/recipe-text.ts";
import { createRedactor } from "../../src/base/redact.ts";
import { bind, op } from "../../src/contract/operation.ts";
import { closed, type Static, Type } from "../../src/contract/schema.ts";
import type { AgentProgram } from "../../src/domains/agents/contract.ts";
import { createFolderReader } from "../../src/domains/fs/reader.ts";
import { createFs } from "../../src/domains/fs/service.ts";
import { createRecipes, type Recipes } from "../../src/domains/recipes/service.ts";
import type { Add, Schedule } from "../../src/domains/schedules/contract.ts";
import { createSchedules } from "../../src/domains/schedules/service.ts";
import { domainOf, type Kit, type KitOptions, makeKernel, startMs, turn } from "./kernel.ts";

/** Says that it ran, and ends only when the test lets it. */
const Ring = op({
  id: "bell.ring",
  http: "POST /bell/ring",
  effect: "read",
  isTool: true,
  about: "Rings.",
  input: closed({ word: Type.String() }),
  output: closed({ word: Type.String() }),
  // As long as a test lets it ring.
  deadlineMs: 86_400_000,
});

export const bellRecipe = (word: string, more = ""): string =>
  `name = "bell"\nabout = "Rings a bell."\noutcome = "rang"\n${more}[[step]]\nid = "ring"\ntool = "bell.ring"\ninput = { word = "${word}" }\n`;

export interface ScheduleKit extends AsyncDisposable {
  readonly kit: Kit;
  readonly folders: MemoryFolders;
  readonly notices: ManualNotices;
  /** Words that were rung, in their order. */
  readonly rung: string[];
  /** Texts of recipes by their path. */
  readonly files: Map<string, string>;
  /** Runs that began from now on wait until they are let go. */
  hold(isHeld: boolean): void;
  halt(isHalted: boolean): void;
  add(name: string, input: object): Promise<Static<typeof Add.output>>;
  row(name: string): Promise<Schedule>;
  /** Moves time on, and lets what it began come to rest. */
  pass(ms: number): Promise<void>;
  rest(): Promise<void>;
  said(kind: string): readonly Record<string, unknown>[];
}

/** Turns after which everything that waits for no clock has come to rest. */
const restTurns = 120;
/** What a timer began is under way before the next one runs. */
const stepTurns = 6;

export async function openSchedules(
  options: KitOptions & { readonly world?: ScheduleWorld } = {},
): Promise<ScheduleKit> {
  const world = options.world ?? createWorld();
  const clock = options.clock ?? createManualClock(startMs);
  let halting = new AbortController();
  let recipes: Recipes | undefined;
  const program: AgentProgram = {
    id: "recipe",
    about: "x",
    model: "none",
    get tools() {
      return recipes?.program.tools ?? [];
    },
    run: (input, tools) => (recipes as Recipes).program.run(input, tools),
  };
  const kit = await makeKernel({
    blobs: createMemoryBlobs({ sizeBytesMaxEach: 1_000_000 }),
    ...options,
    clock,
    programs: [program, ...(options.programs ?? [])],
    domains: (parts) => {
      const rule = { effect: "allow" as const, rule: "r", source: "s", reason: "why" };
      recipes = createRecipes({ parts, text: recipeText, policy: { rule: () => rule } });
      const reader = createFolderReader({ folders: world.folders, redactor: createRedactor({ secrets: [] }) });
      const schedules = createSchedules({
        parts,
        clock,
        log: {
          info: () => {},
          warn: () => {},
          error: (text, fields) => void world.errors.push(`${text} ${JSON.stringify(fields)}`),
        },
        files: { read: (path) => Promise.resolve(world.files.get(path) ?? null) },
        notices: world.notices,
        halted: () => halting.signal,
      });
      return [recipes.domain, createFs({ reader, recorder: () => parts.recorder }), bellOf(world), schedules];
    },
  });
  const rest = async (): Promise<void> => {
    for (let turns = 0; turns < restTurns; turns += 1) await turn();
  };
  const answer = async <T>(id: string, input: object): Promise<T> => {
    const { outcome } = await kit.call(id, input);
    return (outcome as { readonly output: T }).output;
  };
  return {
    kit,
    ...world,
    hold: world.hold,
    halt(isHalted) {
      if (isHalted) halting.abort();
      else halting = new AbortController();
    },
    add: (name, input) => answer("schedules.add", { name, ...input }),
    row: (name) => answer("schedules.show", { name }),
    async pass(ms) {
      const untilMs = clock.monotonicMs() + ms;
      for (let leftMs = ms; leftMs > 0; leftMs = untilMs - clock.monotonicMs()) {
        clock.advance(Math.max(1, Math.min(leftMs, clock.nextInMs() ?? leftMs)));
        for (let turns = 0; turns < stepTurns; turns += 1) await turn();
      }
      await rest();
    },
    rest,
    said: (kind) =>
      kit
        .events()
        .filter((each) => each.kind === kind)
        .map((each) => each.data as Record<string, unknown>),
    [Symbol.asyncDispose]: () => kit[Symbol.asyncDispose](),
  };
}

export type ScheduleWorld = ReturnType<typeof createWorld>;

/** What outlives a hub. */
export function createWorld() {
  const held: (() => void)[] = [];
  let isHolding = false;
  return {
    folders: createMemoryFolders(),
    notices: createManualNotices(),
    rung: [] as string[],
    errors: [] as string[],
    files: new Map<string, string>(),
    hold(isHeld: boolean) {
      isHolding = isHeld;
      if (!isHeld) for (const go of held.splice(0)) go();
    },
    waits: (): Promise<void> => (isHolding ? new Promise((resolve) => held.push(resolve)) : Promise.resolve()),
  };
}

const bellOf = (world: ScheduleWorld) =>
  domainOf("bell", {
    operations: [
      bind(Ring, async ({ word }) => {
        world.rung.push(word);
        await world.waits();
        return { word };
      }),
    ],
  });
