/** How a file that is no sound capsule is refused. */
import { Problem } from "../../contract/problem.ts";
import { CapsuleUnsound, type Refusal } from "./contract.ts";

export const unsound = (reason: Refusal, detail: string): Problem => new Problem(CapsuleUnsound, detail, { reason });
