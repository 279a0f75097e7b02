/** Who gets in, and what must not get out: the tokens, sign-ins and secrets of a state directory, opened together. */
import { createKeptSecrets, type KeptSecrets, secretLengthMin } from "../base/kept-secrets.ts";
import { createRedactor, type Redactor } from "../base/redact.ts";
import { openCredentials } from "../adapters/credentials/credentials.ts";
import { createSessionFile } from "../adapters/credentials/session-file.ts";
import { createTokenFile } from "../adapters/credentials/token-file.ts";
import type { StateFiles } from "../adapters/files/state-file.ts";
import type { Sealer } from "../adapters/sealed-state/sealer.ts";
import { createSecretFiles } from "../adapters/secrets/secret-files.ts";
import { type Access, createAccess } from "../domains/access/service.ts";
import type { SecretsDeps } from "../domains/secrets/service.ts";
import type { Chance, Clock, Log } from "../kernel/ports.ts";
import type { ConfigValues } from "./config/schema.ts";

export interface Secrecy {
  /** Also finds what only looks like a secret, in what agents see and what is logged. */
  readonly redactor: Redactor;
  /** Finds what was handed over, in everything that is written down or told. */
  readonly vault: KeptSecrets;
  learn(values: readonly string[]): void;
}

export function createSecrecy(givenToken: string | undefined): Secrecy {
  const redactor = createRedactor();
  const vault = createKeptSecrets();
  const learn = (values: readonly string[]): void => {
    redactor.add(values);
    vault.add(values.filter((value) => value.length >= secretLengthMin));
  };
  learn(givenToken === undefined ? [] : [givenToken]);
  return { redactor, vault, learn };
}

export interface AccessSeatOptions {
  readonly values: ConfigValues;
  readonly givenToken: string | undefined;
  readonly files: StateFiles;
  readonly chance: Pick<Chance, "randomBytes">;
  readonly clock: Clock;
  readonly log: Log;
  readonly learn: Secrecy["learn"];
  readonly sealer: Sealer | null;
}

export interface AccessSeat {
  readonly access: Access;
  readonly secrets: SecretsDeps;
  readonly tokenSource: "given" | "file";
}

export async function openAccessSeat(options: AccessSeatOptions): Promise<AccessSeat> {
  const { values, givenToken, files, chance, clock, log, learn, sealer } = options;
  const stateDir = values.state.dir;
  const { randomBytes } = chance;
  const credentials = await openCredentials({ stateDir, givenToken, randomBytes, files });
  const sessions = createSessionFile(stateDir, files);
  const tokens = createTokenFile({ stateDir, randomBytes, files });
  const secrets = createSecretFiles({ stateDir, files, sealer });
  const access = createAccess({
    token: credentials.token,
    sessions: { stored: await sessions.load(), store: sessions },
    tokens: { stored: await tokens.load(), store: tokens },
    randomBytes,
    clock,
    log,
    rates: { admin: rateOf(values.access.adminRateLimit), reads: rateOf(values.access.readRateLimit) },
    learnSecrets: learn,
  });
  return {
    access,
    secrets: { stored: await secrets.load(), store: secrets, learnSecrets: learn },
    tokenSource: credentials.source,
  };
}

/** `60/60`: so many in so many seconds, as the schema of the configuration has made sure. */
function rateOf(text: string): { readonly limit: number; readonly windowMs: number } {
  const [limit = 60, windowS = 60] = text.split("/").map(Number);
  return { limit, windowMs: windowS * 1000 };
}
