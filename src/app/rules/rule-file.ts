/** The file of rules on the disk: read whole, and watched in its folder, since editors replace a file rather than write it. */
import { type FSWatcher, watch } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { Problem } from "../../contract/problem.ts";
import { RulesInvalid } from "../../domains/gating/contract.ts";
import type { RuleFile, RulesRead } from "../../domains/gating/port.ts";
import type { Clock } from "../../kernel/ports.ts";
import { parseRules } from "./parse-rules.ts";

/** A hundred thousand contracts take a third of it; a larger file is something else. */
const sizeBytesMax = 64_000_000;
/** Editors write in several steps; this long after the last one the file is whole. */
const settleMs = 100;

export interface RuleFileOptions {
  readonly path: string;
  /** Somebody named the file, so it must be there. */
  readonly isNamed: boolean;
  readonly clock: Pick<Clock, "after">;
}

/** Throws the `RulesInvalid` problem when the file cannot be read or understood. */
export async function openRuleFile(options: RuleFileOptions): Promise<RuleFile> {
  const { path, clock } = options;
  const read = () => readRules(options);
  const first = await read();
  if (first.kind === "faults") {
    const next = "Mend the file, or move it away to start without its rules.";
    throw new Problem(RulesInvalid, `the rules are not valid.\n${first.faults.join("\n")}\n${next}`, {
      faults: first.faults,
    });
  }
  return { path, first: first.placed, read, watch: (changed) => watchFile(path, clock, changed) };
}

async function readRules({ path, isNamed }: RuleFileOptions): Promise<RulesRead> {
  try {
    const { size } = await stat(path);
    if (size > sizeBytesMax)
      return { kind: "faults", faults: [`${path}: has ${size} bytes; a file of rules has at most ${sizeBytesMax}`] };
    return parseRules(new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path)), path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && !isNamed) return { kind: "rules", placed: [] };
    const why = code === "ENOENT" ? "does not exist" : `cannot be read (${code ?? String(error)})`;
    return { kind: "faults", faults: [`${path}: ${why}`] };
  }
}

function watchFile(path: string, clock: RuleFileOptions["clock"], changed: () => void): ReturnType<RuleFile["watch"]> {
  let cancel: (() => void) | undefined;
  let watcher: FSWatcher | null = null;
  const close = (): void => {
    cancel?.();
    watcher?.close();
    watcher = null;
  };
  try {
    watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
      if (name !== null && name !== basename(path)) return;
      cancel?.();
      cancel = clock.after(settleMs, changed);
    });
    // A folder that goes away ends the watching, and nothing else.
    watcher.on("error", close);
  } catch {
    watcher = null;
  }
  return { isWatching: watcher !== null, [Symbol.dispose]: close };
}
