import { createPlain } from "../../src/adapters/confine/plain.ts";
import { confineSuite, graceMs } from "./confine-suite.ts";

confineSuite({
  name: "plain",
  confinesFiles: false,
  create: (given) => createPlain({ ...given, graceMs, lack: "nothing confines in this test" }),
});
