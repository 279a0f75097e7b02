/** `Set-Cookie` values on their way from the operation that made them to the answer of that very call. */

export interface Cookies {
  leave(operationId: string, corrId: string, cookie: string): void;
  take(operationId: string, corrId: string): string | null;
}

/** Answers that may be on their way at once with a cookie; they wait for microseconds. */
const cookiesWaitingMax = 256;

/**
 * Keyed by operation and correlation id together: who joins somebody else's id must succeed with the same operation to be
 * answered at all, and then has a cookie of their own.
 */
export function createCookies(): Cookies {
  const waiting = new Map<string, string>();
  return {
    leave(operationId, corrId, cookie) {
      for (const key of waiting.keys()) {
        if (waiting.size < cookiesWaitingMax) break;
        waiting.delete(key);
      }
      waiting.set(`${operationId} ${corrId}`, cookie);
    },
    take(operationId, corrId) {
      if (waiting.size === 0) return null;
      const key = `${operationId} ${corrId}`;
      const cookie = waiting.get(key) ?? null;
      waiting.delete(key);
      return cookie;
    },
  };
}
