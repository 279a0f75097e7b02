/** Secrets: values that a person hands over, which the hub sends to the hosts they are bound to and shows to nobody. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, EpochMs, type Static, Type } from "../../contract/schema.ts";
import { NotFound, StoreFailed } from "../../contract/standard-problems.ts";
import { hostsMax, nameForm, secretLengthMax, secretLengthMin } from "./port.ts";

const Name = Type.String({ pattern: nameForm, description: "Name of the secret, in capitals: `GITHUB_TOKEN`." });
const Host = Type.String({
  pattern: "^([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?$",
  maxLength: 260,
  description: "Host that the secret may be sent to, with the port unless it is the scheme's own.",
});
const Hosts = Type.Array(Host, { maxItems: hostsMax, description: "Hosts that the secret may be sent to." });

export const SecretStored = event({
  kind: "secrets.stored",
  about: "A person handed over a secret, or another value for it; the value is in no event.",
  data: closed({ name: Name, host: Hosts }),
});
export const SecretBound = event({
  kind: "secrets.bound",
  about: "A person said to which hosts a secret may be sent.",
  data: closed({ name: Name, host: Hosts }),
});
export const SecretRemoved = event({
  kind: "secrets.removed",
  about: "A person took a secret away.",
  data: closed({ name: Name }),
});

export const TooManySecrets = problem({
  code: "secrets.too-many",
  status: 409,
  title: "Too many secrets",
  about: "The hub keeps no more secrets than this. Remove those that are not used.",
});

export const ListedSecret = closed({ name: Name, host: Hosts, createdAtMs: EpochMs, changedAtMs: EpochMs });
export type ListedSecret = Static<typeof ListedSecret>;

const forPersons = { isForPersons: true, isOpenWhenHalted: true } as const;

export const SetSecret = op({
  id: "secrets.set",
  http: "PUT /secrets/{name}",
  // Typed words end up in the history of a shell: the command line reads the value from its input instead.
  cli: "",
  effect: "write",
  isSecret: true,
  isIdempotent: true,
  ...forPersons,
  about: "Hand over a secret under a name, or another value for it; its hosts stay as they are.",
  input: closed({
    name: Name,
    value: Type.String({ minLength: secretLengthMin, maxLength: secretLengthMax, description: "The secret itself." }),
  }),
  output: ListedSecret,
  problems: [TooManySecrets, StoreFailed],
  emits: [SecretStored],
});
export const ListSecrets = op({
  id: "secrets.list",
  http: "GET /secrets",
  cli: "secret list",
  effect: "read",
  isWayOut: true,
  about: "List the names of the secrets and the hosts they are bound to, and nothing of their values.",
  input: closed({}),
  output: closed({ secrets: Type.Array(ListedSecret) }),
});
export const RemoveSecret = op({
  id: "secrets.remove",
  http: "DELETE /secrets/{name}",
  cli: "secret rm <name>",
  effect: "destroy",
  isWayOut: true,
  ...forPersons,
  about: "Take a secret away; nothing is sent with it any more.",
  input: closed({ name: Name }),
  output: closed({ name: Name }),
  problems: [NotFound, StoreFailed],
  emits: [SecretRemoved],
});
export const BindSecret = op({
  id: "secrets.bind",
  http: "PUT /secrets/{name}/hosts",
  cli: "secret bind <name> <host>",
  effect: "write",
  isIdempotent: true,
  isForPersons: true,
  about: "Say to which hosts a secret may be sent, in place of those it was bound to before.",
  input: closed({ name: Name, host: Hosts }),
  output: ListedSecret,
  problems: [NotFound, StoreFailed],
  emits: [SecretBound],
});
