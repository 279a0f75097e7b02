/** Browser sign-ins: random cookies, kept as hashes, ended by idleness, by age, or by hand. */
import { hash } from "node:crypto";
import type { Caller } from "../../contract/caller.ts";
import type { Log } from "../../kernel/ports.ts";
import type { SessionStore, StoredSession } from "./port.ts";
import type { TokenEntry } from "./token-book.ts";

/** A browser that nobody used for half a day asks again. */
export const sessionIdleMsMax = 12 * 3_600_000;
/** A sign-in ends after a month, used or not. */
export const sessionAgeMsMax = 30 * 86_400_000;
/** More browsers than one person has; the one unused for longest goes first. */
export const sessionsMax = 64;
/** Use is written down this often, not on every request; a crash shortens an idle time by no more than that. */
const usedWriteMs = 15 * 60_000;
/** A clock that is corrected by this much ends no sign-in. */
const clockBackMsMax = 3_600_000;
const cookieBytes = 32;

export interface Sessions {
  /** The cookie's value; it is told once and not kept. */
  open(by: TokenEntry | null, nowMs: number): { readonly value: string; readonly expiresAtMs: number };
  /** Who signed in under this cookie. One caller per session, the same object each time. */
  find(value: string, nowMs: number): Caller | null;
  /** True when this caller came by a session; it is over then. */
  end(caller: Caller): boolean;
  /** Ends what was opened with a named token, and answers how many that were. */
  endOf(tokenHash: string): number;
  /** Aborts when the caller's session, or the token it came by, is over; undefined for whoever came by no session. */
  ending(caller: Caller): AbortSignal | undefined;
  /** Names the session towards the limits; undefined for whoever came by none. */
  holder(caller: Caller): string | undefined;
  /** Resolves when everything is written. */
  flush(): Promise<void>;
}

interface Session {
  readonly hash: string;
  readonly createdAtMs: number;
  usedAtMs: number;
  writtenUsedAtMs: number;
  readonly caller: Caller;
  /** Null for the admin token. */
  readonly tokenHash: string | null;
  readonly controller: AbortController;
}

export interface SessionsDeps {
  readonly stored: readonly StoredSession[];
  readonly store: SessionStore;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly log: Log;
  /** The named token of this hash, while it is in force. */
  readonly tokenOf: (hash: string, nowMs: number) => TokenEntry | null;
  readonly nowMs: number;
}

const admin = { kind: "person", id: "admin" } as const;

export function createSessions({ stored, store, randomBytes, log, tokenOf, nowMs: startMs }: SessionsDeps): Sessions {
  const byHash = new Map<string, Session>();
  const byCaller = new WeakMap<Caller, Session>();
  const write = createWriter(() => [...byHash.values()].map(storedOf), store, log);

  const add = (known: StoredSession, by: TokenEntry | null): void => {
    const session = sessionOf(known, by);
    byHash.set(session.hash, session);
    byCaller.set(session.caller, session);
    if (byHash.size > sessionsMax) remove(leastUsed(byHash));
  };
  const remove = (session: Session): void => {
    byHash.delete(session.hash);
    session.controller.abort();
  };
  const isOver = (session: Session, nowMs: number): boolean =>
    nowMs - session.usedAtMs > sessionIdleMsMax ||
    // Made under a clock that was wrong, it would outlive its age by as much.
    session.createdAtMs - nowMs > clockBackMsMax ||
    nowMs - session.createdAtMs > sessionAgeMsMax ||
    (session.tokenHash !== null && tokenOf(session.tokenHash, nowMs) === null);
  for (const session of stored) {
    const by = session.tokenHash === undefined ? null : tokenOf(session.tokenHash, startMs);
    // A token that is gone took its sign-ins with it, whatever the file still says.
    if (session.tokenHash === undefined || by !== null) add(session, by);
  }

  return {
    open(by, nowMs) {
      for (const session of byHash.values()) if (isOver(session, nowMs)) remove(session);
      const value = Buffer.from(randomBytes(cookieBytes)).toString("base64url");
      const tokenHash = by === null ? {} : { tokenHash: by.stored.hash };
      add({ hash: hash("sha256", value), createdAtMs: nowMs, usedAtMs: nowMs, ...tokenHash }, by);
      write.soon();
      return { value, expiresAtMs: Math.min(nowMs + sessionAgeMsMax, by?.stored.expiresAtMs ?? Infinity) };
    },
    find(value, nowMs) {
      const session = byHash.get(hash("sha256", value));
      if (session === undefined) return null;
      if (isOver(session, nowMs)) {
        remove(session);
        write.soon();
        return null;
      }
      session.usedAtMs = nowMs;
      if (Math.abs(session.usedAtMs - session.writtenUsedAtMs) >= usedWriteMs) {
        session.writtenUsedAtMs = session.usedAtMs;
        write.soon();
      }
      return session.caller;
    },
    end(caller) {
      const session = byCaller.get(caller);
      if (session === undefined || !byHash.has(session.hash)) return false;
      remove(session);
      write.soon();
      return true;
    },
    endOf(tokenHash) {
      const own = [...byHash.values()].filter((session) => session.tokenHash === tokenHash);
      for (const session of own) remove(session);
      if (own.length > 0) write.soon();
      return own.length;
    },
    ending: (caller) => byCaller.get(caller)?.controller.signal,
    holder: (caller) => byCaller.get(caller)?.hash,
    flush: () => write.flush(),
  };
}

const sessionOf = ({ hash: key, createdAtMs, usedAtMs, tokenHash }: StoredSession, by: TokenEntry | null): Session => ({
  hash: key,
  createdAtMs,
  usedAtMs,
  writtenUsedAtMs: usedAtMs,
  caller: Object.freeze({ ...(by?.caller ?? admin) }),
  tokenHash: tokenHash ?? null,
  controller: new AbortController(),
});

const storedOf = ({ hash: key, createdAtMs, usedAtMs, tokenHash }: Session): StoredSession => ({
  hash: key,
  createdAtMs,
  usedAtMs,
  ...(tokenHash === null ? {} : { tokenHash }),
});

const leastUsed = (sessions: ReadonlyMap<string, Session>): Session =>
  [...sessions.values()].reduce((oldest, session) => (session.usedAtMs < oldest.usedAtMs ? session : oldest));

/** One write at a time; changes during a write make one more. */
function createWriter(
  snapshot: () => StoredSession[],
  store: SessionStore,
  log: Log,
): { soon(): void; flush(): Promise<void> } {
  let isDirty = false;
  let running: Promise<void> | null = null;
  const run = async (): Promise<void> => {
    while (isDirty) {
      isDirty = false;
      try {
        await store.save(snapshot());
      } catch (error) {
        // The sign-ins go on in memory; the next change tries again.
        log.warn("sign-ins could not be stored; they end with this process", { error: String(error) });
      }
    }
    running = null;
  };
  return {
    soon() {
      isDirty = true;
      running ??= run();
    },
    flush: () => running ?? Promise.resolve(),
  };
}
