/** `X-ARW-Gate`: rules that a request brings. They are in force before it runs, or it does not run; either way it is told. */
import { isProblem, Problem } from "../../contract/problem.ts";
import { Internal, ShuttingDown } from "../../contract/standard-problems.ts";
import type { Exchange } from "./exchange.ts";
import type { OriginGuard } from "./origin.ts";
import type { Capsules, Presented } from "./port.ts";
import { credentialsOf } from "./visit.ts";

export const capsuleHeader = "x-arw-gate";
const statusHeader = "x-arw-gate-status";
const readyRetryMs = 1_000;

export interface CapsuleDesk {
  readonly capsules: Capsules;
  readonly guard: OriginGuard;
  readonly isReady: () => boolean;
}

/** Resolves once the rules of the request are in force. Throws the problem that it is answered with instead. */
export async function presentCapsule(exchange: Exchange, desk: CapsuleDesk): Promise<void> {
  const { status, refusal } = await presented(exchange, desk);
  exchange.response.setHeader(statusHeader, status);
  if (refusal !== null) throw refusal;
}

/** Where the request was refused before anything was said of its capsule. */
export function tellUnread({ headers, response }: Exchange, error: unknown): void {
  if (headers[capsuleHeader] === undefined || response.hasHeader(statusHeader)) return;
  const code = isProblem(error) ? error.definition.code : Internal.code;
  response.setHeader(statusHeader, `refused; reason=${code}`);
}

async function presented(exchange: Exchange, { capsules, guard, isReady }: CapsuleDesk): Promise<Presented> {
  const { headers, corrId, controller } = exchange;
  if (!isReady()) throw new Problem(ShuttingDown, "The hub takes no calls now.", { retryAfterMs: readyRetryMs });
  const credentials = credentialsOf(headers, exchange.address);
  // To adopt is to change something, whatever the request itself does.
  if (credentials.kind === "cookie") guard.checkCookieCall("POST", headers);
  const header = headers[capsuleHeader];
  return await capsules.present(typeof header === "string" ? header : "", {
    credentials,
    signal: controller.signal,
    corrId,
  });
}
