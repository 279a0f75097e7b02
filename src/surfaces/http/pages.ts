/** What a browser gets besides the table's routes: the UI, the generated documents and the pages of the problems. */
import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from "fastify";
import { isAnyTag, listsTag } from "../../base/entity-tag.ts";
import { Problem, type ProblemDefinition } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { Table } from "../../kernel/kernel.ts";
import { addBaseHeaders } from "./failure.ts";
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
const nonceBytes = 16;
const noncePlaceholder = /<meta name="csp-nonce"(?: content="[^"]*")?\s*\/?>/;

const notBuiltPage = page(
  "ARW is running",
  "<p>The hub is up. Its user interface is not built yet: run <code>npm start</code>, or <code>npm run build</code> in the folder <code>web</code>, then reload.</p><p>Everything also works from the command line: <code>arw --help</code>.</p>",
);

interface PageRoute {
  readonly method: "GET";
  readonly path: string;
  readonly handler: RouteHandlerMethod;
}

/** The UI lives at `/` and below `/ui/`, where its own router takes over. Everything here is public: it holds no state. */
export function pageRoutes(deps: PageDeps): readonly PageRoute[] {
  const page = (path: string, handler: RouteHandlerMethod): PageRoute => ({ method: "GET", path, handler });
  const index: RouteHandlerMethod = (request, reply) => sendIndex(request, reply, deps);
  return [
    page("/", index),
    page("/ui", index),
    page("/ui/*", index),
    page("/assets/*", (request, reply) =>
      sendFile(reply, deps.web, { path: `assets/${restOf(request)}`, cache: cacheForEver, request }),
    ),
    page("/spec/*", (request, reply) =>
      sendFile(reply, deps.spec, { path: restOf(request), cache: "no-cache", request }),
    ),
    page("/problems/:code", (request, reply) => sendProblemPage(request, reply, deps.table)),
  ];
}

/** Files beside the index, e.g. `/icon.svg`: asked for when no route fits. Null when the path cannot be one. */
export async function topLevelFile(path: string, web: AssetFolder | null): Promise<AssetFile | null> {
  if (web === null || path.lastIndexOf("/") !== 0 || mediaOf(path) === undefined || path === "/index.html") return null;
  return web.read(path.slice(1));
}

export function sendBytes(reply: FastifyReply, path: string, file: AssetFile): FastifyReply {
  return reply
    .header("content-type", mediaOf(path))
    .send(Buffer.from(file.bytes.buffer, file.bytes.byteOffset, file.bytes.byteLength));
}

async function sendIndex(request: FastifyRequest, reply: FastifyReply, deps: PageDeps): Promise<FastifyReply> {
  beginPage(request, reply);
  const file = await deps.web?.read("index.html");
  const nonce = Buffer.from(deps.randomBytes(nonceBytes)).toString("base64url");
  addPageHeaders(reply, nonce);
  if (file === null || file === undefined) return reply.send(notBuiltPage);
  const html = new TextDecoder().decode(file.bytes);
  return reply.send(html.replace(noncePlaceholder, `<meta name="csp-nonce" content="${nonce}">`));
}

async function sendFile(
  reply: FastifyReply,
  folder: AssetFolder | null,
  { path, cache, request }: { readonly path: string; readonly cache: string; readonly request: FastifyRequest },
): Promise<FastifyReply> {
  beginPage(request, reply);
  const file = mediaOf(path) === undefined ? null : await folder?.read(path);
  if (file === null || file === undefined) throw new Problem(NotFound, "There is no such file.");
  const etag = `"${file.modifiedMs.toString(36)}-${file.bytes.length.toString(36)}"`;
  reply.header("cache-control", cache).header("etag", etag).header("content-security-policy", "default-src 'none'");
  const known = request.headers["if-none-match"] ?? "";
  if (isAnyTag(known) || listsTag(known, etag)) return reply.code(304).send();
  return sendBytes(reply, path, file);
}

function sendProblemPage(request: FastifyRequest, reply: FastifyReply, table: Table): FastifyReply {
  beginPage(request, reply);
  const { code } = request.params as { code: string };
  const definition = table.problems.get(code);
  if (definition === undefined) throw new Problem(NotFound, "There is no problem of this code.");
  reply.header("cache-control", "no-cache").header("vary", "accept");
  if (request.headers.accept?.includes("text/html") !== true)
    return reply.header("content-type", "application/json; charset=utf-8").send(JSON.stringify(definition));
  addPageHeaders(reply, null);
  return reply.send(problemPage(definition));
}

function addPageHeaders(reply: FastifyReply, nonce: string | null): void {
  const style = nonce === null ? "style-src 'self'" : `style-src 'self' 'nonce-${nonce}'`;
  reply.header("content-type", "text/html; charset=utf-8");
  reply.header("cache-control", "no-cache");
  reply.header(
    "content-security-policy",
    `default-src 'none'; script-src 'self'; ${style}; img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
  );
  reply.header("referrer-policy", "no-referrer");
  reply.header("cross-origin-opener-policy", "same-origin");
  reply.header("cross-origin-resource-policy", "same-origin");
  reply.header("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
  reply.header("x-frame-options", "DENY");
}

/** `/admin/…` is a second address of the table's routes alone. */
function beginPage(request: FastifyRequest, reply: FastifyReply): void {
  addBaseHeaders(reply, request.visit.corrId);
  if (request.originalUrl !== request.url) throw new Problem(NotFound, "There is nothing under this address.");
}

const restOf = (request: FastifyRequest): string =>
  (request.params as Readonly<Record<string, string>>)[restName] ?? "";

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
