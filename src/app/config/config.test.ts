import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "smol-toml";
import { test } from "vitest";
import { isProblem } from "../../contract/problem.ts";
import { checkerOf } from "../../contract/schema.ts";
import { InvalidConfig } from "./faults.ts";
import { hubFlagHelp, hubFlags } from "./flags.ts";
import { configKeys } from "./keys.ts";
import { type LoadOptions, loadConfig } from "./load.ts";
import { configExampleToml, configJsonSchema } from "./reference.ts";
import { Config } from "./schema.ts";
import { tomlLines } from "./toml-lines.ts";

const home = "/home/ada";
const fileAt = `${home}/.config/arw/config.toml`;

function load(given: Partial<LoadOptions> & { readonly files?: Readonly<Record<string, string>> } = {}) {
  const { files = {}, ...rest } = given;
  return loadConfig({
    platform: "linux",
    env: {},
    flags: {},
    home,
    workDir: "/work/dir",
    programDir: "/opt/arw",
    readFile: (path) => files[path] ?? null,
    ...rest,
  });
}

function faultsOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(isProblem(error, InvalidConfig), String(error));
    return error.message;
  }
  return "";
}

test("without any layer the defaults hold, and the state lies where the platform keeps it", () => {
  const { values, sources, file } = load();
  assert.equal(file, null);
  assert.deepEqual(values, {
    server: {
      port: 8090,
      bind: "127.0.0.1",
      allowedHosts: [],
      allowedOrigins: [],
      trustedProxies: [],
      allowAddresses: [],
      bodyBytesMax: 8_388_608,
    },
    state: { dir: "/home/ada/.local/state/arw", portable: false },
    gate: { deny: [], file: "gating.toml" },
    egress: { posture: "closed", hosts: [] },
    shell: { isEnabled: false, programs: [], memoryBytesMax: 4_000_000_000, processesMax: 256 },
    approvals: { ask: [], timeoutMs: 3_600_000 },
    access: { adminRateLimit: "60/60", readRateLimit: "1200/60" },
    bus: { capacity: 1024, replay: 1000 },
    provenance: { keepLedger: false },
    cluster: { queue: "local", bus: "local" },
    record: { sizeBytesMax: 2_000_000_000, inlineBytesMax: 1_000_000_000, ageMsMax: 90 * 24 * 3_600_000 },
    capsules: { sizeBytesMax: 1_000_000_000, ageMsMax: 365 * 24 * 3_600_000 },
    audit: { sizeBytesMax: 10_000_000 },
    journal: {
      tee: "",
      teeBytesMax: 20_000_000,
      teeAgeMsMax: 7 * 24 * 3_600_000,
      teeFilesMax: 20,
      teeFilesAgeMsMax: 365 * 24 * 3_600_000,
      retention: [],
    },
    otlp: { endpoint: "", serviceName: "arw" },
    log: { level: "info" },
  });
  assert.deepEqual(
    sources.map((row) => row.key),
    configKeys.map((key) => key.key),
  );
  assert.ok(sources.every((row) => row.source === "default"));
});

test("a later layer wins, and the sources say which one", () => {
  const files = { [fileAt]: "[server]\nport = 1\nbodyBytesMax = 2048\n\n[bus]\ncapacity = 7" };
  const { values, sources } = load({ files, env: { ARW_PORT: "2", ARW_BUS_CAP: "8" }, flags: { port: "3" } });
  assert.equal(values.server.port, 3);
  assert.equal(values.bus.capacity, 8);
  assert.equal(values.server.bodyBytesMax, 2048);
  const row = (key: string) => sources.find((source) => source.key === key);
  assert.deepEqual(row("server.port"), { key: "server.port", value: 3, source: "flag", from: "--port" });
  assert.deepEqual(row("bus.capacity"), { key: "bus.capacity", value: 8, source: "environment", from: "ARW_BUS_CAP" });
  assert.deepEqual(row("server.bodyBytesMax"), {
    key: "server.bodyBytesMax",
    value: 2048,
    source: "file",
    from: `${fileAt}:3`,
  });
});

