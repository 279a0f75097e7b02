/** `X-ARW-Gate`: rules that a request brings. They are in force before it runs, or it does not run; either way it is told. */
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { isProblem, Problem } from "../../contract/problem.ts";
import { Internal, ShuttingDown } from "../../contract/standard-problems.ts";
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

interface Waiting {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly done: (error?: Error) => void;
}

/** Goes on with the request once its rules are in force, or with the problem that it is answered with instead. */
export async function presentCapsule({ request, reply, done }: Waiting, desk: CapsuleDesk): Promise<void> {
  const { raw } = reply;
  try {
    const { status, refusal } = await presented(request, desk);
    raw.setHeader(statusHeader, status);
    done(refusal ?? undefined);
  } catch (error) {
    tellUnread(request.headers, raw, error);
    done(error as Error);
  }
}

/** Also where the request is refused before its capsule was looked at. */
export function tellUnread(headers: IncomingHttpHeaders, raw: ServerResponse, error: unknown): void {
  if (headers[capsuleHeader] === undefined) return;
  const code = isProblem(error) ? error.definition.code : Internal.code;
  raw.setHeader(statusHeader, `refused; reason=${code}`);
}

async function presented(request: FastifyRequest, { capsules, guard, isReady }: CapsuleDesk): Promise<Presented> {
  const { headers, visit } = request;
  if (!isReady()) throw new Problem(ShuttingDown, "The hub takes no calls now.", { retryAfterMs: readyRetryMs });
  const credentials = credentialsOf(headers, visit.address);
  // To adopt is to change something, whatever the request itself does.
  if (credentials.kind === "cookie") guard.checkCookieCall("POST", headers);
  const header = headers[capsuleHeader];
  const { corrId, controller } = visit;
  return await capsules.present(typeof header === "string" ? header : "", {
    credentials,
    signal: controller.signal,
    corrId,
  });
}
