/** What secrets need from outside, and what they give to whoever sends for an agent. */

/** Capitals alone, so that names are names of files on every system, too. */
export const nameForm = "^[A-Z][A-Z0-9_]{0,63}$";
/** Shorter ones could not be kept out of ordinary text. */
export const secretLengthMin = 8;
/** Longer ones are documents. */
export const secretLengthMax = 8_192;
export const hostsMax = 50;

export interface StoredSecret {
  readonly name: string;
  readonly value: string;
  /** In lower case, as they stand in an address: with the port unless it is the scheme's own. */
  readonly hosts: readonly string[];
  readonly createdAtMs: number;
  readonly changedAtMs: number;
}

/** Both are durable when they return. */
export interface SecretStore {
  save(secret: StoredSecret): Promise<void>;
  remove(name: string): Promise<void>;
}

/** Given to what sends bytes out of the hub, and to nothing else. */
export interface SecretSource {
  /** The value, when the secret exists and is bound to this very host; `host` is as `URL.host` writes it. */
  secretFor(name: string, host: string): string | null;
}

/** Given to what starts the programs that a person named secrets for, and to nothing else. */
export interface ProgramSecrets {
  /** The value for a program that a person named together with this secret; null when there is none of this name. */
  secretForProgram(name: string): string | null;
}