test("denials of all layers add up and each keeps its source", () => {
  const { values, denyRules } = load({
    files: { [fileAt]: '[gate]\ndeny = ["fs:*"]' },
    env: { ARW_GATING_DENY: "io:egress:*, fs:*" },
    flags: { deny: ["tasks:enqueue"] },
  });
  assert.deepEqual(values.gate.deny, ["fs:*", "io:egress:*", "tasks:enqueue"]);
  assert.deepEqual(denyRules, [
    { pattern: "fs:*", source: "config:gate.deny" },
    { pattern: "io:egress:*", source: "env:ARW_GATING_DENY" },
    { pattern: "fs:*", source: "env:ARW_GATING_DENY" },
    { pattern: "tasks:enqueue", source: "flag:--deny" },
  ]);
});

test("one layer of denials is taken as it is", () => {
  const { sources } = load({ env: { ARW_GATING_DENY: "fs:write" } });
  assert.deepEqual(
    sources.find((row) => row.key === "gate.deny"),
    {
      key: "gate.deny",
      value: ["fs:write"],
      source: "environment",
      from: "ARW_GATING_DENY",
    },
  );
});

test("an invalid file names file, line, key and what is allowed, all faults at once", () => {
  const text = [
    "[server]",
    'port = "high"',
    "bidn = 'x'",
    "[bus]",
    "capacity = 0",
    "[sevrer]",
    "port = 1",
    "[cluster]",
    'queue = "nats"',
    "[log]",
    'level = "wran"',
    "[gate]",
    'deny = ["Fs Write"]',
  ].join("\n");
  assert.equal(
    faultsOf(() => load({ files: { [fileAt]: text } })),
    [
      `${fileAt}:2: server.port is "high". Allowed: whole number from 0 to 65535.`,
      `${fileAt}:3: server.bidn is not known. Did you mean server.bind?`,
      `${fileAt}:5: bus.capacity is 0. Allowed: whole number from 1 to 1048576.`,
      `${fileAt}:6: sevrer is not known. Did you mean server?`,
      `${fileAt}:9: cluster.queue is "nats", but this backend is not present. Present: "local".`,
      `${fileAt}:11: log.level is "wran". Allowed: "silent", "error", "warn", "info", "debug". Did you mean "warn"?`,
      `${fileAt}:13: gate.deny is ["Fs Write"]. Allowed: a list of strings such as "io:egress:*".`,
    ].join("\n"),
  );
});

test("keys in the wrong place are led to the right one", () => {
  const said = faultsOf(() =>
    load({ files: { [fileAt]: "port = 1\nserver = 5\n[record]\ncapacity = 1\n[log]\nzzzzzz = 1" } }),
  );
  assert.equal(
    said,
    [
      `${fileAt}:1: port is not known. Did you mean server.port?`,
      `${fileAt}:2: server must be a table: write [server] and its keys below it.`,
      `${fileAt}:4: record.capacity is not known. Did you mean bus.capacity?`,
      `${fileAt}:6: log.zzzzzz is not known. Allowed: log.level.`,
    ].join("\n"),
  );
});

test("a file that is no TOML names its line", () => {
  assert.match(
    faultsOf(() => load({ files: { [fileAt]: "[server]\nport = = 1" } })),
    /config\.toml:2: not valid TOML: /u,
  );
});

test("environment values are read strictly and the refusal names the variable", () => {
  for (const [text, isPortable] of [
    ["true", true],
    ["1", true],
    ["false", false],
    ["0", false],
    ["", false],
  ] as const) {
    assert.equal(load({ env: { ARW_PORTABLE: text } }).values.state.portable, isPortable, text);
  }
  for (const text of ["yes", "TRUE", " 1", "2"]) {
    assert.equal(
      faultsOf(() => load({ env: { ARW_PORTABLE: text } })),
      `ARW_PORTABLE: state.portable is ${JSON.stringify(text)}. Allowed: true, false.`,
    );
  }
  for (const text of ["80.5", "0x50", "65536", "-1", "8090 "]) {
    assert.match(
      faultsOf(() => load({ env: { ARW_PORT: text } })),
      /^ARW_PORT: server\.port is /u,
    );
  }
});

