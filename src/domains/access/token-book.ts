/** The named tokens: made, found by their hash, replaced and taken away. What one opened ends with it. */
import { strict as assert } from "node:assert";
import { hash } from "node:crypto";
import type { Caller } from "../../contract/caller.ts";
import type { Clock } from "../../kernel/ports.ts";
import { gateKey } from "../../contract/operation.ts";
import { Signout, Whoami } from "./contract.ts";
import type { StoredNamedToken, StoredTokens, TokenRole, TokenStore } from "./port.ts";
import { createTokenDigest } from "./token-check.ts";

const tokenBytes = 32;
/** Timers hold 31 bits; a later end is armed again. */
const timerMsMax = 2_000_000_000;

/** A token in force, or one that expired and was not removed yet. */
export interface TokenEntry {
  readonly stored: StoredNamedToken;
  /** The same object with every call. */
  readonly caller: Caller;
  /** Aborts when the token is replaced, taken away, or expires. */
  readonly ending: AbortSignal;
  /** Since the start of this process. */
  readonly usedAtMs: number | null;
}

export type NewToken = Pick<StoredNamedToken, "name" | "role" | "keys" | "lifeMs" | "expiresAtMs">;

export interface TokenBook {
  /** By the token's text, which is marked as used; null for what is none or has expired. */
  find(token: string, nowMs: number): TokenEntry | null;
  byHash(hash: string, nowMs: number): TokenEntry | null;
  byName(name: string): TokenEntry | undefined;
  all(): readonly TokenEntry[];
  /** Makes the token, or replaces the one of this name. Durable when it returns; only here the text is told. */
  put(token: NewToken, nowMs: number): Promise<string>;
  /** The token works no more when this is called; durable when it returns. */
  remove(name: string): Promise<void>;
}

export interface TokenBookDeps {
  readonly stored: StoredTokens;
  readonly store: TokenStore;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly clock: Pick<Clock, "nowMs" | "after">;
}

interface Held extends TokenEntry {
  usedAtMs: number | null;
  end(): void;
}

export function createTokenBook({ stored, store, randomBytes, clock }: TokenBookDeps): TokenBook {
  const digestOf = createTokenDigest(stored.salt);
  const hashes = new Map<string, Held>();
  const known = createKnownTexts(randomBytes);
  const names = new Map<string, Held>();
  let writing = Promise.resolve();

  const hold = (token: StoredNamedToken): Held => {
    const held = createHeld(token, clock);
    hashes.set(token.hash, held);
    names.set(token.name, held);
    return held;
  };
  const drop = (held: Held): void => {
    hashes.delete(held.stored.hash);
    known.forget(held);
    names.delete(held.stored.name);
    held.end();
  };
  /** One write after the other, each of what the book says when its turn comes. */
  const save = (): Promise<void> => {
    const turn = writing.then(() =>
      store.save({ salt: stored.salt, tokens: [...names.values()].map((each) => each.stored) }),
    );
    writing = turn.catch(() => undefined);
    return turn;
  };
  for (const token of stored.tokens) hold(token);

  return {
    find(token, nowMs) {
      if (hashes.size === 0) return null;
      const held = inForce(
        known.find(token, () => hashes.get(digestOf(token) ?? "")),
        nowMs,
      );
      if (held !== null) held.usedAtMs = nowMs;
      return held;
    },
    byHash: (digest, nowMs) => inForce(hashes.get(digest), nowMs),
    byName: (name) => names.get(name),
    all: () => [...names.values()],
    async put(token, nowMs) {
      const text = `arw_${Buffer.from(randomBytes(tokenBytes)).toString("base64url")}`;
      const digest = digestOf(text);
      assert(digest !== null, "a made token has the length of one");
      const former = names.get(token.name);
      const held = hold({ ...token, hash: digest, createdAtMs: nowMs });
      if (former !== undefined) {
        drop(former);
        names.set(token.name, held);
      }
      try {
        await save();
      } catch (error) {
        // Nobody was told the new text. The old one stays away: whoever rotates wants it gone.
        if (names.get(token.name) === held) drop(held);
        throw error;
      }
      return text;
    },
    async remove(name) {
      const held = names.get(name);
      if (held === undefined) return;
      drop(held);
      await save();
    },
  };
}

const inForce = (held: Held | undefined, nowMs: number): Held | null =>
  held === undefined || nowMs >= held.stored.expiresAtMs ? null : held;

/** Tokens that were right, by a digest that costs a third as much and is worth nothing outside of this process. */
function createKnownTexts(randomBytes: (count: number) => Uint8Array) {
  // As many as there are tokens in force: each has one text.
  const byDigest = new Map<string, Held>();
  const salt = Buffer.from(randomBytes(tokenBytes)).toString("base64url");
  return {
    find(token: string, look: () => Held | undefined): Held | undefined {
      const digest = hash("sha256", salt + token);
      const held = byDigest.get(digest) ?? look();
      if (held !== undefined) byDigest.set(digest, held);
      return held;
    },
    forget(held: Held): void {
      for (const [digest, each] of byDigest) if (each === held) byDigest.delete(digest);
    },
  };
}

function createHeld(stored: StoredNamedToken, clock: TokenBookDeps["clock"]): Held {
  const controller = new AbortController();
  let cancel: (() => void) | null = null;
  const arm = (): void => {
    const leftMs = stored.expiresAtMs - clock.nowMs();
    if (leftMs <= 0) controller.abort();
    else cancel = clock.after(Math.min(timerMsMax, leftMs), arm);
  };
  return {
    stored,
    caller: callerOf(stored),
    usedAtMs: null,
    /** Asked for by what lasts; a token that opens nothing needs no timer. */
    get ending() {
      if (cancel === null && !controller.signal.aborted) arm();
      return controller.signal;
    },
    end() {
      cancel?.();
      controller.abort();
    },
  };
}

const kinds: Readonly<Record<TokenRole, Caller["kind"]>> = {
  person: "person",
  agent: "agent",
  node: "node",
  // A person who reads: rules for persons hold for them, and their reach takes everything else away.
  observer: "person",
};

/** Asking who one is, and leaving, are open to every token. */
const alwaysKeys = [Whoami, Signout].map(gateKey);

/** What a program outside the hub has read elsewhere nobody here knows: its words count as those of strangers. */
const programLabels = Object.freeze(["user", "tool"] as const);

function callerOf({ name, role, keys }: StoredNamedToken): Caller {
  const kind = kinds[role];
  const isReadOnly = role === "observer";
  const reach = Object.freeze({ token: name, keys: [...keys, ...alwaysKeys], isReadOnly });
  return Object.freeze({ kind, id: name, reach, ...(kind === "person" ? {} : { labels: [...programLabels] }) });
}
