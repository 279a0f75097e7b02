/** Browser sign-ins in `sessions.json` of the state directory: hashes and times, readable by their owner alone. */
import { join } from "node:path";
import type { SessionStore, StoredSession } from "../../domains/access/port.ts";
import { readPrivate, writePrivate } from "./credentials.ts";

export interface SessionFile extends SessionStore {
  /** Empty when there is no file, or none that can be read: everybody signs in again. */
  load(): Promise<readonly StoredSession[]>;
}

export function createSessionFile(stateDir: string): SessionFile {
  const path = join(stateDir, "sessions.json");
  return {
    async load() {
      const text = await readPrivate(path);
      return text === null ? [] : parseSessions(text);
    },
    save: (sessions) => writePrivate(path, `${JSON.stringify({ sessions })}\n`),
  };
}

function parseSessions(text: string): readonly StoredSession[] {
  try {
    const { sessions } = JSON.parse(text) as { sessions?: unknown };
    return Array.isArray(sessions) ? sessions.filter(isSession) : [];
  } catch {
    return [];
  }
}

function isSession(value: unknown): value is StoredSession {
  if (typeof value !== "object" || value === null) return false;
  const { hash, createdAtMs, usedAtMs } = value as Record<string, unknown>;
  return (
    typeof hash === "string" &&
    /^[0-9a-f]{64}$/.test(hash) &&
    Number.isInteger(createdAtMs) &&
    Number.isInteger(usedAtMs)
  );
}
