/** Browser sign-ins: random cookies, kept as hashes, ended by idleness, by age, or by hand. */
import { hash } from "node:crypto";
import type { Caller } from "../../contract/caller.ts";
import type { Log } from "../../kernel/ports.ts";
import type { SessionStore, StoredSession } from "./port.ts";

/** A browser that nobody used for half a day asks again. */
export const sessionIdleMsMax = 12 * 3_600_000;
/** A sign-in ends after a month, used or not. */
export const sessionAgeMsMax = 30 * 86_400_000;
/** More browsers than one person has; the one unused for longest goes first. */
export const sessionsMax = 64;
/** Use is written down this often, not on every request; a crash shortens an idle time by no more than that. */
const usedWriteMs = 15 * 60_000;
const cookieBytes = 32;

export interface Sessions {
  /** The cookie's value; it is told once and not kept. */
  open(nowMs: number): { readonly value: string; readonly expiresAtMs: number };
  /** Who signed in under this cookie. One caller per session, the same object each time. */
  find(value: string, nowMs: number): Caller | null;
  /** True when this caller came by a session; it is over then. */
  end(caller: Caller): boolean;
  /** Resolves when everything is written. */
  flush(): Promise<void>;
}

interface Session {
  readonly hash: string;
  readonly createdAtMs: number;
  usedAtMs: number;
  writtenUsedAtMs: number;
  readonly caller: Caller;
}

export interface SessionsDeps {
  readonly stored: readonly StoredSession[];
  readonly store: SessionStore;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly log: Log;
}

export function createSessions({ stored, store, randomBytes, log }: SessionsDeps): Sessions {
  const byHash = new Map<string, Session>();
  const byCaller = new WeakMap<Caller, Session>();
  const write = createWriter(() => [...byHash.values()].map(storedOf), store, log);

  const add = ({ hash: key, createdAtMs, usedAtMs }: StoredSession): void => {
    const caller: Caller = Object.freeze({ kind: "person", id: "admin" });
    const session = { hash: key, createdAtMs, usedAtMs, writtenUsedAtMs: usedAtMs, caller };
    byHash.set(key, session);
    byCaller.set(caller, session);
    if (byHash.size > sessionsMax) removeLeastUsed(byHash);
  };
  for (const session of stored) add(session);

  return {
    open(nowMs) {
      for (const session of byHash.values()) if (isOver(session, nowMs)) byHash.delete(session.hash);
      const value = Buffer.from(randomBytes(cookieBytes)).toString("base64url");
      add({ hash: hash("sha256", value), createdAtMs: nowMs, usedAtMs: nowMs });
      write.soon();
      return { value, expiresAtMs: nowMs + sessionAgeMsMax };
    },
    find(value, nowMs) {
      const session = byHash.get(hash("sha256", value));
      if (session === undefined) return null;
      if (isOver(session, nowMs)) {
        byHash.delete(session.hash);
        write.soon();
        return null;
      }
      session.usedAtMs = Math.max(session.usedAtMs, nowMs);
      if (session.usedAtMs - session.writtenUsedAtMs >= usedWriteMs) {
        session.writtenUsedAtMs = session.usedAtMs;
        write.soon();
      }
      return session.caller;
    },
    end(caller) {
      const session = byCaller.get(caller);
      if (session === undefined || !byHash.delete(session.hash)) return false;
      write.soon();
      return true;
    },
    flush: () => write.flush(),
  };
}

const isOver = (session: Session, nowMs: number): boolean =>
  nowMs - session.usedAtMs > sessionIdleMsMax || nowMs - session.createdAtMs > sessionAgeMsMax;

const storedOf = ({ hash: key, createdAtMs, usedAtMs }: Session): StoredSession => ({
  hash: key,
  createdAtMs,
  usedAtMs,
});

function removeLeastUsed(sessions: Map<string, Session>): void {
  let oldest: Session | undefined;
  for (const session of sessions.values())
    if (oldest === undefined || session.usedAtMs < oldest.usedAtMs) oldest = session;
  if (oldest !== undefined) sessions.delete(oldest.hash);
}

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
