/** The trust store as a person works on it: issuers are added, given new keys, revoked, and read anew from their file. */
import { createKeyedMutex } from "../../base/async.ts";
import { type Bound, bind, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound, StoreFailed } from "../../contract/standard-problems.ts";
import {
  AddIssuer,
  IssuerAdded,
  IssuerRefused,
  IssuerRevoked,
  IssuerRotated,
  type ListedIssuer,
  ListIssuers,
  ReloadIssuers,
  RevokeIssuer,
  RotateIssuer,
  TrustUnreadable,
} from "./contract.ts";
import type { Desk } from "./desk.ts";
import type { IssuerStore, StoredIssuer } from "./port.ts";
import { added, checkedIssuers, type KnownKey, keysById, listed, revoked, rotated } from "./trust.ts";

export interface TrustDesk {
  keys(): ReadonlyMap<string, KnownKey>;
  operations(desk: Desk): readonly Bound[];
  /** Whether the file that was read last holds. */
  health(): { readonly name: string; readonly ok: boolean; readonly detail: string };
}

export interface TrustDeps {
  /** What the file held at the start. */
  readonly stored: readonly StoredIssuer[];
  readonly store: IssuerStore;
}

/** A day in which senders take up the new key. */
const overlapSecsDefault = 86_400;

export function createTrustDesk({ stored, store }: TrustDeps): TrustDesk {
  const book = createIssuerBook(checkedIssuers(stored) ?? [], store);
  const turns = createKeyedMutex();
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => turns.run("issuers", run);
  return {
    keys: book.keys,
    health() {
      const fault = book.fault();
      const detail =
        fault === null ? `${book.all().length} known` : `${fault}; mend it, then: arw policy issuers reload`;
      return { name: "issuers", ok: fault === null, detail };
    },
    operations: (desk) => [
      bind(ListIssuers, () => ({ issuers: book.all().map(listed) })),
      bind(AddIssuer, (given, ctx) => inTurn(() => add(book, given, ctx))),
      bind(RotateIssuer, (given, ctx) => inTurn(() => rotate(book, given, ctx))),
      bind(RevokeIssuer, ({ id }, ctx) => inTurn(() => revoke(id, { book, desk, ctx }))),
      bind(ReloadIssuers, (_input, ctx) => inTurn(() => reload({ book, desk, ctx }))),
    ],
  };
}

interface IssuerBook {
  all(): readonly StoredIssuer[];
  keys(): ReadonlyMap<string, KnownKey>;
  /** Throws `NotFound`. */
  get(id: string): StoredIssuer;
  /** Counts once it is durable. Throws `IssuerRefused` for a fault in words. */
  keep(next: readonly StoredIssuer[] | string): Promise<void>;
  /** Counts at once. */
  take(next: readonly StoredIssuer[]): void;
  /** Of the file as it was read last. */
  fault(): string | null;
  setFault(fault: string | null): void;
  readonly store: IssuerStore;
}

function createIssuerBook(stored: readonly StoredIssuer[], store: IssuerStore): IssuerBook {
  let issuers = stored;
  let keys = keysById(stored);
  let fault: string | null = null;
  const take = (next: readonly StoredIssuer[]): void => {
    issuers = next;
    keys = keysById(next);
  };
  return {
    all: () => issuers,
    keys: () => keys,
    get(id) {
      const issuer = issuers.find((each) => each.id === id);
      if (issuer === undefined)
        throw new Problem(NotFound, `there is no issuer ${id}; arw policy issuers list shows all`);
      return issuer;
    },
    async keep(next) {
      if (typeof next === "string") throw new Problem(IssuerRefused, next);
      await kept(store.save(next));
      take(next);
    },
    take,
    fault: () => fault,
    setFault(next) {
      fault = next;
    },
    store,
  };
}

type Given = Static<typeof AddIssuer.input>;

async function add(book: IssuerBook, { id, publicKey }: Given, ctx: Context): Promise<ListedIssuer> {
  await book.keep(added(book.all(), { id, publicKey, nowMs: ctx.now() }));
  const issuer = book.get(id);
  await ctx.emit(IssuerAdded, { issuer: id, keyId: newestKeyId(issuer) });
  return listed(issuer);
}

async function rotate(
  book: IssuerBook,
  { id, publicKey, overlapSecs = overlapSecsDefault }: Static<typeof RotateIssuer.input>,
  ctx: Context,
): Promise<ListedIssuer> {
  if (book.get(id).revokedAtMs !== null) throw new Problem(IssuerRefused, `${id} was revoked, which is for ever`);
  const formerToMs = ctx.now() + overlapSecs * 1000;
  await book.keep(rotated(book.all(), { id, publicKey, nowMs: ctx.now(), formerToMs }));
  const issuer = book.get(id);
  await ctx.emit(IssuerRotated, { issuer: id, keyId: newestKeyId(issuer), formerToMs });
  return listed(issuer);
}

interface Ending {
  readonly book: IssuerBook;
  readonly desk: Desk;
  readonly ctx: Context;
}

async function revoke(id: string, { book, desk, ctx }: Ending): Promise<Static<typeof RevokeIssuer.output>> {
  const isFirst = book.get(id).revokedAtMs === null;
  // Counts before it is durable: whatever the disk says, nothing of it is adopted any more.
  book.take(revoked(book.all(), id, ctx.now()));
  const saving = kept(book.store.save(book.all()));
  const ending = desk.end("revoked", ctx, ({ issuer }) => issuer === id);
  // Neither waits for the other: each is worth something when the other fails.
  await Promise.allSettled([saving, ending]);
  await saving;
  const ended = await ending;
  if (isFirst) await ctx.emit(IssuerRevoked, { issuer: id });
  return { id, ended };
}

async function reload({ book, desk, ctx }: Ending): Promise<Static<typeof ReloadIssuers.output>> {
  const read = await book.store.load();
  const next = read === null ? null : checkedIssuers(read);
  if (next === null) {
    book.setFault("the file of issuers cannot be understood; the issuers stay as they were");
    // Written down once more where the damaged file was put aside: no file at all would mean next time that nobody is trusted.
    if (read === null) await kept(book.store.save(book.all()));
    throw new Problem(TrustUnreadable, "the file of issuers cannot be understood; the issuers stay as they were");
  }
  book.setFault(null);
  book.take(next);
  // The key under another name is another issuer, of whom nothing was adopted.
  const isTrusted = (id: string, keyId: string): boolean => {
    const issuer = book.keys().get(keyId)?.issuer;
    return issuer?.id === id && issuer.revokedAtMs === null;
  };
  const ended = await desk.end("revoked", ctx, ({ issuer, keyId }) => !isTrusted(issuer, keyId));
  return { issuers: next.length, ended };
}

const newestKeyId = ({ keys }: StoredIssuer): string => keys.at(-1)?.keyId ?? "";

async function kept(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    throw new Problem(StoreFailed, "The file of issuers could not be changed; see the log, then try again.", { cause });
  }
}
