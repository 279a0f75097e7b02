/** The configuration: every key with its meaning, unit, limits and default. Secrets are never keys of it. */
import { closed, oneOf, type Static, type TSchema, Type } from "../../contract/schema.ts";
import { childCeilings } from "../../domains/shell/port.ts";

/** Where else a value may come from; kept in the schema, so that the reference names it too. */
interface Doors {
  readonly "x-environment"?: string;
  /** The variable that other programs read for the same thing; the one above goes first. */
  readonly "x-environment-standard"?: string;
  /** What one unit of the variable is in units of the key: megabytes in the variable, bytes in the key. */
  readonly "x-environment-factor"?: number;
  readonly "x-environment-unit"?: string;
  readonly "x-flag"?: string;
}
const doors = (environment: string | null, flag: string | null): Doors => ({
  ...(environment === null ? {} : { "x-environment": environment }),
  ...(flag === null ? {} : { "x-flag": flag }),
});

/** A key of the gate, or the beginning of one with `*` behind it. */
const gatePattern = "^(\\*|[a-z][A-Za-z0-9_.:-]*\\*?)$";
const gatePatterns = (description: string, where: Doors) =>
  Type.Array(Type.String({ pattern: gatePattern, maxLength: 200 }), {
    default: [],
    maxItems: 1000,
    description,
    ...where,
  });

/** IPv4 or IPv6, perhaps with the bits of a range behind a slash; whether it is one is looked at when it is loaded. */
const addressRange = "^[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?$";
const addressRanges = (description: string, where: Doors) =>
  Type.Array(Type.String({ pattern: addressRange, maxLength: 50 }), {
    default: [],
    maxItems: 100,
    description,
    ...where,
  });

/** COUNT/SECONDS. More than 100,000 in one window would take too much memory to be counted one by one. */
const rateLimit = "^([1-9][0-9]{0,4}|100000)/[1-9][0-9]{0,5}$";

/** Backends other than these come with the cluster; asking for one that is not here must not start. */
const localOnly = (description: string) => Type.Enum(["local"], { default: "local", description, "x-backend": true });

