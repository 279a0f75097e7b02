/** A kernel that takes in capsules, for tests of the domain. */
import assert from "node:assert/strict";
import type { Caller } from "../../src/contract/caller.ts";
import { bind, op } from "../../src/contract/operation.ts";
import { isProblem } from "../../src/contract/problem.ts";
import { closed } from "../../src/contract/schema.ts";
import { contractFault } from "../../src/domains/gating/rule.ts";
import { roles } from "../../src/domains/hierarchy/contract.ts";
import { CapsuleRefused } from "../../src/domains/provenance/contract.ts";
import type { StoredIssuer } from "../../src/domains/provenance/port.ts";
import { createProvenance, type Provenance } from "../../src/domains/provenance/service.ts";
import type { TestIssuer } from "./capsules.ts";
import { admin, domainOf, type Kit, type KitOptions, makeKernel } from "./kernel.ts";

const probe = (name: string) =>
  bind(
    op({
      id: `probe.${name}`,
      http: `POST /probe/${name}`,
      effect: "write",
      about: "Probe.",
      input: closed({}),
      output: closed({}),
    }),
    () => ({}),
  );
export const names = ["look", "act", "actTwice"] as const;

export interface Opened extends Kit {
  readonly provenance: Provenance;
  readonly saved: (readonly StoredIssuer[])[];
  readonly file: { issuers: readonly StoredIssuer[] | null };
}

interface Options extends KitOptions {
  readonly issuers?: readonly StoredIssuer[];
  readonly trusts?: readonly TestIssuer[];
  readonly isLedgerKept?: boolean;
}

/** A kernel with the domain, and three operations that rules can be about. */
export async function open({
  issuers = [],
  trusts = [],
  isLedgerKept = false,
  ...options
}: Options = {}): Promise<Opened> {
  const late: { kit?: Kit; provenance?: Provenance } = {};
  const saved: (readonly StoredIssuer[])[] = [];
  const file: Opened["file"] = { issuers };
  const door = () => (late.kit as Kit).gating.foreign("capsules");
  const kit = await makeKernel({
    ...options,
    isStarted: false,
    domains: (parts) => {
      late.provenance = createProvenance({
        parts,
        clock: {
          nowMs: () => (late.kit as Kit).clock.nowMs(),
          after: (ms, run) => (late.kit as Kit).clock.after(ms, run),
        },
        log: { error: (message) => assert.fail(message) },
        rules: {
          fault: (contract) => contractFault(contract, roles),
          put: (placed) => door().put(placed),
          remove: (id) => door().remove(id),
        },
        stored: issuers,
        store: {
          load: async () => file.issuers,
          save: async (next) => void saved.push((file.issuers = next)),
        },
        bootId: "boot",
        isLedgerKept,
      });
      return [late.provenance.domain, domainOf("probe", { operations: names.map(probe) })];
    },
  });
  late.kit = kit;
  await kit.kernel.start();
  for (const { id, publicKey } of trusts) await kit.call("provenance.issuers.add", { id, publicKey });
  return { ...kit, provenance: late.provenance as Provenance, saved, file };
}

export const outputOf = async (call: ReturnType<Kit["call"]>): Promise<Record<string, unknown>> => {
  const { outcome } = await call;
  assert.equal(outcome.kind, "answer");
  return (outcome as unknown as { output: Record<string, unknown> }).output;
};
export const came = (call: ReturnType<Kit["call"]>): Promise<string> =>
  call.then(
    () => "passed",
    (error: unknown) => {
      assert.ok(isProblem(error), String(error));
      const { reason } = error.extra;
      return typeof reason === "string" && isProblem(error, CapsuleRefused) ? reason : error.definition.code;
    },
  );
export const adopt = (kit: Kit, envelope: string, caller: Caller = admin) =>
  kit.call("provenance.adopt", { envelope }, caller);
export const passes = async (kit: Kit, name: string, caller: Caller = admin): Promise<boolean> =>
  (await came(kit.call(`probe.${name}`, {}, caller))) === "passed";
export const listOf = (output: Record<string, unknown>, name: string) => output[name] as Record<string, unknown>[];
export const status = async (kit: Kit) => {
  const output = await outputOf(kit.call("provenance.status", {}));
  return {
    adopted: listOf(output, "adopted").map(({ id }) => id),
    former: listOf(output, "former").map(({ id }) => id),
  };
};