test("file, environment and flags are refused together", () => {
  const said = faultsOf(() =>
    load({ files: { [fileAt]: "[bus]\nreplay = -1" }, env: { ARW_BUS_CAP: "many" }, flags: { port: "x" } }),
  );
  assert.equal(said.split("\n").length, 3);
});

test("a file that was asked for must exist, and the flag goes before the variable", () => {
  assert.equal(
    faultsOf(() => load({ env: { ARW_CONFIG: "~/hub.toml" } })),
    "ARW_CONFIG: names /home/ada/hub.toml, which does not exist or cannot be read.",
  );
  const files = { "/work/dir/mine.toml": "[server]\nport = 5", "/etc/arw.toml": "[server]\nport = 6" };
  assert.equal(
    load({ files, flags: { config: "mine.toml" }, env: { ARW_CONFIG: "/etc/arw.toml" } }).values.server.port,
    5,
  );
  assert.equal(load({ files, env: { ARW_CONFIG: "/etc/arw.toml" } }).file, "/etc/arw.toml");
});

test("the file is found where the platform keeps configuration", () => {
  const found = (given: Partial<LoadOptions>, path: string): void =>
    assert.equal(load({ ...given, files: { [path]: "" } }).file, path);
  found({ env: { XDG_CONFIG_HOME: "/xdg" } }, "/xdg/arw/config.toml");
  found({ env: { XDG_CONFIG_HOME: "relative" } }, fileAt);
  found({ platform: "darwin" }, "/home/ada/Library/Application Support/arw/config.toml");
  const appData = "C:\\Users\\Ada\\AppData\\Roaming";
  found({ platform: "win32", home: "C:\\Users\\Ada", env: { APPDATA: appData } }, `${appData}\\arw\\config.toml`);
});

test("only a leading ~ is expanded, and relative folders are meant from where they were written", () => {
  const dirOf = (given: Parameters<typeof load>[0]): string => load(given).values.state.dir;
  assert.equal(dirOf({ env: { ARW_STATE_DIR: "~/s" } }), "/home/ada/s");
  assert.equal(dirOf({ env: { ARW_STATE_DIR: "~" } }), "/home/ada");
  assert.equal(dirOf({ env: { ARW_STATE_DIR: "/$HOME/~/%x%" } }), "/$HOME/~/%x%");
  assert.equal(dirOf({ env: { ARW_STATE_DIR: "~bob/s" } }), "/work/dir/~bob/s");
  assert.equal(dirOf({ files: { [fileAt]: '[state]\ndir = "s"' } }), "/home/ada/.config/arw/s");
  assert.equal(
    dirOf({ platform: "win32", home: "C:\\Users\\Ada", env: { ARW_STATE_DIR: "~\\s" } }),
    "C:\\Users\\Ada\\s",
  );
});

test("portable state lies beside the program unless a folder is named at the same layer or later", () => {
  const dirOf = (given: Parameters<typeof load>[0]): string => load(given).values.state.dir;
  assert.equal(dirOf({ env: { ARW_PORTABLE: "1" } }), "/opt/arw/.arw/state");
  assert.equal(dirOf({ env: { ARW_PORTABLE: "1", ARW_STATE_DIR: "/s" } }), "/s");
  assert.equal(dirOf({ env: { ARW_PORTABLE: "1" }, flags: { stateDir: "/s" } }), "/s");
  assert.equal(dirOf({ env: { ARW_STATE_DIR: "/s" }, flags: { portable: true } }), "/opt/arw/.arw/state");
  const { sources } = load({ flags: { portable: true } });
  assert.equal(sources.find((row) => row.key === "state.dir")?.from, "--portable");
});

