/** Our envelope as a structured CloudEvent 1.0: the same facts under the names that other systems know. */
import { type Envelope, jsonText } from "../../contract/event.ts";

/** Made once per event, however many clients read it. */
const made = new WeakMap<object, CloudItem>();

/** Keeps what a frame needs beside the text: its position and kind. */
interface CloudItem {
  readonly seq?: number;
  readonly id: string;
  readonly kind: string;
  readonly [jsonText]: string;
}

/** What is no event of ours is given back as it is. */
export function toCloudEvent(item: unknown): unknown {
  if (!isEnvelope(item)) return item;
  const known = made.get(item);
  if (known !== undefined) return known;
  const { seq, id, kind } = item;
  const fresh: CloudItem = { ...(seq > 0 ? { seq } : {}), id, kind, [jsonText]: JSON.stringify(attributesOf(item)) };
  made.set(item, fresh);
  return fresh;
}

/**
 * `source` and `id` together are unique across hubs, as the specification asks. Extension attributes are lower-case, and
 * `sequence` is text: a CloudEvents integer has 32 bits.
 */
function attributesOf(envelope: Envelope): object {
  const { seq, id, timeMs, kind, version, corrId, causeId, node, caller, data } = envelope;
  return {
    specversion: "1.0",
    id,
    source: `/nodes/${encodeURIComponent(node)}`,
    type: kind,
    subject: corrId,
    time: new Date(timeMs).toISOString(),
    datacontenttype: "application/json",
    ...(seq > 0 ? { sequence: String(seq) } : {}),
    ...(causeId === null ? {} : { causeid: causeId }),
    caller,
    kindversion: version,
    ...(envelope.dropped === undefined ? {} : { datadropped: true }),
    data,
  };
}

const isEnvelope = (item: unknown): item is Envelope =>
  typeof item === "object" && item !== null && "kind" in item && "corrId" in item && "node" in item && "timeMs" in item;
