/** Holds the lock of a state directory until it is killed or its parent is gone. */
import { acquireStateLock } from "../../src/adapters/files/state-lock.ts";

const [folder = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit());
await acquireStateLock(folder, { pid: process.pid, nowMs: 1_000, address: "http://127.0.0.1:1" });
process.send?.("held");
