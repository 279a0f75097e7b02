/**
 * A call of a tool as its client waits for it. From 2026-07-28 on a question is an answer: the client comes back with what its
 * person said, under another id, and the call that was asked about is the one that goes on, whatever the client says it is now.
 */
import { type Id, isRecord, resultText } from "./messages.ts";
import type { Lines, Params } from "./port.ts";

export interface CallTurn {
  /** Whom to answer; null while the client is away with a question. */
  readonly id: Id | null;
  readonly token: string | number | null;
  /** Answers whoever waits, now or when they come back. */
  finish(text: (id: Id) => string): Promise<void>;
  /** Sends the client away with a question; resolves with what it brings, which may be nothing. */
  sendAway(key: string, request: Params): Promise<unknown>;
}

export interface CallTurns {
  begin(id: Id, params: Params): CallTurn;
  /** Whether this call is one that comes back; it is taken up where it stood. */
  resume(id: Id, params: Params): "resumed" | "unknown" | "new";
}

export interface CallTurnsOptions {
  readonly client: Pick<Lines, "write">;
  /** A call goes on under another id. */
  readonly onRename: (turn: CallTurn, id: Id) => void;
}

/** As many as a session may have open; whoever does not come back is forgotten first. */
const awayMax = 64;
/** What a question of the hub is called in the answer that puts it, and how its state begins. */
const inputName = "arw";
const statePrefix = "arw-";

interface Held extends CallTurn {
  id: Id | null;
  token: string | number | null;
  text: ((id: Id) => string) | null;
}

export function createCallTurns({ client, onRename }: CallTurnsOptions): CallTurns {
  const away = new Map<string, (id: Id, params: Params) => void>();
  return {
    begin(id, params) {
      const turn: Held = {
        id,
        token: tokenOf(params),
        text: null,
        async finish(text) {
          turn.text = text;
          if (turn.id !== null) await client.write(text(turn.id));
        },
        async sendAway(key, request) {
          const from = turn.id;
          if (from === null) return undefined;
          const back = Promise.withResolvers<unknown>();
          const [oldest] = away.size >= awayMax ? away.keys() : [];
          if (oldest !== undefined) away.delete(oldest);
          away.set(`${statePrefix}${key}`, (nextId, next) => {
            [turn.id, turn.token] = [nextId, tokenOf(next)];
            back.resolve(isRecord(next["inputResponses"]) ? next["inputResponses"][inputName] : undefined);
            if (turn.text === null) onRename(turn, nextId);
            else void client.write(turn.text(nextId));
          });
          turn.id = null;
          const asked = { resultType: "input_required", inputRequests: { [inputName]: request } };
          await client.write(resultText(from, { ...asked, requestState: `${statePrefix}${key}` }));
          return back.promise;
        },
      };
      return turn;
    },
    resume(id, params) {
      const { requestState } = params;
      if (typeof requestState !== "string" || !requestState.startsWith(statePrefix)) return "new";
      const comeBack = away.get(requestState);
      away.delete(requestState);
      if (comeBack === undefined) return "unknown";
      comeBack(id, params);
      return "resumed";
    },
  };
}

function tokenOf({ _meta }: Params): string | number | null {
  const token = isRecord(_meta) ? _meta["progressToken"] : undefined;
  return typeof token === "string" || typeof token === "number" ? token : null;
}
