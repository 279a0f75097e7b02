/** The events as an AsyncAPI 3.0 document: every kind is a channel, every emitting operation a sender. */
import type { EventDefinition } from "../../contract/event.ts";
import type { Table } from "../../kernel/kernel.ts";
import { createShelf, type Named, pascalCase, plain, type Shelf } from "./json-schema.ts";
import type { SpecOptions } from "./openapi.ts";
import { eventsOf, operationsOf } from "./rows.ts";

type Json = Readonly<Record<string, unknown>>;

const schemaPrefix = "#/components/schemas/";

export function asyncapi(table: Table, { version }: SpecOptions): Json {
  const events = eventsOf(table);
  const shelf = createShelf(events.map(namedData), { prefix: schemaPrefix, reserved: ["Envelope"] });
  return {
    asyncapi: "3.0.0",
    info: {
      title: "ARW events",
      version,
      description: "What the hub tells: facts in the past tense, read at `GET /events` as server-sent events.",
    },
    defaultContentType: "application/json",
    servers: {
      hub: { host: "127.0.0.1:8090", pathname: "/events", protocol: "http", description: "The hub on this machine." },
    },
    channels: Object.fromEntries(events.map((definition) => [definition.kind, channel(definition)])),
    operations: sends(table),
    components: {
      messages: Object.fromEntries(events.map((definition) => [definition.kind, message(definition, shelf)])),
      schemas: { ...shelf.kept, Envelope: envelope() },
    },
  };
}

const namedData = ({ kind, data }: EventDefinition): Named => ({ name: pascalCase(kind), schema: plain(data) });

const channel = ({ kind, about, isDurable }: EventDefinition): Json => ({
  address: kind,
  description: about,
  messages: { [kind]: { $ref: `#/components/messages/${kind}` } },
  "x-arw-durable": isDurable,
});

const message = (definition: EventDefinition, shelf: Shelf): Json => ({
  name: definition.kind,
  summary: definition.about,
  payload: {
    allOf: [{ $ref: `${schemaPrefix}Envelope` }],
    type: "object",
    properties: {
      kind: { const: definition.kind },
      version: { const: definition.version },
      data: shelf.use(plain(definition.data)),
    },
    ...(definition.isDurable ? { required: ["seq"] } : {}),
  },
});

/** One sender per operation and kind, since an AsyncAPI operation names one channel. */
function sends(table: Table): Json {
  return Object.fromEntries(
    operationsOf(table).flatMap(({ id, about, emits }) =>
      emits.map(({ kind }) => [
        `${id}_${kind}`,
        {
          action: "send",
          channel: { $ref: `#/channels/${kind}` },
          messages: [{ $ref: `#/channels/${kind}/messages/${kind}` }],
          summary: about,
          "x-arw-operation": id,
        },
      ]),
    ),
  );
}

const envelope = (): Json => ({
  type: "object",
  required: ["id", "timeMs", "kind", "version", "corrId", "causeId", "node", "caller", "data"],
  properties: {
    seq: {
      type: "integer",
      minimum: 1,
      description: "Position in the journal; absent for live events, which are not kept.",
    },
    id: { type: "string", description: "UUIDv7, unique across hubs." },
    timeMs: { type: "integer", minimum: 0, description: "Milliseconds since 1970-01-01 UTC." },
    kind: { type: "string" },
    version: { type: "integer", minimum: 1 },
    corrId: { type: "string", description: "Joins everything that belongs to one episode." },
    causeId: { anyOf: [{ type: "string" }, { type: "null" }], description: "The event or call that caused this one." },
    node: { type: "string" },
    caller: { type: "string", description: "`person:admin`, `agent:scout`." },
    data: { description: "What happened; its shape follows from kind and version." },
  },
});