test("opening the hub to a network takes a token of one's own", () => {
  const flags = { bind: "0.0.0.0" };
  assert.match(
    faultsOf(() => load({ flags })),
    /^--bind: server\.bind is "0\.0\.0\.0", .* Set ARW_ADMIN_TOKEN/u,
  );
  assert.match(
    faultsOf(() => load({ flags, env: { ARW_ADMIN_TOKEN: "  " } })),
    /^--bind/u,
  );
  assert.match(
    faultsOf(() => load({ flags, env: { ARW_ADMIN_TOKEN: "s3cret" } })),
    /fewer than 16 characters/u,
  );
  assert.equal(load({ flags, env: { ARW_ADMIN_TOKEN: "a long text, 7719" } }).values.server.bind, "0.0.0.0");
  for (const bind of ["localhost", "127.0.0.2", "::1", "[::1]"])
    assert.equal(load({ flags: { bind } }).values.server.bind, bind);
  for (const bind of ["127.0.0.1.example.org", "::", "192.168.1.2"])
    assert.ok(faultsOf(() => load({ flags: { bind } })));
});

test("ranges of addresses are what their writing says", () => {
  const good = ["10.0.0.0/8", "::1", "fe80::/10", "192.0.2.1", "0.0.0.0/0", "::/0", "2001:db8::1/128"];
  assert.deepEqual(load({ flags: { trustedProxies: good } }).values.server.trustedProxies, good);
  for (const text of [
    "10.0.0/8",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/8/8",
    "localhost",
    "*",
    "1.2.3.4/",
    "256.1.1.1",
    "1::2::3",
  ])
    assert.match(
      faultsOf(() => load({ flags: { allowAddresses: [text] } })),
      /server\.allowAddresses/u,
      text,
    );
});

test("the line of a key is found in every way TOML can write it", () => {
  const text = [
    "# [server] port = 0", // 1
    "a.b . c = 1", // 2
    "[server] # port", // 3
    'note = "port = 1"', // 4
    "text = '''", // 5
    "port = 9", // 6
    "'''", // 7
    "port = 8090 # here", // 8
    '"quoted key" = 1', // 9
    "list = [", // 10
    "  1, # x = 1", // 11
    '  "]", { deep = 2 },', // 12
    "]", // 13
    "inline = { one = 1, two.three = [1, 2], four = { five = 5 } }", // 14
    "[ gate . sub ]", // 15
    'escaped = "a\\"b # c"', // 16
    'long = """a""b \\', // 17
    '  c"""""', // 18
    "deny = []", // 19
    "[[many]]", // 20
    "x = 1", // 21
  ].join("\r\n");
  parse(text);
  const lines = tomlLines(text);
  const expected = {
    "a.b.c": 2,
    server: 3,
    "server.note": 4,
    "server.text": 5,
    "server.port": 8,
    "server.quoted key": 9,
    "server.list": 10,
    "server.list.0": 11,
    "server.list.1": 12,
    "server.list.2.deep": 12,
    "server.list.deep": 12,
    "server.inline.one": 14,
    "server.inline.two.three": 14,
    "server.inline.four.five": 14,
    "gate.sub": 15,
    "gate.sub.escaped": 16,
    "gate.sub.long": 17,
    "gate.sub.deny": 19,
    many: 20,
    "many.x": 21,
    "many.0.x": 21,
  };
  for (const [key, line] of Object.entries(expected)) assert.equal(lines.get(key), line, key);
});

test("the scanner ends on any text", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", ".", "=", "[", "]", "{", "}", '"', "'", "\\", "\n", "#", ",", " "),
  });
  fc.assert(
    fc.property(text, (given) => tomlLines(given) instanceof Map),
    { numRuns: 100 },
  );
});

