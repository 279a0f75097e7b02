/** What a browser gets besides the table's routes: the UI, the generated documents and the pages of the problems. */
import type { ServerResponse } from "node:http";
import { isAnyTag, listsTag } from "../../base/entity-tag.ts";
import { Problem, type ProblemDefinition } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { Table } from "../../kernel/kernel.ts";
import { baseHeaders, jsonMedia, write } from "./answers.ts";
import type { Exchange, Handler } from "./exchange.ts";
import type { AssetFile, AssetFolder } from "./port.ts";
import { restName } from "./router.ts";

export interface PageDeps {
  readonly table: Table;
  readonly web: AssetFolder | null;
  readonly spec: AssetFolder | null;
  readonly randomBytes: (count: number) => Uint8Array;
}

const mediaByExtension: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  ico: "image/x-icon",
  js: "text/javascript; charset=utf-8",
  json: "application/json; charset=utf-8",
  md: "text/markdown; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
  webmanifest: "application/manifest+json",
  woff2: "font/woff2",
  yaml: "application/yaml; charset=utf-8",
};

/** Bundlers put a hash of the content into these names, so that they never change. */
const cacheForEver = "public, max-age=31536000, immutable";
const bytesMedia = "application/octet-stream";
const nonceBytes = 16;
const noncePlaceholder = /<meta name="csp-nonce"(?: content="[^"]*")?\s*\/?>/;

const notBuiltPage = page(
  "ARW is running",
  "<p>The hub is up. Its user interface is not built yet: run <code>npm start</code>, or <code>npm run build</code> in the folder <code>web</code>, then reload.</p><p>Everything also works from the command line: <code>arw --help</code>.</p>",
);

interface PageRoute {
  readonly method: "GET";
  readonly path: string;
  readonly handler: Handler;
}

/** The UI lives at `/` and below `/ui/`, where its own router takes over. Everything here is public: it holds no state. */
export function pageRoutes(deps: PageDeps): readonly PageRoute[] {
  const page = (path: string, handler: Handler): PageRoute => ({ method: "GET", path, handler });
  const index: Handler = (exchange) => sendIndex(exchange, deps);
  return [
    page("/", index),
    page("/ui", index),
    page("/ui/*", index),
    page("/assets/*", (exchange) =>
      sendFile(exchange, deps.web, { path: `assets/${restOf(exchange)}`, cache: cacheForEver }),
    ),
    page("/spec/*", (exchange) => sendFile(exchange, deps.spec, { path: restOf(exchange), cache: "no-cache" })),
    page("/problems/:code", (exchange) => sendProblemPage(exchange, deps.table)),
  ];
}

/** Files beside the index, e.g. `/icon.svg`: asked for when no route fits. Null when the path cannot be one. */
export async function topLevelFile(path: string, web: AssetFolder | null): Promise<AssetFile | null> {
  if (web === null || path.lastIndexOf("/") !== 0 || mediaOf(path) === undefined || path === "/index.html") return null;
  return web.read(path.slice(1));
}

/** A file beside the index. */
export function sendTopLevel({ response, corrId }: Exchange, path: string, file: AssetFile): void {
  const headers = [...baseHeaders(corrId), "cache-control", "no-cache"];
  sendBytes(response, { headers, path, file });
}

interface Sent {
  readonly headers: string[];
  readonly path: string;
  readonly file: AssetFile;
}

function sendBytes(response: ServerResponse, { headers, path, file }: Sent): void {
  headers.push("content-type", mediaOf(path) ?? bytesMedia);
  write(response, { status: 200, headers, body: file.bytes });
}

async function sendIndex(exchange: Exchange, deps: PageDeps): Promise<void> {
  refuseAlias(exchange);
  const { response, corrId } = exchange;
  const file = await deps.web?.read("index.html");
  const nonce = Buffer.from(deps.randomBytes(nonceBytes)).toString("base64url");
  const headers = [...baseHeaders(corrId), ...pageHeaders(nonce)];
  if (file === null || file === undefined) return write(response, { status: 200, headers, body: notBuiltPage });
  const html = new TextDecoder().decode(file.bytes);
  const body = html.replace(noncePlaceholder, `<meta name="csp-nonce" content="${nonce}">`);
  return write(response, { status: 200, headers, body });
}

async function sendFile(
  exchange: Exchange,
  folder: AssetFolder | null,
  { path, cache }: { readonly path: string; readonly cache: string },
): Promise<void> {
  refuseAlias(exchange);
  const file = mediaOf(path) === undefined ? null : await folder?.read(path);
  if (file === null || file === undefined) throw new Problem(NotFound, "There is no such file.");
  const etag = `"${file.modifiedMs.toString(36)}-${file.bytes.length.toString(36)}"`;
  const headers = [...baseHeaders(exchange.corrId), "cache-control", cache, "etag", etag];
  headers.push("content-security-policy", "default-src 'none'");
  const known = exchange.headers["if-none-match"] ?? "";
  if (isAnyTag(known) || listsTag(known, etag)) return write(exchange.response, { status: 304, headers, body: null });
  return sendBytes(exchange.response, { headers, path, file });
}

function sendProblemPage(exchange: Exchange, table: Table): void {
  refuseAlias(exchange);
  const { response, params } = exchange;
  const definition = table.problems.get(params["code"] ?? "");
  if (definition === undefined) throw new Problem(NotFound, "There is no problem of this code.");
  const headers = [...baseHeaders(exchange.corrId), "vary", "accept"];
  if (exchange.headers.accept?.includes("text/html") === true) {
    headers.push(...pageHeaders(null));
    return write(response, { status: 200, headers, body: problemPage(definition) });
  }
  headers.push("cache-control", "no-cache", "content-type", jsonMedia);
  return write(response, { status: 200, headers, body: JSON.stringify(definition) });
}

function pageHeaders(nonce: string | null): string[] {
  const style = nonce === null ? "style-src 'self'" : `style-src 'self' 'nonce-${nonce}'`;
  const policy = `default-src 'none'; script-src 'self'; ${style}; img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;
  return Object.entries({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-cache",
    "content-security-policy": policy,
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-frame-options": "DENY",
  }).flat();
}

/** `/admin/…` is a second address of the table's routes alone. */
function refuseAlias({ isAlias }: Exchange): void {
  if (isAlias) throw new Problem(NotFound, "There is nothing under this address.");
}

const restOf = ({ params }: Exchange): string => params[restName] ?? "";

const mediaOf = (path: string): string | undefined => mediaByExtension[path.slice(path.lastIndexOf(".") + 1)];

function problemPage({ code, status, title, about }: ProblemDefinition): string {
  return page(title, `<p>${escapeHtml(about)}</p><p>Code <code>${escapeHtml(code)}</code>, HTTP status ${status}.</p>`);
}

function page(title: string, body: string): string {
  const heading = escapeHtml(title);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${heading}</title></head><body><main><h1>${heading}</h1>${body}</main></body></html>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
