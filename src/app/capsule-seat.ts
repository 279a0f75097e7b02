/** Where capsules come in: the trust store behind the domain, and the header of requests before it. */
import { createIssuerFile } from "../adapters/provenance/issuer-file.ts";
import type { StateFiles } from "../adapters/files/state-file.ts";
import { isProblem, Problem } from "../contract/problem.ts";
import type { Static } from "../contract/schema.ts";
import { roles } from "../domains/hierarchy/contract.ts";
import type { Gating } from "../domains/gating/service.ts";
import { contractFault } from "../domains/gating/rule.ts";
import { Adopt, CapsuleRefused } from "../domains/provenance/contract.ts";
import { headerCharsMax } from "../domains/provenance/format.ts";
import { refusalOf } from "../domains/provenance/refusal.ts";
import type { TrustDeps } from "../domains/provenance/issuers-desk.ts";
import type { CapsuleRules } from "../domains/provenance/port.ts";
import type { Provenance } from "../domains/provenance/service.ts";
import type { Dispatcher } from "../kernel/kernel.ts";
import type { Capsules, Presented } from "../surfaces/http/port.ts";

export interface CapsuleSeat extends TrustDeps {
  readonly isLedgerKept: boolean;
  /** The domain, once there is one. */
  serve(provenance: Provenance): void;
  /** What the HTTP door asks about the header of a request. */
  door(dispatcher: Dispatcher): Capsules;
}

export async function openCapsuleSeat(options: {
  readonly stateDir: string;
  readonly files: StateFiles;
  readonly isLedgerKept: boolean;
}): Promise<CapsuleSeat> {
  const store = createIssuerFile(options);
  const late: { held?: Provenance["held"] } = {};
  return {
    // Nobody is trusted by a file that cannot be understood; the health check names it.
    stored: (await store.load()) ?? [],
    store,
    isLedgerKept: options.isLedgerKept,
    serve(provenance) {
      late.held = provenance.held;
    },
    door: (dispatcher) => createDoor(dispatcher, (header) => late.held?.(header) ?? null),
  };
}

/** The part of the gate in which the rules of capsules stand. */
export function capsuleRules(gating: Gating): CapsuleRules {
  /** Ids of immutable rules, by their capsule: one of them keeps all of it. */
  const fixed = new Map<string, Set<string>>();
  const door = gating.foreign("capsules", ({ contract }) => remedyOf(contract.id, fixed));
  return {
    fault: (contract) => contractFault(contract, roles),
    put(placed) {
      door.put(placed);
      const { id, immutable } = placed.contract;
      if (immutable !== true) return;
      const capsule = capsuleOf(id);
      fixed.set(capsule, (fixed.get(capsule) ?? new Set()).add(id));
    },
    remove(id) {
      const capsule = capsuleOf(id);
      fixed.get(capsule)?.delete(id);
      if (fixed.get(capsule)?.size === 0) fixed.delete(capsule);
      return door.remove(id);
    },
  };
}

/** `issuer/capsule`, which is what the id of each of its rules begins with. */
const capsuleOf = (id: string): string => /^[^/]*\/.*?(?=::|$)/u.exec(id)?.[0] ?? id;

/** A capsule with an immutable rule is not ended by itself, and does not outlast the trust in its issuer. */
function remedyOf(id: string, fixed: ReadonlyMap<string, unknown>): string {
  const whole = capsuleOf(id);
  const slash = whole.indexOf("/");
  return fixed.has(whole)
    ? `trust its issuer no more: arw policy issuers revoke ${whole.slice(0, Math.max(0, slash))}`
    : `end its capsule: arw policy capsule teardown ${whole.slice(slash + 1)}`;
}

const headerForm = /^[A-Za-z0-9_-]+$/;

function createDoor(dispatcher: Dispatcher, held: Provenance["held"]): Capsules {
  return {
    async present(header, request) {
      if (header.length > headerCharsMax)
        return refused("too-large", `the header has more than ${headerCharsMax} characters`);
      if (!headerForm.test(header)) return refused("malformed", "the header is not base64url of one envelope");
      // Most programs send the same capsule with every request: that it is in force needs no call.
      const known = held(header);
      if (known !== null) return adopted(known);
      try {
        const { outcome } = await dispatcher.dispatch({
          ...request,
          operationId: Adopt.id,
          input: { envelope: header },
        });
        if (outcome.kind === "held") return waiting(outcome.approvalId);
        // The corridor has held the answer to its schema.
        if (outcome.kind === "answer") return adopted((outcome.output as Static<typeof Adopt.output>).adopted);
        return refused("malformed", "it came to nothing");
      } catch (error) {
        // What it denies may be the answer of its own adoption: it is in force all the same.
        const taken = held(header);
        return taken === null ? refusedBy(error) : adopted(taken);
      }
    },
  };
}

const adopted = ({ id, untilMs }: { readonly id: string; readonly untilMs: number }): Presented => ({
  status: `adopted; id=${id}; until=${new Date(untilMs).toISOString()}`,
  refusal: null,
});

const refused = (reason: "too-large" | "malformed", detail: string): Presented =>
  refusedBy(refusalOf(reason, detail, undefined));

const waiting = (approvalId: string): Presented =>
  refusedBy(
    new Problem(CapsuleRefused, "a person is asked about the capsule first", {
      reason: "held",
      approvalId,
      next: `send it again once a person allowed it: arw approvals decide ${approvalId} allow`,
    }),
  );

/** Only words of ours go into the header: an id that a good signature vouches for, and a reason. */
function refusedBy(error: unknown): Presented {
  if (!isProblem(error)) throw error;
  const { id, reason } = error.extra;
  const { code } = error.definition;
  const told = code === CapsuleRefused.code ? String(reason) : code;
  return { status: `refused${typeof id === "string" ? `; id=${id}` : ""}; reason=${told}`, refusal: error };
}
