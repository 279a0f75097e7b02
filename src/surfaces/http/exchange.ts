/** One request and its answer, from the first header to the last byte. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { RouteMeter } from "../../kernel/ports.ts";
import type { JsonObject } from "./json-body.ts";
import type { Params } from "./router.ts";
import type { Visit } from "./visit.ts";

/** One address of the surface, whoever it belongs to. */
export interface Route {
  readonly method: string;
  readonly path: string;
  /** The operation behind it; null for what is open to everybody and takes no body. */
  readonly asks: string | null;
  readonly handler: Handler;
  readonly meter: RouteMeter;
}

/** Answers the exchange, or throws the problem that it is answered with. */
export type Handler = (exchange: Exchange) => void | Promise<void>;

/** `/admin/…` is a second address of the table's routes. */
const aliasPrefix = "/admin/";
const noParams: Params = Object.freeze({});

/** A class, though nothing is hidden: see `Call` of the kernel. */
export class Exchange implements Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Path and query, without the prefix of the second address. */
  readonly url: string;
  readonly isAlias: boolean;
  /** Empty until it is known. */
  corrId = "";
  address = "";
  readonly controller = new AbortController();
  isStream = false;
  /** Null where nothing answers to the address. */
  route: Route | null = null;
  params: Params = noParams;
  body: JsonObject | undefined = undefined;
  /** It brought a body, and comes from somebody whom the corridor refuses: it leads there with no input at all. */
  isUnread = false;

  constructor(request: IncomingMessage, response: ServerResponse) {
    const { method = "GET", url = "/" } = request;
    this.request = request;
    this.response = response;
    this.method = method;
    this.headers = request.headers;
    this.isAlias = url.startsWith(aliasPrefix);
    this.url = this.isAlias ? url.slice(aliasPrefix.length - 1) : url;
  }
}

export const pathOf = (url: string): string => url.split("?", 1)[0] ?? url;

/** Somebody answers already, or nobody is left to read it. */
export const isAnswered = ({ response }: Exchange): boolean => response.headersSent || response.destroyed;
