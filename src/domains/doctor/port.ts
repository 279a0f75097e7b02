/** Whoever can look at the state directory from outside. Reads only. */
import type { Finding } from "./contract.ts";

export type { Finding } from "./contract.ts";

export interface Doctor {
  examine(): Promise<readonly Finding[]>;
}
