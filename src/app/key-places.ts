/** Where the environment says that a key or a passphrase lies. */
import { resolve } from "node:path";
import type { Environment } from "./config/places.ts";

export const passphraseVariable = "ARW_STATE_PASSPHRASE_FILE";
export const keyFileVariable = "ARW_STATE_KEY_FILE";

/** What opens the state is no file for agents, wherever it lies. */
export const keyPaths = (env: Environment): readonly string[] =>
  [keyFileVariable, passphraseVariable].flatMap((name) => (env[name] ? [resolve(env[name])] : []));
