/** What puts a program's models on this hub: one more provider in its own file, and nothing that is there is changed. */
import { applyEdits, modify, parse, type ParseError } from "jsonc-parser";
import { parse as parseToml } from "smol-toml";
import type { AgentFile } from "./agents.ts";
import { copyOf, NotEditable, saysTheSame } from "./entries.ts";

export interface ModelAddress {
  /** With `/v1`. */
  readonly url: string;
  /** File with the token, for its owner's eyes alone: the program's own file names it and holds no key. */
  readonly keyPath: string;
  readonly models: readonly string[];
  /** Node, which prints the key for programs that ask a command. */
  readonly node: string;
}

type Tree = Record<string, unknown>;

/** Programs of which their own documents say how a provider stands in their file. */
export const takesModels = ({ agent, format }: AgentFile): boolean =>
  (agent === "opencode" && format === "json") || (agent === "codex" && format === "toml");

/** The text with the provider `arw`, anew where there is one. Throws `NotEditable`. */
export function withModels(file: AgentFile, text: string, address: ModelAddress): string {
  const bare = withoutModels(file, text);
  return file.format === "toml" ? codexText(bare, address) : openCodeText(bare, address);
}

/** The same text when there is none. */
export const withoutModels = (file: AgentFile, text: string): string => {
  if (!takesModels(file)) return text;
  return file.format === "toml" ? withoutTables(text) : withoutProperty(text);
};

const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value);

const format = { formattingOptions: { insertSpaces: true, tabSize: 2, eol: "\n" } } as const;

function readJson(text: string): Tree {
  const faults: ParseError[] = [];
  const value: unknown = text.trim() === "" ? {} : parse(text, faults, { allowTrailingComma: true });
  if (faults.length > 0 || !isTree(value)) throw new NotEditable("it is no JSON that can be read");
  if (!isTree(value["provider"] ?? {})) throw new NotEditable("its provider is not a list of providers by name");
  return value;
}

function openCodeText(text: string, { url, keyPath, models }: ModelAddress): string {
  const provider = {
    npm: "@ai-sdk/openai-compatible",
    name: "ARW",
    options: { baseURL: url, apiKey: `{file:${keyPath}}` },
    models: Object.fromEntries(models.map((model) => [model, { name: model }])),
  };
  const before = readJson(text);
  const after = applyEdits(text, modify(text, ["provider", "arw"], provider, format));
  const expected = copyOf(before) as Tree;
  expected["provider"] = { ...(expected["provider"] as Tree | undefined), arw: provider };
  return asMeant(after, readJson(after), expected);
}

function withoutProperty(text: string): string {
  const before = readJson(text);
  const provider = before["provider"] as Tree | undefined;
  if (provider?.["arw"] === undefined) return text;
  const isOnly = Object.keys(provider).length === 1;
  const after = applyEdits(text, modify(text, isOnly ? ["provider"] : ["provider", "arw"], undefined, format));
  const expected = copyOf(before) as Tree;
  if (isOnly) delete expected["provider"];
  else delete (expected["provider"] as Tree)["arw"];
  return asMeant(after, readJson(after), expected);
}

const readToml = (text: string): Tree => {
  try {
    return parseToml(text);
  } catch {
    throw new NotEditable("it is no TOML that can be read");
  }
};

const printFile = "process.stdout.write(require('node:fs').readFileSync(process.argv[1], 'utf8'))";

function codexText(text: string, { url, keyPath, node }: ModelAddress): string {
  const quoted = JSON.stringify;
  const tables = `[model_providers.arw]
name = "ARW"
base_url = ${quoted(url)}
wire_api = "responses"

[model_providers.arw.auth]
command = ${quoted(node)}
args = [${[`-e`, printFile, keyPath].map((word) => quoted(word)).join(", ")}]
`;
  const before = readToml(text);
  const after = `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${text.trim() === "" ? "" : "\n"}${tables}`;
  const expected = copyOf(before) as Tree;
  const own = (readToml(tables)["model_providers"] as Tree)["arw"];
  expected["model_providers"] = { ...(expected["model_providers"] as Tree | undefined), arw: own };
  return asMeant(after, readToml(after), expected);
}

/** The tables as they were written; whatever stands between or behind them stays. */
const ownTables = /\n?^\[model_providers\.arw(?:\.auth)?\]\n(?:[a-z_]+ = .*\n?)*/gmu;

function withoutTables(text: string): string {
  const before = readToml(text);
  const providers = before["model_providers"] as Tree | undefined;
  if (providers?.["arw"] === undefined) return text;
  const after = text.replace(ownTables, "");
  const expected = copyOf(before) as Tree;
  delete (expected["model_providers"] as Tree)["arw"];
  if (Object.keys(expected["model_providers"] as Tree).length === 0) delete expected["model_providers"];
  return asMeant(after, readToml(after), expected);
}

/** Whatever the text looked like: only this outcome is written. */
function asMeant(after: string, outcome: unknown, expected: unknown): string {
  if (!saysTheSame(outcome, expected)) throw new NotEditable("it is written in a way that a program should not change");
  return after;
}

/** In place of a change, for programs whose files are theirs alone to write. */
export function byHand(
  { agent }: AgentFile,
  { url, models: [model = "MODEL"] }: Pick<ModelAddress, "url" | "models">,
): string | null {
  const key = `a token of its own: arw token create ${agent} --role agent --key 'models:*'`;
  if (agent === "zed")
    return `in settings.json, language_models.openai_compatible.ARW: {"api_url": "${url}", "available_models": [{"name": "${model}", "max_tokens": 32768}]}; its key in ARW_API_KEY, ${key}`;
  if (agent === "continue")
    return `in config.yaml, below models: {name: ARW, provider: openai, model: "${model}", apiBase: "${url}", apiKey: KEY}; KEY is ${key}`;
  return null;
}
