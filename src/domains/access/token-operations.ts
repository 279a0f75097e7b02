/** Making, listing, rotating and taking away named tokens. Nobody gives away more than they have. */
import { type Caller, callerName, coversPattern } from "../../contract/caller.ts";
import { bind, type Bound, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Denied, InvalidInput, NotFound, StoreFailed } from "../../contract/standard-problems.ts";
import {
  CreateToken,
  ListTokens,
  RevokeToken,
  RotateToken,
  TokenCreated,
  TokenExists,
  TokenRevoked,
  TokenRotated,
  TooManyTokens,
} from "./contract.ts";
import type { Sessions } from "./sessions.ts";
import type { NewToken, TokenBook, TokenEntry } from "./token-book.ts";

/** More holders than a hub of one household or team has. */
export const tokensMax = 1_000;
const lifeMsMax = 3_650 * 86_400_000;
const lifeDefault = "90d";
const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Names under which the hub and its owner act. */
const takenNames = new Set(["admin", "anonymous", "hub"]);

export interface TokenDeps {
  readonly book: TokenBook;
  readonly sessions: Pick<Sessions, "endOf">;
  readonly learnSecrets: (secrets: readonly string[]) => void;
}

export function tokenOperations(deps: TokenDeps): readonly Bound[] {
  const { book, sessions } = deps;
  return [
    bind(CreateToken, async ({ name, role, key, ttl }, ctx) => {
      mayGive(ctx.caller, key);
      if (takenNames.has(name) || book.byName(name) !== undefined)
        throw new Problem(TokenExists, `The name ${name} is taken.`);
      if (book.all().length >= tokensMax) throw new Problem(TooManyTokens, `There are ${tokensMax} tokens.`);
      return await give({ name, role, keys: key, lifeMs: lifeMsOf(ttl ?? lifeDefault) }, TokenCreated, { ctx, deps });
    }),
    bind(ListTokens, (_input, ctx) => ({ tokens: book.all().map((entry) => listed(entry, ctx.now())) })),
    bind(RotateToken, async ({ name }, ctx) => {
      const { name: _same, role, keys, lifeMs, hash } = held(book, name).stored;
      mayGive(ctx.caller, keys);
      const made = await give({ name, role, keys, lifeMs }, TokenRotated, { ctx, deps });
      sessions.endOf(hash);
      return made;
    }),
    bind(RevokeToken, async ({ name }, ctx) => {
      const { role, keys, hash } = held(book, name).stored;
      mayGive(ctx.caller, keys);
      const removed = book.remove(name);
      const endedSessions = sessions.endOf(hash);
      await stored(removed, "The token ended in this process, but the change could not be stored: remove it again.");
      await ctx.emit(TokenRevoked, { name, role });
      return { name, endedSessions };
    }),
  ];
}

interface Giving {
  readonly ctx: Context;
  readonly deps: TokenDeps;
}

async function give(
  token: Omit<NewToken, "expiresAtMs">,
  told: typeof TokenCreated,
  { ctx, deps }: Giving,
): Promise<Static<typeof CreateToken.output>> {
  const { book } = deps;
  const nowMs = ctx.now();
  // What a token makes does not outlive it, itself included.
  const ownEndMs = ctx.caller.reach === undefined ? Infinity : held(book, ctx.caller.reach.token).stored.expiresAtMs;
  const expiresAtMs = Math.min(nowMs + token.lifeMs, ownEndMs);
  const text = await stored(
    book.put({ ...token, expiresAtMs }, nowMs),
    "The change could not be stored: no token of this name works now, and a former one may again after a restart.",
  );
  deps.learnSecrets([text]);
  const facts = { name: token.name, role: token.role, key: [...token.keys], expiresAtMs };
  try {
    await ctx.emit(told, facts);
  } catch (error) {
    // Nobody learns of a token that was not written down, so there is none.
    await book.remove(token.name);
    throw error;
  }
  return { ...facts, token: text };
}

/** Who holds a token of their own reach gives, renews and takes away only what lies within it. */
function mayGive(caller: Caller, keys: readonly string[]): void {
  const { reach } = caller;
  const beyond =
    reach === undefined ? undefined : keys.find((key) => !reach.keys.some((own) => coversPattern(own, key)));
  if (beyond === undefined) return;
  throw new Problem(Denied, `${callerName(caller)} does not reach ${beyond}, and cannot give it.`, {
    rule: `access.token:${reach?.token}`,
    source: "token",
    next: `give no more than ${callerName(caller)} reaches, or let somebody give it who reaches ${beyond}`,
  });
}

function held(book: TokenBook, name: string): TokenEntry {
  const entry = book.byName(name);
  if (entry === undefined) throw new Problem(NotFound, `There is no token ${name}.`);
  return entry;
}

async function stored<T>(work: Promise<T>, detail: string): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new Problem(StoreFailed, detail, { cause });
  }
}

function lifeMsOf(ttl: string): number {
  const lifeMs = Number(ttl.slice(0, -1)) * (unitMs[ttl.slice(-1)] ?? Number.NaN);
  if (lifeMs <= lifeMsMax) return lifeMs;
  const message = "must be ten years at most";
  throw new Problem(InvalidInput, `ttl ${message}.`, { faults: [{ at: "/ttl", message }] });
}

const listed = (
  { stored: { name, role, keys, createdAtMs, expiresAtMs }, usedAtMs }: TokenEntry,
  nowMs: number,
): Static<typeof ListTokens.output>["tokens"][number] => ({
  name,
  role,
  key: [...keys],
  expiresAtMs,
  createdAtMs,
  isExpired: nowMs >= expiresAtMs,
  usedAtMs,
});
