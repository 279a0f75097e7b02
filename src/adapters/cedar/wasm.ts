/** Cedar's own parser, validator and evaluator, compiled off the main thread when something first needs them. */
import { readFile } from "node:fs/promises";
import type * as CedarModule from "@cedar-policy/cedar-wasm/web";

export type Cedar = Pick<
  typeof CedarModule,
  "policySetTextToParts" | "policyToJson" | "preparsePolicySet" | "statefulIsAuthorized" | "isAuthorized" | "validate"
>;

/** Loads once, on first call. `path` is the file `cedar_wasm_bg.wasm`, 4.3 MB; takes about 60 ms of processor time. */
export function createCedarLoader(path: () => string): () => Promise<Cedar> {
  let loading: Promise<Cedar> | null = null;
  return () => {
    loading ??= load(path());
    return loading;
  };
}

async function load(path: string): Promise<Cedar> {
  const [cedar, program] = await Promise.all([import("@cedar-policy/cedar-wasm/web"), readFile(path)]);
  // One instance serves the whole process; a second hub in it gets the same.
  await cedar.default({ module_or_path: program });
  return cedar;
}
