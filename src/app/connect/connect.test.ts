import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "smol-toml";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { type AgentFile, agentFiles, type Shape } from "./agents.ts";
import { lookToUnwrap, lookToWrap, shownDiff } from "./changes.ts";

const prefix = (agent: string) => (name: string) => [
  "/n",
  "/arw.mjs",
  "mcp",
  "wrap",
  "--agent",
  agent,
  "--name",
  name,
  "--",
];
const file = (format: AgentFile["format"], at: readonly string[], shape: Shape = "split"): AgentFile => ({
  agent: "ada",
  title: "Ada",
  path: "/home/ada/mcp.json",
  format,
  lists: [{ at, shape }],
});
const wrapped = (of: AgentFile, text: string): string => lookToWrap(of, text, prefix).after ?? "";
const unwrapped = (of: AgentFile, text: string): string => lookToUnwrap(of, text).after ?? "";

const commented = `{
  // My servers.
  "mcpServers": {
    "files": {
      "command": "npx", /* from npm */
      "args": [
        "-y", // yes
        "server-files",
      ],
      "env": { "API_KEY": "sk-planted-secret" }
    },
    "bare": { "command": "bare-server", "env": {} },
    "empty": { "command": "empty-server", "args": [] },
    "far": { "url": "https://example.org/mcp" },
    "odd": { "command": 5 }
  },
  "other": 1.0
}
`;

test("only commands change: comments, order and spaces stay", () => {
  const of = file("json", ["mcpServers"]);
  const after = wrapped(of, commented);
  assert.equal(
    after,
    commented
      .replace('"npx"', '"/n"')
      .replace(
        '"-y",',
        ["/arw.mjs", "mcp", "wrap", "--agent", "ada", "--name", "files", "--", "npx", "-y"]
          .map((word) => `${JSON.stringify(word)},`)
          .join("\n        "),
      )
      .replace(
        '"bare-server", "env"',
        '"/n", "args": ["/arw.mjs", "mcp", "wrap", "--agent", "ada", "--name", "bare", "--", "bare-server"], "env"',
      )
      .replace(
        '"empty-server", "args": []',
        '"/n", "args": ["/arw.mjs", "mcp", "wrap", "--agent", "ada", "--name", "empty", "--", "empty-server"]',
      ),
  );
  assert.deepEqual(
    lookToWrap(of, commented, prefix).entries.map(({ name, kind }) => [name, kind]),
    [
      ["files", "command"],
      ["bare", "command"],
      ["empty", "command"],
      ["far", "http"],
      ["odd", "odd"],
    ],
  );
  assert.equal(lookToWrap(of, after, prefix).after, null);
  assert.equal(unwrapped(of, after), commented.replace('"bare-server"', '"bare-server", "args": []'));
});

test("the difference that is shown holds no value of a variable", () => {
  const of = file("json", ["mcpServers"]);
  const oneLine = JSON.stringify({
    mcpServers: { a: { command: "x", env: { KEY: "hidden-1" }, headers: { b: "hidden-2" } } },
  });
  for (const text of [commented, oneLine]) {
    const looked = lookToWrap(of, text, prefix);
    const diff = shownDiff(looked, text, looked.after ?? "");
    assert.match(diff, /mcp/);
    assert.doesNotMatch(diff, /planted|hidden/);
  }
});

test("a list of words, a command of its own object, and servers of every project", () => {
  const joined = '{"mcp":{"a":{"type":"local","command":["npx","-y","x"]},"b":{"type":"remote","url":"u"}}}';
  const list = file("json", ["mcp"], "joined");
  const inList = wrapped(list, joined);
  assert.deepEqual(JSON.parse(inList).mcp.a.command, [...prefix("ada")("a"), "npx", "-y", "x"]);
  assert.equal(unwrapped(list, inList), joined);
  const nested = '{"context_servers":{"a":{"command":{"path":"x","args":["1"],"env":null}}}}';
  const zed = file("json", ["context_servers"]);
  assert.deepEqual(JSON.parse(wrapped(zed, nested)).context_servers.a.command, {
    path: "/n",
    args: [...prefix("ada")("a").slice(1), "x", "1"],
    env: null,
  });
  assert.equal(unwrapped(zed, wrapped(zed, nested)), nested);
  const projects = '{"projects":{"/a":{"mcpServers":{"s":{"command":"x","args":["1"]}}},"/b":{}}}';
  const claude = file("json", ["projects", "*", "mcpServers"]);
  assert.equal(JSON.parse(wrapped(claude, projects)).projects["/a"].mcpServers.s.command, "/n");
});

