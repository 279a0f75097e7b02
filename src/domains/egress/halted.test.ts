import assert from "node:assert/strict";
import { test } from "vitest";
import { createFakeWire } from "../../../test/kit/fake-wire.ts";
import { makeKernel } from "../../../test/kit/kernel.ts";
import { isProblem } from "../../contract/problem.ts";

test("a halted hub can be closed, and opened by nobody before its release", async () => {
  await using kit = await makeKernel({
    egress: { wire: createFakeWire(), settings: { posture: "allowlist", hosts: ["a.test"] } },
  });
  await kit.call("halt.engage", {});
  const codeOf = (operation: string, input: object): Promise<string> =>
    kit.call(operation, input).then(
      () => "ok",
      (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
    );
  assert.equal(await codeOf("egress.posture.set", { posture: "public" }), "arw.halted");
  assert.equal(await codeOf("egress.allow", { host: "b.test" }), "arw.halted");
  assert.equal(await codeOf("egress.posture.set", { posture: "closed" }), "ok");
  await kit.call("halt.release", {});
  assert.equal(await codeOf("egress.posture.set", { posture: "public" }), "ok");
});
