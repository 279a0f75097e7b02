/** Where the agents of others keep which MCP servers they start. Paths and shapes are those of their own documents. */
import type { Platform } from "../../base/path-rules.ts";
import { pathsOf, type Environment } from "../config/places.ts";

/** How a server stands in a file: `split` command and args, `joined` in one list, `nested` one below the other. */
export type Shape = "split" | "joined";
export interface ServerList {
  /** Keys down to the servers; `*` for every key of a level. */
  readonly at: readonly string[];
  readonly shape: Shape;
}

export interface AgentFile {
  /** As rules write it: `agent:claude-desktop`. */
  readonly agent: string;
  readonly title: string;
  readonly path: string;
  readonly format: "json" | "toml" | "yaml";
  readonly lists: readonly ServerList[];
}

export interface Machine {
  readonly platform: Platform;
  readonly env: Environment;
  readonly home: string;
  readonly workDir: string;
}

const mcpServers: readonly ServerList[] = [{ at: ["mcpServers"], shape: "split" }];
const vscodeServers: readonly ServerList[] = [
  { at: ["servers"], shape: "split" },
  { at: ["mcp", "servers"], shape: "split" },
];

/** Every place to look in, whether or not something is there. */
export function agentFiles({ platform, env, home, workDir }: Machine): readonly AgentFile[] {
  const { join, isAbsolute } = pathsOf(platform);
  const own = (...parts: readonly string[]): string => join(home, ...parts);
  const xdg = env["XDG_CONFIG_HOME"];
  const config = xdg !== undefined && isAbsolute(xdg) && platform !== "win32" ? xdg : own(".config");
  const roaming = env["APPDATA"] || own("AppData", "Roaming");
  // What programs with a window use; those of the terminal mostly keep to `.config` everywhere but on Windows.
  const apps = { win32: roaming, darwin: own("Library", "Application Support"), linux: config }[platform];
  const code = join(apps, "Code", "User");
  const windows = platform === "win32";
  const json = (agent: string, title: string, at: { path: string; lists?: readonly ServerList[] }): AgentFile => ({
    agent,
    title,
    path: at.path,
    format: "json",
    lists: at.lists ?? mcpServers,
  });
  const openCode: readonly ServerList[] = [
    { at: ["mcp"], shape: "joined" },
    { at: ["mcp", "servers"], shape: "joined" },
  ];
  const zed: readonly ServerList[] = [{ at: ["context_servers"], shape: "split" }];
  const claudeCode: readonly ServerList[] = [...mcpServers, { at: ["projects", "*", "mcpServers"], shape: "split" }];
  return [
    json("claude-desktop", "Claude Desktop", { path: join(apps, "Claude", "claude_desktop_config.json") }),
    json("claude-code", "Claude Code", { path: own(".claude.json"), lists: claudeCode }),
    json("claude-code", "Claude Code, this folder", { path: join(workDir, ".mcp.json") }),
    json("cursor", "Cursor", { path: own(".cursor", "mcp.json") }),
    json("cursor", "Cursor, this folder", { path: join(workDir, ".cursor", "mcp.json") }),
    json("vscode", "VS Code", { path: join(code, "mcp.json"), lists: vscodeServers }),
    json("vscode", "VS Code, settings", { path: join(code, "settings.json"), lists: vscodeServers.slice(1) }),
    json("vscode", "VS Code, this folder", { path: join(workDir, ".vscode", "mcp.json"), lists: vscodeServers }),
    json("cline", "Cline", {
      path: join(code, "globalStorage", "saoudrizwan.claude-dev", "settings", "cline_mcp_settings.json"),
    }),
    json("zed", "Zed", {
      path: windows ? join(roaming, "Zed", "settings.json") : join(config, "zed", "settings.json"),
      lists: zed,
    }),
    json("windsurf", "Windsurf", { path: own(".codeium", "windsurf", "mcp_config.json") }),
    json("lm-studio", "LM Studio", { path: own(".lmstudio", "mcp.json") }),
    json("lm-studio", "LM Studio, older place", { path: own(".cache", "lm-studio", "mcp.json") }),
    json("gemini-cli", "Gemini CLI", { path: own(".gemini", "settings.json") }),
    json("gemini-cli", "Gemini CLI, this folder", { path: join(workDir, ".gemini", "settings.json") }),
    ...["opencode.json", "opencode.jsonc"].flatMap((name) => [
      json("opencode", "OpenCode", { path: join(config, "opencode", name), lists: openCode }),
      json("opencode", "OpenCode, this folder", { path: join(workDir, name), lists: openCode }),
    ]),
    {
      agent: "codex",
      title: "Codex CLI",
      path: join(env["CODEX_HOME"] || own(".codex"), "config.toml"),
      format: "toml",
      lists: [{ at: ["mcp_servers"], shape: "split" }],
    },
    {
      agent: "goose",
      title: "Goose",
      path: windows ? join(roaming, "Block", "goose", "config", "config.yaml") : join(config, "goose", "config.yaml"),
      format: "yaml",
      lists: [],
    },
    { agent: "continue", title: "Continue", path: own(".continue", "config.yaml"), format: "yaml", lists: [] },
    json("continue", "Continue, older file", {
      path: own(".continue", "config.json"),
      lists: [{ at: ["mcpServers"], shape: "split" }],
    }),
  ];
}
