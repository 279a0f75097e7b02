import { setTimeout as wait } from "node:timers/promises";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { clockContract } from "./clock-suite.ts";

clockContract("system", () => ({ clock: systemClock, pass: (ms) => wait(ms) }));
