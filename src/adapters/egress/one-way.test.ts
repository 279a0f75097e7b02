import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";

const root = join(import.meta.dirname, "..", "..", "..");

/** Who else may open connections, and to whom. */
const others: Readonly<Record<string, string>> = {
  "src/adapters/otlp/post.ts": "the collector that the configuration names",
  "src/app/cli-own.ts": "the command line, which asks the hub of its own state directory how it is",
};
const opens = /\b(?:net|tls|http|https|http2|dgram|undici|dns)\b/;
const calls =
  /\bfetch\(|\bnew (?:WebSocket|EventSource)\(|\b(?:plainRequest|secureRequest|connectSocket|connectSecure|createConnection)\b/;

test("nothing in the hub opens a connection but the one client", () => {
  const files = globSync("src/**/*.ts", { cwd: root }).filter(
    (file) => !/\.test\.ts$|^src\/adapters\/egress\//.test(file) && !(file in others),
  );
  assert.ok(files.length > 200);
  const found = files.filter((file) => {
    const text = readFileSync(join(root, file), "utf8");
    const modules = [...text.matchAll(/^import (?!type)(\{[^}]*\}|.*?) from "node:([a-z0-9/]+)"/gms)];
    const clients = modules.filter(
      ([, names = "", module = ""]) =>
        opens.test(module) && /\b(request|get|connect|createConnection|lookup|resolve|Agent|Socket)\b/.test(names),
    );
    return clients.length > 0 || calls.test(text);
  });
  assert.deepEqual(found, []);
});
