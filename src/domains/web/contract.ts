/** The web: pages as text, through the one way out of the hub. */
import { endpointName, parseWebAddress } from "../../base/web-address.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, oneOf, Type } from "../../contract/schema.ts";
import { sendEvents, sendProblems } from "../egress/contract.ts";

export const NotText = problem({
  code: "web.not-text",
  status: 415,
  title: "The answer is no text",
  about:
    "The address leads to a picture, a program or another thing that is no text. `type` says what it calls itself.",
});

/** A long article has some hundred kilobytes. */
const textBytesDefault = 200_000;
export const textBytesMax = 2_000_000;
/** Greetings, certificates and headers of an encrypted connection, as often as redirects may be followed. */
const overheadBytes = 6 * 4_000;

/** An address that is none reaches nothing, and no rule opens it. */
export const hostOf = (url: string): string => {
  const to = parseWebAddress(url);
  return typeof to === "string" ? "nowhere.invalid:1" : endpointName(to);
};

export const Fetch = op({
  id: "web.fetch",
  http: "POST /web/fetch",
  cli: "web fetch <url>",
  // It changes nothing here, but what it asks for is told to a stranger: hence `net:send`.
  effect: "read",
  isTool: true,
  about: "Fetch a page or another text from the web; pages become readable text.",
  input: closed({
    url: Type.String({
      minLength: 1,
      maxLength: 8192,
      examples: ["https://example.org/"],
      description: "Address to fetch.",
    }),
    headers: Type.Optional(
      Type.Record(Type.String({ maxLength: 200 }), Type.String({ maxLength: 8192 }), {
        maxProperties: 32,
        description: "Headers to send. `secret:NAME` in a value stands for that secret, where it is bound to the host.",
      }),
    ),
    bytesMax: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: textBytesMax,
        default: textBytesDefault,
        description: "Longest text to answer with, in bytes; the rest is cut off.",
      }),
    ),
    form: Type.Optional(
      oneOf(["readable", "source"], "Pages as readable text, which is the default, or as they are written."),
    ),
  }),
  output: closed({
    url: Type.String({ description: "Where the text came from in the end, without its query." }),
    status: Type.Integer(),
    type: Type.String({ description: "What the server calls it." }),
    text: Type.String(),
    isCut: Type.Boolean({ description: "The text goes on; the rest was left." }),
    bytesOut: Type.Integer({ minimum: 0 }),
    label: oneOf(["web"], "Whatever is built from this text was told by a stranger."),
  }),
  problems: [...sendProblems, NotText],
  emits: [...sendEvents],
  needs: ["net:fetch", "net:send"],
  scope: ({ url }) => ({ host: hostOf(url) }),
  cost: ({ url, headers = {} }) => ({
    bytesOut: overheadBytes + 6 * (url.length + Object.entries(headers).flat().join("").length),
  }),
  spent: ({ bytesOut }) => ({ bytesOut }),
});
export const defaults = { bytesMax: textBytesDefault } as const;
