/** What `arw connect` would change in one file, and what taking it back would. Works on texts alone. */
import { createRedactor } from "../../base/redact.ts";
import { unifiedDiff } from "../../base/text-diff.ts";
import type { AgentFile } from "./agents.ts";
import { jsonEntries, maskJson, unwrapJson, wrapJson } from "./edit-json.ts";
import { maskToml, tomlEntries, unwrapToml, wrapToml } from "./edit-toml.ts";
import { type Entry, isWrapped, NotEditable, type Prefix } from "./entries.ts";

/** A file of an agent as it is, and as it would be. */
export interface Looked {
  readonly file: AgentFile;
  readonly before: string;
  readonly entries: readonly Entry[];
  /** The text to write; null when nothing is to be changed. */
  readonly after: string | null;
  /** Why a program leaves the file alone. */
  readonly reason: string | null;
}

export function lookToWrap(file: AgentFile, before: string, prefix: (agent: string) => Prefix): Looked {
  return looked(file, before, (entries) => {
    const bare = entries.filter((entry) => entry.kind === "command" && !isWrapped(entry));
    if (bare.length === 0) return null;
    const own = prefix(file.agent);
    return file.format === "toml" ? wrapToml(before, bare, own) : wrapJson(before, jsonOnly(bare), own);
  });
}

export function lookToUnwrap(file: AgentFile, before: string): Looked {
  return looked(file, before, (entries) => {
    const wrapped = entries.filter(isWrapped);
    if (wrapped.length === 0) return null;
    return file.format === "toml" ? unwrapToml(before, wrapped) : unwrapJson(before, jsonOnly(wrapped));
  });
}

type JsonEntries = ReturnType<typeof jsonEntries>;
// Entries of a JSON file come from the reader of JSON alone.
const jsonOnly = (entries: readonly Entry[]): JsonEntries => entries as JsonEntries;

function looked(file: AgentFile, before: string, change: (entries: readonly Entry[]) => string | null): Looked {
  if (file.format === "yaml")
    return { file, before, entries: [], after: null, reason: "YAML is not changed by program" };
  let entries: readonly Entry[] = [];
  try {
    entries = file.format === "toml" ? tomlEntries(before) : jsonEntries(before, file.lists);
    return { file, before, entries, after: change(entries), reason: null };
  } catch (error) {
    return { file, before, entries, after: null, reason: reasonOf(error) };
  }
}

/** Readers of deep files run out of stack. */
function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return "it is nested too deeply";
  if (error instanceof NotEditable) return error.message;
  throw error;
}

/** Unified, without surrounding lines and without the values that servers are handed. */
export function shownDiff({ file, entries }: Pick<Looked, "file" | "entries">, before: string, after: string): string {
  const mask = (text: string): string => {
    const shown = file.format === "toml" ? maskToml(text) : maskJson(text, jsonOnly(entries));
    return createRedactor().text(shown);
  };
  return unifiedDiff({ path: file.path, before: mask(before), after: mask(after), contextLines: 0 }).text;
}
