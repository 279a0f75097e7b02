/** Recipes are TOML: read here, with the line of each value for whoever has to say where a fault is. */
import { parse, TomlError } from "smol-toml";
import type { RecipeText, TextRead } from "../domains/recipes/port.ts";
import { nearestWord } from "../base/nearest-word.ts";
import { tomlLines } from "./config/toml-lines.ts";

export const recipeText: RecipeText = { read, nearest: nearestWord };

function read(text: string): TextRead {
  try {
    // Dates become their text: a recipe is recorded as JSON.
    const table = JSON.parse(JSON.stringify(parse(text))) as Readonly<Record<string, unknown>>;
    const lines = tomlLines(text);
    return { kind: "table", table, lineOf: (path) => lineIn(lines, path) };
  } catch (error) {
    if (error instanceof TomlError) {
      const message = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /u, "");
      return { kind: "fault", line: Math.max(1, error.line), message: `not valid TOML: ${message}` };
    }
    return { kind: "fault", line: 1, message: "not valid TOML: it cannot be read" };
  }
}

function lineIn(lines: ReadonlyMap<string, number>, path: readonly string[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const line = lines.get(path.slice(0, length).join("."));
    if (line !== undefined) return line;
  }
  return 1;
}
