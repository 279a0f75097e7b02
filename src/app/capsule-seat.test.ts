import assert from "node:assert/strict";
import { test } from "vitest";
import type { Gating } from "../domains/gating/service.ts";
import { capsuleRules } from "./capsule-seat.ts";

test("a rule of a capsule names what ends it: its capsule, or where one of its rules is immutable the trust in its issuer", () => {
  let remedy: Parameters<Gating["foreign"]>[1];
  const foreign = (_name: string, given: typeof remedy) => ((remedy = given), { put: () => {}, remove: () => true });
  const rules = capsuleRules({ foreign } as unknown as Gating);
  const remedyOf = (id: string): string | undefined => remedy?.({ contract: { id } } as never);
  const put = (id: string, immutable: boolean): void =>
    rules.put({ contract: { id, patterns: ["*"], immutable }, place: "x" });
  const teardown = "end its capsule: arw policy capsule teardown house";
  const revoke = "trust its issuer no more: arw policy issuers revoke parent";
  put("parent/house", false);
  put("parent/house::no-tools", false);
  for (const id of ["parent/house", "parent/house::no-tools"]) assert.equal(remedyOf(id), teardown);
  put("parent/house::for-ever", true);
  put("parent/other", false);
  for (const id of ["parent/house", "parent/house::no-tools", "parent/house::for-ever"])
    assert.equal(remedyOf(id), revoke);
  assert.equal(remedyOf("parent/other"), "end its capsule: arw policy capsule teardown other");
  rules.remove("parent/house::for-ever");
  assert.equal(remedyOf("parent/house"), teardown);
});
