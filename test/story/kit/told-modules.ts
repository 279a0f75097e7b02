/** Preloaded into a hub of a story: writes down at its end which parts of Node it has loaded. */
import { writeFileSync } from "node:fs";

const path = process.env["ARW_TEST_MODULES"] ?? "";

process.on("exit", () => writeFileSync(path, Reflect.get(process, "moduleLoadList").join("\n")));
