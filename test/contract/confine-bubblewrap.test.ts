import { test } from "vitest";
import { createConfinement } from "../../src/adapters/confine/confinement.ts";
import { confineSuite, graceMs } from "./confine-suite.ts";
import { lackOfConfinement } from "../kit/confinement.ts";

const lack = await lackOfConfinement();
if (lack === null)
  confineSuite({
    name: "bubblewrap",
    confinesFiles: true,
    create: (given) => createConfinement({ ...given, graceMs, platform: process.platform, nodePath: process.execPath }),
  });
else test("bubblewrap", ({ skip }) => skip(`optional: ${lack}`));
