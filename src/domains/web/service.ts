import { truncate } from "../../base/text-marks.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context, gateKey } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { defaults, Fetch, hostOf, NotText, textBytesMax } from "./contract.ts";
import type { Courier } from "./port.ts";
import { decodedText } from "./decoded-text.ts";
import { readableText } from "./readable-text.ts";

/** Pages are mostly tags; so much of one is read to find its text. */
const sourceBytesMax = 4 * textBytesMax;
const summaryMax = 200;

export const createWeb = ({ courier }: { readonly courier: Courier }): Domain => ({
  name: "web",
  operations: [
    bind(Fetch, (input, ctx) => fetchText(input, { ctx, courier }), {
      preview: (input) => Promise.resolve({ summary: summaryOf(input), canUndo: false }),
    }),
  ],
  events: [],
  views: [],
});

/** The whole address: what is in its query is what would be told to the other side. */
const summaryOf = ({ url }: Static<typeof Fetch.input>): string =>
  `ask ${hostOf(url)} for ${truncate(url, summaryMax)}`;

type Fetched = Static<typeof Fetch.output>;

async function fetchText(
  { url, headers = {}, bytesMax = defaults.bytesMax, form = "readable" }: Static<typeof Fetch.input>,
  { ctx, courier }: { readonly ctx: Context; readonly courier: Courier },
): Promise<Fetched> {
  const isReadable = form === "readable";
  const answer = await courier.send(
    {
      operation: gateKey(Fetch),
      url,
      headers: { ...ownHeaders(headers), ...headers },
      limits: { bodyBytesMax: isReadable ? sourceBytesMax : bytesMax },
    },
    ctx,
  );
  const type = (answer.headers["content-type"] ?? "").slice(0, summaryMax);
  if (!isText(type) && answer.body.byteLength > 0)
    throw new Problem(NotText, `${answer.url} answers with ${type}`, { type });
  const isPage = /^(text\/html|application\/xhtml)/i.test(type);
  const source = decodedText(answer.body, { type, isPage });
  const text = isReadable && isPage ? readableText(source) : source;
  const kept = cutTo(text, bytesMax);
  return {
    url: answer.url,
    status: answer.status,
    type,
    text: kept,
    isCut: answer.isCut || kept.length < text.length,
    bytesOut: answer.bytesOutTotal,
    label: "web",
  };
}

/** Those that the caller did not give, in whatever case. */
function ownHeaders(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const own = { accept: "text/html, text/*, application/json, application/xml;q=0.9", "user-agent": "arw" };
  const names = new Set(Object.keys(given).map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(own).filter(([name]) => !names.has(name)));
}

const isText = (type: string): boolean =>
  type === "" ||
  /^text\/|^application\/([\w.-]+\+)?(json|xml|javascript|yaml|toml|x-ndjson)\b|^application\/xhtml/i.test(type);

/** So many bytes of UTF-8 at most, and no half characters. */
function cutTo(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax) return text;
  const bytes = new TextEncoder().encode(text);
  if (bytes.byteLength <= bytesMax) return text;
  let end = bytesMax;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return new TextDecoder().decode(bytes.subarray(0, end));
}
