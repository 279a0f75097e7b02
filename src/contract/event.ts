/** Events: facts in the past tense, the only thing that changes state. */
import { type Caller, callerName } from "./caller.ts";
import type { Static, TSchema } from "./schema.ts";

export interface EventDefinition<S extends TSchema = TSchema> {
  /** Lower-case dotted: `domain.subject.fact`. */
  readonly kind: string;
  /** Adding an optional field keeps the version; anything else is a new version with an upcaster. */
  readonly version: number;
  /** Durable events are journaled and folded; live ones only pass over the bus (progress, token deltas, samples). */
  readonly isDurable: boolean;
  readonly about: string;
  readonly data: S;
}

type EventOptions<S extends TSchema> = Omit<EventDefinition<S>, "version" | "isDurable"> &
  Partial<Pick<EventDefinition<S>, "version" | "isDurable">>;

export const event = <S extends TSchema>(options: EventOptions<S>): EventDefinition<S> =>
  Object.freeze({ version: 1, isDurable: true, ...options });

/** An event that happened. One shape for journal, bus, SSE and tee; maps one to one onto CloudEvents 1.0. */
export interface Envelope<Data = unknown> {
  /** Position in the journal, from 1; 0 for live events, which have none. */
  readonly seq: number;
  /** UUIDv7, unique across hubs. */
  readonly id: string;
  readonly timeMs: number;
  readonly kind: string;
  readonly version: number;
  readonly corrId: string;
  /** Id of the event or call that caused this one. */
  readonly causeId: string | null;
  readonly node: string;
  /** `person:admin`, `agent:scout`. */
  readonly caller: string;
  readonly data: Data;
  /** Retention let go of the data, which is null. Not there otherwise: an event may carry null by itself. */
  readonly dropped?: true;
}

/**
 * The JSON text of an envelope, made at most once per event and shared by journal, streams and tee. A symbol, so that it
 * is not part of the JSON itself.
 */
export const jsonText: unique symbol = Symbol.for("arw.json");

/** The one serialisation of an envelope; live events have no `seq`. */
export function envelopeJson(envelope: Envelope): string {
  const known = (envelope as { readonly [jsonText]?: string })[jsonText];
  if (known !== undefined) return known;
  const { seq, ...rest } = envelope;
  return JSON.stringify(seq === 0 ? rest : { seq, ...rest });
}

export type EnvelopeOf<E extends EventDefinition> = Envelope<Static<E["data"]>>;

/** Who caused an event, in which episode. */
export interface Origin {
  readonly caller: Caller;
  readonly corrId: string;
  readonly causeId: string | null;
  /** When it happened, where it is told a moment later. */
  readonly atMs?: number;
}

export const originName = (origin: Origin): string => callerName(origin.caller);
