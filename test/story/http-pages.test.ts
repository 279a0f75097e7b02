/** The addresses a browser opens: UI, documents and problem pages. */
import assert from "node:assert/strict";
import { afterEach, test } from "vitest";
import type { AssetFolder } from "../../src/surfaces/http/port.ts";
import type { HttpDeps, HttpSurface } from "../../src/surfaces/http/surface.ts";
import { inject } from "../kit/inject.ts";
import { thingSurface } from "./http-hub.ts";

const open: HttpSurface[] = [];
afterEach(async () => {
  for (const surface of open.splice(0)) await surface.close();
});

function surfaceWith(options: Partial<HttpDeps>): HttpSurface {
  const surface = thingSurface(options);
  open.push(surface);
  return surface;
}

const folder = (files: Readonly<Record<string, string>>): AssetFolder => ({
  read: async (path) => (Object.hasOwn(files, path) ? { bytes: Buffer.from(files[path] ?? ""), modifiedMs: 7 } : null),
});
const web = folder({
  "index.html": '<head><meta name="csp-nonce" content=""></head>',
  "assets/app-1a2b.js": "run()",
  "icon.svg": "<svg/>",
});
const csp = "content-security-policy";

test("the UI answers at / and below /ui with a fresh nonce and a strict policy", async () => {
  let calls = 0;
  const chance = { randomBytes: (count: number) => new Uint8Array(count).fill((calls += 1)) };
  const surface = surfaceWith({ web, chance });
  const policies = new Set<string>();
  for (const url of ["/", "/ui", "/ui/episodes", "/ui/episodes/a%2Fb?x=1"]) {
    const { statusCode, headers, body } = await inject(surface, { url });
    assert.equal(statusCode, 200);
    assert.equal(headers["cache-control"], "no-cache");
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["cross-origin-opener-policy"], "same-origin");
    const nonce = /'nonce-([^']+)'/.exec(String(headers[csp]))?.[1];
    assert.equal(body, `<head><meta name="csp-nonce" content="${nonce}"></head>`);
    assert.match(String(headers[csp]), /^default-src 'none'; script-src 'self'; style-src 'self' 'nonce-/);
    policies.add(String(headers[csp]));
  }
  assert.equal(policies.size, 4);
});

test("assets are kept for ever, files beside the index are not", async () => {
  const surface = surfaceWith({ web });
  const asset = await inject(surface, { url: "/assets/app-1a2b.js" });
  assert.deepEqual([asset.body, asset.headers["content-type"]], ["run()", "text/javascript; charset=utf-8"]);
  assert.match(String(asset.headers["cache-control"]), /immutable/);
  const again = await inject(surface, {
    url: "/assets/app-1a2b.js",
    headers: { "if-none-match": String(asset.headers["etag"]) },
  });
  assert.deepEqual([again.statusCode, again.body], [304, ""]);
  const icon = await inject(surface, { url: "/icon.svg" });
  assert.deepEqual(
    [icon.statusCode, icon.headers["content-type"], icon.headers["cache-control"]],
    [200, "image/svg+xml", "no-cache"],
  );
  for (const url of [
    "/assets/none.js",
    "/none.svg",
    "/index.html",
    "/assets/app-1a2b",
    "/assets/../index.html",
    "/assets/%2e%2e/index.html",
  ])
    assert.equal((await inject(surface, { url })).statusCode, 404, url);
});

test("without a built UI the page says how to get one", async () => {
  const { statusCode, body } = await inject(surfaceWith({ web: null }), { url: "/" });
  assert.equal(statusCode, 200);
  assert.match(body, /not built/);
});

test("the generated documents are served as what they are", async () => {
  const surface = surfaceWith({ spec: folder({ "openapi.yaml": "openapi: 3.1.0", "schemas/a.json": "{}" }) });
  const yaml = await inject(surface, { url: "/spec/openapi.yaml" });
  assert.deepEqual([yaml.body, yaml.headers["content-type"]], ["openapi: 3.1.0", "application/yaml; charset=utf-8"]);
  assert.equal((await inject(surface, { url: "/spec/schemas/a.json" })).body, "{}");
  assert.equal((await inject(surface, { url: "/spec/none.yaml" })).json().code, "arw.not-found");
  assert.equal((await inject(surfaceWith({}), { url: "/spec/openapi.yaml" })).statusCode, 404);
});

test("a problem's type leads to its page, for programs and for people", async () => {
  const surface = surfaceWith({});
  const json = await inject(surface, { url: "/problems/things.full" });
  assert.deepEqual(json.json(), { code: "things.full", status: 503, title: "Full", about: "Try again later." });
  const html = await inject(surface, { url: "/problems/things.full", headers: { accept: "text/html,*/*" } });
  assert.match(html.body, /<h1>Full<\/h1><p>Try again later\.<\/p>/);
  assert.equal((await inject(surface, { url: "/problems/none.such" })).statusCode, 404);
});
