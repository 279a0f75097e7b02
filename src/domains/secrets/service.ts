/** Keeps secrets, tells their names, and gives a value only to what sends to a bound host or starts a program that is given it. */
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { NotFound, StoreFailed } from "../../contract/standard-problems.ts";
import {
  BindSecret,
  type ListedSecret,
  ListSecrets,
  RemoveSecret,
  SecretBound,
  SecretRemoved,
  SecretStored,
  SetSecret,
  TooManySecrets,
} from "./contract.ts";
import { formsOf } from "./forms.ts";
import type { ProgramSecrets, SecretSource, SecretStore, StoredSecret } from "./port.ts";

/** More services than one household or team talks to. */
export const secretsMax = 200;

export interface SecretsDeps {
  readonly stored: readonly StoredSecret[];
  readonly store: SecretStore;
  /** Told every form of a value before anything else is done with it, so that it is seen nowhere from then on. */
  readonly learnSecrets: (values: readonly string[]) => void;
}

export interface Secrets extends SecretSource, ProgramSecrets {
  readonly domain: Domain;
}

export function createSecrets({ stored, store, learnSecrets }: SecretsDeps): Secrets {
  const secrets = new Map(stored.map((secret) => [secret.name, secret]));
  for (const { value } of stored) learnSecrets(formsOf(value));

  const held = (name: string): StoredSecret => {
    const secret = secrets.get(name);
    if (secret === undefined) throw new Problem(NotFound, `There is no secret ${name}.`);
    return secret;
  };
  const keep = async (secret: StoredSecret): Promise<ListedSecret> => {
    await kept(store.save(secret));
    secrets.set(secret.name, secret);
    return listed(secret);
  };
  const set = async ({ name, value }: { name: string; value: string }, ctx: Context): Promise<ListedSecret> => {
    const former = secrets.get(name);
    if (former === undefined && secrets.size >= secretsMax)
      throw new Problem(TooManySecrets, `There are ${secretsMax} secrets.`);
    learnSecrets(formsOf(value));
    const nowMs = ctx.now();
    const made = { name, value, hosts: former?.hosts ?? [], createdAtMs: former?.createdAtMs ?? nowMs };
    const shown = await keep({ ...made, changedAtMs: nowMs });
    await ctx.emit(SecretStored, { name, host: shown.host });
    return shown;
  };

  return {
    secretForProgram: (name) => secrets.get(name)?.value ?? null,
    secretFor(name, host) {
      const secret = secrets.get(name);
      return secret?.hosts.includes(host.toLowerCase()) === true ? secret.value : null;
    },
    domain: {
      name: "secrets",
      operations: [
        bind(SetSecret, set),
        bind(ListSecrets, () => ({ secrets: [...secrets.values()].map(listed) })),
        bind(BindSecret, async ({ name, host }, ctx) => {
          const hosts = [...new Set(host.map((each) => each.toLowerCase()))];
          const shown = await keep({ ...held(name), hosts, changedAtMs: ctx.now() });
          await ctx.emit(SecretBound, { name, host: shown.host });
          return shown;
        }),
        bind(RemoveSecret, async ({ name }, ctx) => {
          held(name);
          // Gone from here first: whatever the disk says, it is sent no more.
          secrets.delete(name);
          await kept(store.remove(name));
          await ctx.emit(SecretRemoved, { name });
          return { name };
        }),
      ],
      events: [SecretStored, SecretBound, SecretRemoved],
      views: [],
    },
  };
}

const listed = ({ name, hosts, createdAtMs, changedAtMs }: StoredSecret): ListedSecret => ({
  name,
  host: [...hosts],
  createdAtMs,
  changedAtMs,
});

async function kept(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    throw new Problem(StoreFailed, "The secret's file could not be changed; see the log, then try again.", { cause });
  }
}
