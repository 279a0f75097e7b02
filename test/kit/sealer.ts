/** A sealer over chance that is the same in every run. */
import { createSealer, masterBytes, type Sealer } from "../../src/adapters/sealed-state/sealer.ts";
import { randomBytesOf, seededRandom } from "./chance.ts";

/** Another seed is another process; `master` another state. */
export const testSealer = (seed = 1, master = 7): Sealer =>
  createSealer({ master: new Uint8Array(masterBytes).fill(master), randomBytes: randomBytesOf(seededRandom(seed)) });
