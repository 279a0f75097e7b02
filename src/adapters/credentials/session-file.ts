/** Browser sign-ins in `sessions.json` of the state directory: hashes and times, readable by their owner alone. */
import { join } from "node:path";
import type { SessionStore, StoredSession } from "../../domains/access/port.ts";
import { createStateFiles, jsonCodec, type StateFiles } from "../files/state-file.ts";

export interface SessionFile extends SessionStore {
  /** Empty when there is no file, or none that can be read: everybody signs in again. */
  load(): Promise<readonly StoredSession[]>;
}

export function createSessionFile(
  stateDir: string,
  files: StateFiles = createStateFiles({ nowMs: Date.now }),
): SessionFile {
  // No backup: it would bring back sign-ins that were ended.
  const file = files.open({
    path: join(stateDir, "sessions.json"),
    codec: jsonCodec(parseSessions),
    keepsBackup: false,
  });
  return {
    load: async () => (await file.read())?.sessions ?? [],
    save: (sessions) => file.write({ sessions }),
  };
}

function parseSessions(value: unknown): { readonly sessions: readonly StoredSession[] } | null {
  const sessions = typeof value === "object" && value !== null && "sessions" in value ? value.sessions : null;
  return Array.isArray(sessions) ? { sessions: sessions.filter(isSession) } : null;
}

function isSession(value: unknown): value is StoredSession {
  if (typeof value !== "object" || value === null) return false;
  const { hash, createdAtMs, usedAtMs, tokenHash } = value as Record<string, unknown>;
  return (
    (tokenHash === undefined || typeof tokenHash === "string") &&
    typeof hash === "string" &&
    /^[0-9a-f]{64}$/.test(hash) &&
    Number.isInteger(createdAtMs) &&
    Number.isInteger(usedAtMs)
  );
}