export const Config = closed({
  server: closed(
    {
      port: Type.Integer({
        default: 8090,
        minimum: 0,
        maximum: 65_535,
        description: "TCP port of the hub; 0 takes any free one.",
        ...doors("ARW_PORT", "--port"),
      }),
      bind: Type.String({
        default: "127.0.0.1",
        minLength: 1,
        maxLength: 255,
        description: "Address to listen on. Anything but this machine's own also needs ARW_ADMIN_TOKEN to be set.",
        ...doors("ARW_BIND", "--bind"),
      }),
      allowedHosts: Type.Array(Type.String({ pattern: "^[A-Za-z0-9.:\\[\\]-]+$", maxLength: 260 }), {
        default: [],
        maxItems: 100,
        description:
          "Values of the Host header that are answered besides this machine's own, with the port: `hub.example:8090`.",
        ...doors("ARW_ALLOWED_HOSTS", "--allowed-hosts"),
      }),
      allowedOrigins: Type.Array(Type.String({ pattern: "^https?://[A-Za-z0-9.:\\[\\]-]+$", maxLength: 260 }), {
        default: [],
        maxItems: 100,
        description:
          "Other sites whose pages may call the hub with a token, as `https://tool.example`; none by default.",
      }),
      trustedProxies: addressRanges(
        "Addresses or ranges of proxies, as `10.0.0.0/8`, whose X-Forwarded-For is believed; every other header about the client is ignored.",
        doors("ARW_TRUSTED_PROXIES", "--trusted-proxies"),
      ),
      allowAddresses: addressRanges(
        "Addresses or ranges, as `192.168.1.0/24`, that are answered besides this machine; all when empty.",
        doors("ARW_ALLOW_ADDRESSES", "--allow-addresses"),
      ),
      bodyBytesMax: Type.Integer({
        default: 8_388_608,
        minimum: 1024,
        maximum: 1_073_741_824,
        description: "Largest request body, in bytes.",
      }),
    },
    { description: "The HTTP server." },
  ),
  state: closed(
    {
      dir: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 4096,
          description:
            "Folder that holds the journal, the records and the token. By default the place the platform has for such data.",
          ...doors("ARW_STATE_DIR", "--state-dir"),
        }),
      ),
      portable: Type.Boolean({
        default: false,
        description: "Keep the state beside the program, in .arw/state, unless `dir` is given.",
        ...doors("ARW_PORTABLE", "--portable"),
      }),
    },
    { description: "Where the hub keeps what it knows." },
  ),
  gate: closed(
    {
      deny: gatePatterns(
        "Gate keys, or beginnings of keys with `*`, that are denied to everybody. Denials of the file, the environment and the flags add up.",
        doors("ARW_GATING_DENY", "--deny"),
      ),
      file: Type.String({
        default: "gating.toml",
        minLength: 1,
        maxLength: 4096,
        description:
          "File of deny contracts; relative to the state folder. One that is named here must be there, and one that cannot be understood stops the start.",
        ...doors("ARW_GATING_FILE", null),
      }),
    },
    { description: "Rules that deny." },
  ),
  egress: closed(
    {
      posture: withDefault(
        oneOf(
          ["closed", "public", "allowlist", "custom"],
          "How far the hub is open towards the outside, until a person sets it: `closed`, every `public` name on ports 80 and 443, the hosts of the `allowlist`, or what your own policies permit.",
        ),
        "closed",
        doors("ARW_EGRESS_POSTURE", "--egress-posture"),
      ),
      hosts: Type.Array(
        Type.String({
          pattern: "^(\\*\\.)?([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?$",
          maxLength: 270,
        }),
        {
          default: [],
          maxItems: 500,
          description:
            "Hosts that the posture `allowlist` opens: `example.org`, `*.example.org` for all below it, `example.org:8443`.",
          ...doors("ARW_EGRESS_HOSTS", null),
        },
      ),
    },
    { description: "What may leave the hub, and to where." },
  ),
  shell: closed(
    {
      isEnabled: Type.Boolean({
        default: false,
        description: "Whether commands may be run at all; who may run them, and in which folders, the policies say.",
        ...doors("ARW_SHELL", null),
      }),
      programs: Type.Array(Type.String({ pattern: "^/.*[^/]$", maxLength: 4096 }), {
        default: [],
        maxItems: 32,
        examples: [["/opt/node"]],
        description:
          "Folders beside the system's whose programs, in themselves or in `bin`, a confined command may run and read.",
      }),
      memoryBytesMax: Type.Integer({
        default: childCeilings.memoryBytesMax,
        minimum: 50_000_000,
        description: "Memory of one command with everything that it started; above it, it is ended. Held on Linux.",
      }),
      processesMax: Type.Integer({
        default: childCeilings.processesMax,
        minimum: 4,
        description: "Processes of one command with everything that it started; above it, it is ended. Held on Linux.",
      }),
    },
    { description: "Commands that agents and persons run on this machine." },
  ),
  approvals: closed(
    {
      ask: gatePatterns("Gate keys, or beginnings of keys with `*`, that a person is asked about whoever calls.", {}),
      timeoutMs: Type.Integer({
        default: 3_600_000,
        minimum: 1000,
        maximum: 604_800_000,
        description: "How long a question waits for an answer before it counts as no, in milliseconds.",
      }),
    },
    { description: "What a person is asked." },
  ),
  access: closed(
    {
      adminRateLimit: Type.String({
        default: "60/60",
        pattern: rateLimit,
        description:
          "Wrong tokens per address, and apart from them changes per token and address, as COUNT/SECONDS; above it they are refused for a while.",
        ...doors("ARW_ADMIN_RL", "--admin-rate-limit"),
      }),
      readRateLimit: Type.String({
        default: "1200/60",
        pattern: rateLimit,
        description: "Reads per token and address as COUNT/SECONDS.",
        ...doors("ARW_READ_RL", "--read-rate-limit"),
      }),
    },
    { description: "Who gets in, and how often." },
  ),
  bus: closed(
    {
      capacity: Type.Integer({
        default: 1024,
        minimum: 1,
        maximum: 1_048_576,
        description: "Events that wait for one slow reader before the oldest are dropped and a gap is told.",
        ...doors("ARW_BUS_CAP", "--bus-capacity"),
      }),
      replay: Type.Integer({
        default: 1000,
        minimum: 0,
        maximum: 100_000,
        description: "Newest events kept at hand for readers that ask for recent ones.",
        ...doors("ARW_BUS_REPLAY", "--bus-replay"),
      }),
    },
    { description: "The event bus." },
  ),
  cluster: closed(
    {
      queue: localOnly("Backend of the task queue."),
      bus: localOnly("Backend that carries events between hubs."),
    },
    { description: "Backends that several hubs could share." },
  ),
  provenance: closed(
    {
      keepLedger: Type.Boolean({
        default: false,
        description: "Keep every row of the adoption ledger in the journal; otherwise it ends with the hub.",
        ...doors("ARW_CAPSULE_LEDGER", null),
      }),
    },
    { description: "Policy capsules: signed rules of somebody else." },
  ),
  record: closed(
    {
      sizeBytesMax: Type.Integer({
        default: 2_000_000_000,
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: "Ceiling for recorded contents above 64 KiB, in bytes; above it the oldest are dropped.",
      }),
      inlineBytesMax: Type.Integer({
        default: 1_000_000_000,
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description:
          "Ceiling for recorded answers up to 64 KiB, which stand in the journal, in bytes; above it the oldest are emptied.",
      }),
      ageMsMax: Type.Integer({
        default: 7_776_000_000,
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: "How long recorded results are kept, in milliseconds; the default is 90 days.",
      }),
    },
    { description: "Records of what agents read and did." },
  ),
  capsules: closed(
    {
      sizeBytesMax: Type.Integer({
        default: 1_000_000_000,
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: "Ceiling for the run capsules that the hub keeps, in bytes; above it no further one is taken.",
      }),
      ageMsMax: Type.Integer({
        default: 31_536_000_000,
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: "How long a kept run capsule stays, in milliseconds; the default is a year.",
      }),
    },
    { description: "Run capsules that were imported, or kept at their export." },
  ),
  audit: closed(
    {
      sizeBytesMax: Type.Integer({
        default: 10_000_000,
        minimum: 100_000,
        maximum: 1_000_000_000,
        description:
          "Size of one file of the audit log, in bytes; three older ones are kept. The variable counts megabytes.",
        ...doors("ARW_AUDIT_MAX_MB", null),
        "x-environment-factor": 1_000_000,
        "x-environment-unit": "megabytes",
      }),
    },
    { description: "The log of decisions." },
  ),
  journal: closed(
    {
      tee: Type.String({
        default: "",
        maxLength: 4096,
        description:
          "File that gets every event as one line of JSON, besides the journal; none when empty. Relative to the state folder, where it is named `*.jsonl`; a file that holds anything else than events is refused.",
        ...doors("ARW_EVENTS_JOURNAL", null),
      }),
      teeBytesMax: Type.Integer({
        default: 20_000_000,
        minimum: 100_000,
        maximum: 100_000_000_000,
        description: "Size at which that file is gzipped and a new one begun, in bytes. The variable counts megabytes.",
        ...doors("ARW_EVENTS_JOURNAL_MAX_MB", null),
        "x-environment-factor": 1_000_000,
        "x-environment-unit": "megabytes",
      }),
      teeAgeMsMax: Type.Integer({
        default: 604_800_000,
        minimum: 60_000,
        maximum: Number.MAX_SAFE_INTEGER,
        description: "Age of its first event at which a new file is begun, in milliseconds; the default is 7 days.",
      }),
      teeFilesMax: Type.Integer({
        default: 20,
        minimum: 1,
        maximum: 100_000,
        description: "Gzipped files that are kept; the oldest go.",
      }),
      teeFilesAgeMsMax: Type.Integer({
        default: 31_536_000_000,
        minimum: 60_000,
        maximum: Number.MAX_SAFE_INTEGER,
        description: "Age at which a gzipped file goes, in milliseconds; the default is 365 days.",
      }),
      retention: Type.Array(
        closed({
          prefix: Type.String({
            pattern: "^(observations\\.|beliefs\\.|consumers\\.(acked|returned))[a-z0-9.-]*$",
            maxLength: 200,
            description: "Beginning of the kinds that the rule is for.",
          }),
          ageMsMax: Type.Optional(
            Type.Integer({ minimum: 0, description: "Older events lose their data, in milliseconds." }),
          ),
          countMax: Type.Optional(
            Type.Integer({ minimum: 0, description: "Only so many of the newest events of a kind keep their data." }),
          ),
          sizeBytesMax: Type.Optional(
            Type.Integer({
              minimum: 0,
              description: "Bytes of data of a kind; above it the oldest events lose theirs.",
            }),
          ),
        }),
        {
          default: [],
          maxItems: 100,
          description:
            "Which events lose their data after a while; they stay in the chain. Only for what agents saw and thought, and for receipts of consumers.",
        },
      ),
    },
    { description: "The journal of events." },
  ),
  otlp: closed(
    {
      endpoint: Type.String({
        default: "",
        examples: ["http://127.0.0.1:4318"],
        maxLength: 2048,
        // No user and no query: credentials belong into OTEL_EXPORTER_OTLP_HEADERS.
        pattern: "^(https?://[A-Za-z0-9.:\\[\\]_-]+(/[A-Za-z0-9._~/%-]*)?)?$",
        description:
          "Address of an OpenTelemetry collector that takes OTLP over HTTP; traces go to /v1/traces below it. None are made when empty.",
        ...doors("ARW_OTLP_ENDPOINT", null),
        "x-environment-standard": "OTEL_EXPORTER_OTLP_ENDPOINT",
      }),
      serviceName: Type.String({
        default: "arw",
        minLength: 1,
        maxLength: 200,
        description: "Name under which the collector shows this hub.",
        ...doors("ARW_OTLP_SERVICE_NAME", null),
        "x-environment-standard": "OTEL_SERVICE_NAME",
      }),
    },
    { description: "Traces for OpenTelemetry." },
  ),
  log: closed(
    {
      level: withDefault(
        oneOf(["silent", "error", "warn", "info", "debug"], "How much is logged."),
        "info",
        doors("ARW_LOG_LEVEL", "--log-level"),
      ),
    },
    { description: "The log." },
  ),
});

function withDefault<S extends TSchema>(schema: S, value: Static<S>, where: Doors): S {
  return { ...schema, default: value, ...where };
}

type Given = Static<typeof Config>;
/** The configuration in force: `state.dir` is always known. */
export type ConfigValues = Omit<Given, "state"> & { state: { dir: string; portable: boolean } };