test("tables of Codex are changed by line, or left alone where that is not safe", () => {
  const codex = file("toml", ["mcp_servers"]);
  const text = `model = "x"
# Files of mine.
[mcp_servers.files]
command = "npx" # from npm
args = ["-y", 'server files']

[mcp_servers.files.env]
KEY = "planted"

[mcp_servers.bare]
command = 'bare'
`;
  const after = wrapped(codex, text);
  const { mcp_servers: servers } = parse(after) as { mcp_servers: Record<string, { command: string; args: string[] }> };
  assert.deepEqual(servers["files"]?.args, [...prefix("ada")("files").slice(1), "npx", "-y", "server files"]);
  assert.deepEqual(servers["bare"]?.args, [...prefix("ada")("bare").slice(1), "bare"]);
  assert.match(after, /# Files of mine\.\n.*\n.*# from npm/);
  const looked = lookToWrap(codex, text, prefix);
  assert.doesNotMatch(shownDiff(looked, text, after), /planted/);
  assert.equal(unwrapped(codex, after), text.replace("'bare'", "'bare'\nargs = []"));
  const inline = 'mcp_servers = { files = { command = "npx", args = ["-y"] } }\n';
  assert.match(lookToWrap(codex, inline, prefix).reason ?? "", /no table of its own/);
  assert.match(lookToWrap(codex, "[", prefix).reason ?? "", /no TOML/);
});

test("what cannot be read is left alone", () => {
  const of = file("json", ["mcpServers"]);
  assert.match(lookToWrap(of, '{"mcpServers": {', prefix).reason ?? "", /no JSON/);
  assert.match(lookToWrap(file("yaml", []), "extensions:\n", prefix).reason ?? "", /YAML/);
  assert.deepEqual(lookToWrap(of, "", prefix).entries, []);
  assert.match(
    lookToWrap(of, '{"mcpServers":{"a":{"command":"x"}},"mcpServers":{"a":{"command":"y"}}}', prefix).reason ?? "",
    /program should not change/,
  );
});

test("whatever the servers, wrapping and taking back leaves what was there", () => {
  const word = fc.string({ maxLength: 12 });
  const server = fc.record({ command: word, args: fc.array(word, { maxLength: 4 }) });
  const of = file("json", ["mcpServers"]);
  const oddName = '{"mcpServers":{"--":{"command":"","args":[]}}}';
  assert.equal(unwrapped(of, lookToWrap(of, oddName, prefix).after ?? ""), oddName);
  fc.assert(
    fc.property(fc.dictionary(word, server, { maxKeys: 4 }), fc.constantFrom(0, 2), (mcpServers, indent) => {
      const text = JSON.stringify({ before: 1, mcpServers, after: [2] }, null, indent);
      const looked = lookToWrap(of, text, prefix);
      assert.equal(looked.reason, null);
      if (looked.after !== null) assert.equal(unwrapped(of, looked.after), text);
    }),
    runs(100),
  );
});

test("servers of Codex have whatever names they like", () => {
  const codex = file("toml", ["mcp_servers"]);
  const names = [
    "with space",
    "a.b",
    'say "hi"',
    "C:\\x",
    "grüße 🌱",
    "]",
    "#",
    "",
    "a\nb",
    "__proto__",
    "constructor",
    "$&",
  ];
  const heads = names.map((name) => `[mcp_servers.${JSON.stringify(name)}] # mine\ncommand = "x\\u007F"\nargs = []\n`);
  for (const end of ["\n", "\r\n"]) {
    const text = [...heads, "[ mcp_servers . 'single \"quoted' ]\ncommand = 'x'\nargs = []\n"]
      .join("\n")
      .replaceAll("\n", end);
    const looked = lookToWrap(codex, text, prefix);
    assert.equal(looked.reason, null);
    assert.equal(looked.entries.length, names.length + 1);
    const after = looked.after ?? "";
    assert.equal(lookToWrap(codex, after, prefix).after, null);
    assert.deepEqual(parse(unwrapped(codex, after)), parse(text));
    shownDiff(looked, text, after);
  }
});

test("lists of Codex keep their lines, their comments and the way that words are quoted", () => {
  const codex = file("toml", ["mcp_servers"]);
  for (const list of [
    "[ \"a b.js\", # \"c\", 'd'\n  'lit\\n', # ]\n]",
    "[\n  # none\n]",
    "[]",
    "[\n  '#',\n  ']'\n]",
    "['x',]",
  ]) {
    const text = `[mcp_servers.a]\n# command = 'C:\\x'\nargs = ${list}\ncommand = 'C:\\x' # mine\n`;
    const after = wrapped(codex, text);
    const { mcp_servers: servers } = parse(after) as { mcp_servers: Record<string, { args: string[] }> };
    assert.equal(servers["a"]?.args[prefix("ada")("a").length - 1], "C:\\x");
    assert.equal(unwrapped(codex, `${after}\n# Mine.\n`), `${text}\n# Mine.\n`);
  }
  const long = '[mcp_servers.a]\ncommand = """x"""\n';
  assert.match(lookToWrap(codex, long, prefix).reason ?? "", /should not change/);
});

test("a file that begins with a mark of its encoding keeps it", () => {
  const of = file("json", ["mcpServers"]);
  const text = '\ufeff{"mcpServers":{"a":{"command":"x","args":["1"]}}}';
  const after = wrapped(of, text);
  assert.match(after, /^\ufeff\{"mcpServers":\{"a":\{"command":"\/n"/u);
  assert.equal(unwrapped(of, after), text);
});

test("servers of JSON files have whatever names they like, and odd files are left alone with a word", () => {
  const of = file("json", ["mcpServers"]);
  const names = ["with space", "a.b", 'say \\"hi\\"', "]", "", "a\\nb", "\\ud800", "constructor", "__proto__"];
  const servers = names.map((name) => `"${name}": {"command": "x\\ud800", "args": ["1"]}`);
  const text = `{"mcpServers": {${servers.join(", ")}}}`;
  const looked = lookToWrap(of, text, prefix);
  assert.deepEqual([looked.reason, looked.entries.length], [null, names.length]);
  assert.equal(unwrapped(of, looked.after ?? ""), text);
  assert.equal(lookToWrap(of, looked.after ?? "", prefix).after, null);
  assert.equal(Object.hasOwn(Object.prototype, "command"), false);
  const bare = '{"mcpServers": {"a": {"__proto__": {"command": "x"}}}}';
  assert.deepEqual(lookToWrap(of, bare, prefix).entries, []);
  for (const odd of [
    '{"mcpServers": {"a": {"command": "x"}}, "mcpServers": 5}',
    '{"mcpServers": {"a": {"command": "x"}, "a": 5}}',
    '{"mcpServers": {"a": {"command": "x", "args": "n", "args": ["1"]}}}',
    '{"mcpServers": {"a": {"command": {}, "command": {"path": "x"}}}}',
    "[".repeat(100_000),
  ])
    assert.match(
      lookToWrap(of, odd, prefix).reason ?? "",
      /more than once|no JSON|should not change|too deeply/,
      odd.slice(0, 80),
    );
});

test("every place is absolute, on every platform, and named once", () => {
  for (const platform of ["linux", "darwin", "win32"] as const) {
    const [home, workDir] = platform === "win32" ? ["C:\\Users\\a", "C:\\work"] : ["/home/a", "/work"];
    const paths = agentFiles({ platform, env: {}, home, workDir }).map(({ path }) => path);
    assert.ok(paths.every((path) => path.startsWith(home) || path.startsWith(workDir)));
    assert.equal(new Set(paths).size, paths.length);
  }
});
