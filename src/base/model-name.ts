/**
 * Names of models. The first part says where a model answers and the rest which one it is: `localhost:11434/llama3.2`,
 * `api.openai.com/gpt-5-mini`. So rules, prices and budgets can tell from the name alone what leaves the machine.
 */
import { parseIp } from "./ip-address.ts";
import { endpointName, parseEndpoint } from "./web-address.ts";

export interface ModelName {
  /** `localhost:11434`, or `api.openai.com` for port 443. */
  readonly server: string;
  /** As the server calls it; may hold slashes. */
  readonly model: string;
}

const httpsPort = 443;

/** Null for what names no server. */
export function parseModelName(name: string): ModelName | null {
  const slash = name.indexOf("/");
  const server = slash <= 0 ? null : parseServer(name.slice(0, slash));
  const model = name.slice(slash + 1);
  return server === null || model === "" ? null : { server, model };
}

/** One spelling of a server; null for what is no host. */
export function parseServer(text: string): string | null {
  // A word without dots and without a port names a role, not a host.
  const isHost = /[.:[]/.test(text) || text === "localhost";
  const endpoint = isHost
    ? parseEndpoint(/(^|[^:]):\d{1,5}$|\]:\d{1,5}$/.test(text) ? text : `${text}:${httpsPort}`)
    : null;
  if (endpoint === null) return null;
  const whole = endpointName(endpoint);
  return endpoint.port === httpsPort ? whole.slice(0, -`:${httpsPort}`.length) : whole;
}

export const endpointOf = (server: string): string =>
  /(^|[^:]):\d{1,5}$|\]:\d{1,5}$/.test(server) ? server : `${server}:${httpsPort}`;

/** Whether what is said to it stays on this machine. */
export function isOnThisMachine(server: string): boolean {
  const host = parseEndpoint(endpointOf(server))?.host ?? "";
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  return parseIp(host) !== null && (host.startsWith("127.") || host === "::1");
}
