import assert from "node:assert/strict";
import { test } from "vitest";
import type { Gating } from "../domains/gating/service.ts";
import { capsuleRules } from "./capsule-seat.ts";

test("a rule of a capsule names what ends it: its capsule, or where it is immutable the trust in its issuer", () => {
  let remedy: Parameters<Gating["foreign"]>[1];
  const foreign = (_name: string, given: typeof remedy) => ((remedy = given), { put: () => {}, remove: () => true });
  capsuleRules({ foreign } as unknown as Gating);
  const remedyOf = (contract: object): string | undefined => remedy?.({ contract } as never);
  for (const id of ["parent/house", "parent/house::no-tools"]) {
    assert.equal(remedyOf({ id }), "end its capsule: arw policy capsule teardown house");
    assert.equal(remedyOf({ id, immutable: true }), "trust its issuer no more: arw policy issuers revoke parent");
  }
});