test("the example is what the defaults are once every key is uncommented", () => {
  const uncommented = configExampleToml().replace(/^#(\w+ = )/gmu, "$1");
  const { values, sources } = load({ files: { [fileAt]: uncommented } });
  assert.deepEqual(
    { ...values, state: { ...values.state, dir: "" } },
    { ...load().values, state: { dir: "", portable: false } },
  );
  assert.ok(sources.every((row) => row.source === "file"));
  assert.equal(values.state.dir, "/home/ada/arw-state");
  assert.deepEqual(load({ files: { [fileAt]: configExampleToml() } }).values, load().values);
});

test("the JSON schema accepts the example and names every key with a description", () => {
  const uncommented = parse(configExampleToml().replace(/^#(\w+ = )/gmu, "$1"));
  assert.ok(checkerOf(Config).check(uncommented));
  const schema = JSON.stringify(configJsonSchema());
  for (const key of configKeys) {
    assert.match(key.schema.description ?? "", /^[A-Z].*\.$/u, key.key);
    assert.ok(schema.includes(JSON.stringify(key.schema.description)), key.key);
  }
});

test("the hub's flags are read strictly", () => {
  const given = [
    "--port",
    "8091",
    "--deny",
    "fs:*",
    "--deny=a:b,c:d",
    "--portable",
    "--state-dir=/s",
    "--config",
    "x.toml",
  ];
  assert.deepEqual(hubFlags(given), {
    port: "8091",
    deny: ["fs:*", "a:b", "c:d"],
    portable: true,
    stateDir: "/s",
    config: "x.toml",
  });
  assert.equal(
    faultsOf(() => hubFlags(["--prot", "1", "--bind"]))
      .split("\n")
      .slice(0, 1)
      .join(""),
    "--prot: is not a flag of the hub. Did you mean --port?",
  );
  assert.match(
    faultsOf(() => hubFlags(["--bind"])),
    /^--bind: needs a value\.$/u,
  );
  assert.match(
    faultsOf(() => hubFlags(["serve"])),
    /^serve: is not a flag of the hub\. Flags: --config, --port/u,
  );
  const several = faultsOf(() => hubFlags(["serve", "here"]));
  assert.equal(several.split("Flags: ").length, 2, several);
  assert.equal(load({ flags: hubFlags(["--portable=false"]) }).values.state.portable, false);
  assert.ok(hubFlagHelp().some((flag) => flag.usage === "--port <value>"));
});

test("a variable may count in a larger unit than its key", () => {
  assert.equal(load({ env: { ARW_AUDIT_MAX_MB: "3" } }).values.audit.sizeBytesMax, 3_000_000);
  for (const text of ["0", "0.1", "1001"])
    assert.throws(() => load({ env: { ARW_AUDIT_MAX_MB: text } }), /from 1 to 1000, in megabytes\./u, text);
});

test("retention rules are tables of the file, for what may be dropped alone", () => {
  // What the parser makes has no prototype.
  const rules = (text: string): unknown =>
    load({ files: { [fileAt]: text } }).values.journal.retention.map((rule) => ({ ...rule }));
  const two = [
    "[[journal.retention]]",
    'prefix = "observations."',
    "ageMsMax = 2592000000",
    "",
    "[[journal.retention]]",
    'prefix = "consumers.acked"',
    "countMax = 1000",
  ].join("\n");
  assert.deepEqual(rules(two), [
    { prefix: "observations.", ageMsMax: 2_592_000_000 },
    { prefix: "consumers.acked", countMax: 1000 },
  ]);
  assert.deepEqual(rules('journal.retention = [{ prefix = "beliefs.held", ageMsMax = 0 }]'), [
    { prefix: "beliefs.held", ageMsMax: 0 },
  ]);
  for (const wrong of [
    'journal.retention = [{ prefix = "approvals.", countMax = 1 }]',
    'journal.retention = [{ prefix = "beliefs.", countMax = -1 }]',
    'journal.retention = [{ prefix = "beliefs.", count = 1 }]',
    'journal.retention = "beliefs."',
  ])
    assert.match(
      faultsOf(() => rules(wrong)),
      /journal\.retention.*observations\., beliefs\., consumers\.acked or consumers\.returned: what decides/,
      wrong,
    );
});
