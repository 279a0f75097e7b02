/**
 * Which sites may talk to the hub: its own pages and programs on this machine. A page of another site can make a browser
 * send requests here, under a name that it made point to 127.0.0.1; both show in headers that pages cannot set.
 */
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { Problem } from "../../contract/problem.ts";
import { WrongOrigin } from "../../contract/standard-problems.ts";

export interface OriginGuard {
  /** Throws `WrongOrigin`. */
  check(method: string, headers: IncomingHttpHeaders): void;
  /** For calls whose proof of identity is a cookie, which a browser adds by itself. */
  checkCookieCall(method: string, headers: IncomingHttpHeaders): void;
  /** Lets the page of an allowed site read the answer. Says nothing to others, so that their browsers keep it to themselves. */
  welcome(origin: string | undefined, response: Pick<ServerResponse, "setHeader">): void;
  /** Whether a browser asks before it sends a call of an allowed site. Only behind `check`. */
  isPreflight(method: string, headers: IncomingHttpHeaders): boolean;
  /** Fixes the port once the server listens; before that only in-process calls come, under any port. */
  setPort(port: number): void;
}

const loopbackNames = ["localhost", "127.0.0.1", "[::1]"];
const loopbackAddress = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;
const hostForm = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?$/;
const defaultHttpPort = 80;

export const isSafeMethod = (method: string): boolean => method === "GET" || method === "HEAD" || method === "OPTIONS";

/**
 * `allowedHosts` are further values of the Host header, with the port unless it is the scheme's own; `allowedOrigins` other
 * sites whose pages may call with a token.
 */
export function createOriginGuard(
  allowedHosts: readonly string[],
  allowedOrigins: readonly string[] = [],
): OriginGuard {
  const origins = new Set(allowedOrigins.map((origin) => origin.toLowerCase()));
  const isWelcome = (origin: string | undefined): origin is string =>
    origin !== undefined && origins.has(origin.toLowerCase());
  const configured = new Set(allowedHosts.map((host) => host.toLowerCase()));
  const allowed = new Set(configured);
  let port: number | null = null;

  const isAllowed = (host: string): boolean => {
    if (allowed.has(host)) return true;
    const form = hostForm.exec(host.toLowerCase());
    if (form === null) return false;
    if (configured.has(form[0])) return true;
    const name = form[1] ?? "";
    const isOurPort = port === null || Number(form[2] ?? defaultHttpPort) === port;
    return isOurPort && (loopbackNames.includes(name) || loopbackAddress.test(name));
  };

  const isSameOrigin = (origin: string, host: string): boolean => {
    const site = origin.toLowerCase();
    const name = host.toLowerCase();
    // A proxy that ends TLS in front of the hub makes the page's scheme https; the host decides.
    return site === `http://${name}` || (site === `https://${name}` && configured.has(name));
  };

  return {
    check(method, headers) {
      const { host, origin } = headers;
      if (host === undefined || !isAllowed(host))
        throw new Problem(
          WrongOrigin,
          "The Host header names no address of this hub. Add it to `server.allowedHosts` if it should.",
        );
      if (isWelcome(origin)) return;
      if (origin !== undefined && !isSameOrigin(origin, host))
        throw new Problem(WrongOrigin, "The Origin header names another site.");
      if (headers["sec-fetch-site"] === "cross-site" && !isSafeMethod(method))
        throw new Problem(WrongOrigin, "Another site made the browser send this.");
    },
    checkCookieCall(method, headers) {
      // Another port of this machine is the same site to a browser, which then adds the cookie: to a call that only costs.
      const site = headers["sec-fetch-site"];
      if (isWelcome(headers.origin) || (site !== undefined && site !== "same-origin" && site !== "none"))
        throw new Problem(
          WrongOrigin,
          "The sign-in cookie counts for this hub's own pages alone; others send a token.",
        );
      if (headers.origin === undefined && !isSafeMethod(method))
        throw new Problem(
          WrongOrigin,
          "A change that relies on the sign-in cookie needs an Origin header; programs send a token.",
        );
    },
    welcome(origin, response) {
      if (origins.size > 0) welcome(isWelcome(origin) ? origin : null, response);
    },
    isPreflight: (method, headers) =>
      method === "OPTIONS" && isWelcome(headers.origin) && headers["access-control-request-method"] !== undefined,
    setPort(listening) {
      port = listening;
      for (const name of loopbackNames) allowed.add(`${name}:${listening}`);
    },
  };
}

/** A cache must not give one site's answer to another. */
function welcome(origin: string | null, response: Pick<ServerResponse, "setHeader">): void {
  response.setHeader("vary", "Origin");
  if (origin === null) return;
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-expose-headers", "x-arw-corr, retry-after, location, etag");
}
