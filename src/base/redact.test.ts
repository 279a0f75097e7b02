import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createRedactor, secretsOfEnvFile } from "./redact.ts";

// Put together here, so that no scanner takes the samples for leaked secrets.
const letters = "Ab3dEf6hIj9lMn2pQr5tUv8xYz1bCd4fGh7jKl0n";
const block = (kind: string, body: string) => `-----BEGIN ${kind}-----\n${body}\n-----END ${kind}-----`;
const samples: [kind: string, secret: string][] = [
  ["aws-key", `AKIAIOSFODNN7EXAMPLE`],
  ["github-token", `ghp_${letters.slice(0, 36)}`],
  ["github-token", `gho_${letters.slice(0, 36)}`],
  ["github-token", `github_pat_${letters.slice(0, 22)}_${letters}`],
  ["gitlab-token", `glpat-${letters.slice(0, 20)}`],
  ["slack-token", `xoxb-123456789012-${letters.slice(0, 24)}`],
  ["stripe-key", `sk_live_${letters.slice(0, 24)}`],
  ["api-key", `sk-${letters}`],
  ["api-key", `sk-ant-api03-${letters}-${letters}`],
  ["google-key", `AIza${letters.slice(0, 35)}`],
  ["huggingface-token", `hf_${letters.slice(0, 34)}`],
  ["arw-token", `arw_${letters.slice(0, 43)}`],
  ["npm-token", `npm_${letters.slice(0, 36)}`],
  ["jwt", `eyJ${letters.slice(0, 20)}.eyJ${letters.slice(0, 20)}.${letters}`],
  ["private-key", block("PRIVATE KEY", letters)],
  ["private-key", block("OPENSSH PRIVATE KEY", `${letters}\n${letters}`)],
  ["private-key", block("PGP PRIVATE KEY BLOCK", letters)],
];

test("tokens of known shape go, and the text around them stays", () => {
  for (const [kind, secret] of samples) {
    const redactor = createRedactor();
    assert.equal(redactor.text(`before ${secret} after`), `before [redacted:${kind}] after`);
    assert.equal(redactor.text(`"${secret}"`), `"[redacted:${kind}]"`);
    assert.equal(redactor.count, 2);
  }
});

test("named values, credentials in headers and in addresses go", () => {
  const cases: [string, string][] = [
    ["password=hunter2hunter2", "password=[redacted:assignment]"],
    ["DB_PASSWORD: correct-horse # note", "DB_PASSWORD: [redacted:assignment] # note"],
    ['const apiKey = "correct horse \\"battery\\"";', 'const apiKey = "[redacted:assignment]";'],
    [`{"clientSecret":"it's a long one","user":"ann"}`, '{"clientSecret":"[redacted:assignment]","user":"ann"}'],
    [
      '"{\\"token\\":\\"abcdefgh1\\",\\"user\\":\\"ann\\"}"',
      '"{\\"token\\":\\"[redacted:assignment]\\",\\"user\\":\\"ann\\"}"',
    ],
    ["Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted:authorization]"],
    ['"authorization": "Basic dXNlcjpwYXNz"', '"authorization": "Basic [redacted:authorization]"'],
    ["postgres://ann:p@ss:w0rd@db:5432/x", "postgres://[redacted:url-userinfo]@db:5432/x"],
    ["api_key=abcdefgh&page=2", "api_key=[redacted:assignment]&page=2"],
    [`x ${block("EC PRIVATE KEY", "abc").slice(0, -9)}`, "x [redacted:private-key]"],
  ];
  for (const [text, redacted] of cases) assert.equal(createRedactor().text(text), redacted);
});

test("ordinary text and code stay", () => {
  const texts = [
    "The secret of a good token is a short password.",
    "const token = readToken(file); password: string; maxTokens: 12345678; max_token=12345678",
    "apiKey: process.env.API_KEY, see https://example.org/a?b=c@d and ssh://git@host/x",
    "password=short, token: abc, a sky-blue disk-image, task-0123456789-0123456789-01",
    "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
  ];
  const redactor = createRedactor({ secrets: ["tiny", "redacted"] });
  for (const text of texts) assert.equal(redactor.text(text), text);
  assert.equal(redactor.count, 0);
});

test("given values go wherever they stand, the longest first", () => {
  const redactor = createRedactor({ secrets: ["hunter", "hunter22"] });
  assert.equal(redactor.text("xhunter22y hunter2"), "x[redacted:value]y [redacted:value]2");
  assert.equal(redactor.text("later-given"), "later-given");
  redactor.add(["later-given"]);
  assert.equal(redactor.text("a later-given"), "a [redacted:value]");
  const body = createRedactor({ secrets: ["inside"] }).text(`a ${block("PRIVATE KEY", "the inside of it")} b`);
  assert.equal(body, "a [redacted:private-key] b");
});

test("values keep their shape, and their identity when nothing changed", () => {
  const redactor = createRedactor({ secrets: ["hunter22"] });
  const bytes = new Uint8Array(2);
  const clean = { a: [1, "x", null, { b: true }], bytes };
  assert.equal(redactor.value(clean), clean);
  const dirty = { a: ["x hunter22"], b: clean, password: "a long one", hunter22: 1 };
  const redacted = redactor.value(dirty);
  assert.deepEqual(redacted, {
    a: ["x [redacted:value]"],
    b: clean,
    password: "[redacted:assignment]",
    "[redacted:value]": 1,
  });
  assert.equal(redacted.b, clean);
  assert.deepEqual(redactor.value(redacted), redacted);
  const hostile = JSON.parse('{"__proto__":{"x":"hunter22"}}');
  assert.equal(JSON.stringify(redactor.value(hostile)), '{"__proto__":{"x":"[redacted:value]"}}');
});

test("what is too deep to look at is not let through", () => {
  const cycle: { self?: unknown; twin?: unknown } = {};
  cycle.self = cycle;
  assert.match(JSON.stringify(createRedactor().value(cycle)), /\[redacted:too-large\]/);
  const deep = JSON.parse(`${"[".repeat(5_000)}"hunter22"${"]".repeat(5_000)}`);
  assert.doesNotMatch(JSON.stringify(createRedactor({ secrets: ["hunter22"] }).value(deep)), /hunter22/);
});

const piece = fc.oneof(
  fc.constantFrom(...samples.map(([, secret]) => secret), "password=", 'token: "', "://", "@", ":", "[redacted:", "]"),
  fc.constantFrom(
    "[redacted:value]",
    "Bearer ",
    "glued!",
    "-----BEGIN PRIVATE KEY-----",
    "\\",
    '"',
    "'",
    "\n",
    "eyJ",
    "sk-",
  ),
  fc.string({ maxLength: 12 }),
);

test("redacting twice changes nothing, and no known secret is left", () => {
  const secrets = ["glued!", "d:value]x", "]-----", "redacted", "[redacted:"];
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const redactor = createRedactor({ secrets });
      const once = redactor.text(pieces.join(""));
      assert.equal(redactor.text(once), once);
      assert.ok(!once.includes("glued!"));
    }),
    { numRuns: 500 },
  );
});

// A quadratic pattern takes minutes here, a linear one some ten milliseconds.
test("hostile text costs linear time", { timeout: 20_000 }, () => {
  const seeds = [
    "password=",
    'password="',
    "password='x",
    "token: ",
    "eyJ",
    "eyJaaaaaaaaa.",
    "sk-",
    "ghp_",
    "://",
    "://a:",
    "://a:b@",
    "a",
    "=",
    "authorization: bearer ",
    "bearer aaaaaaaaaaaaaaaaaaaaaaaaa ",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "[redacted:",
    "[redacted:x]",
    "\\",
    "key ",
    "secret          ",
    "xoxb-",
    "AKIA",
    "github_pat_",
    "process.env.",
  ];
  const redactor = createRedactor({ secrets: ["aaaaaaab", "password=x"] });
  for (const seed of seeds) {
    for (const end of ["", "(", "@", '"']) {
      redactor.text(seed.repeat(Math.ceil(300_000 / seed.length)) + end);
    }
  }
});

test("a run of many megabytes neither fails nor keeps its beginning", { timeout: 20_000 }, () => {
  const run = "a".repeat(10_000_000);
  for (const start of [
    "password=",
    'password="',
    'password=\\"',
    "sk-",
    "eyJaaaaaaaaa.aaaaaaaaa.",
    "bearer ",
    "github_pat_",
  ]) {
    assert.match(
      createRedactor()
        .text(start + run)
        .slice(0, 80),
      /\[redacted:[a-z-]+\]/,
      start,
    );
  }
});

test("the values of an env file are taken, its ordinary words are not", () => {
  const text = [
    "# comment=hidden-value",
    "A=plain-secret",
    'export B="quoted # secret"',
    "C='single'   # comment",
    "D=unquoted-value # comment",
    "E=true",
    "F=production",
    "G=123456",
    "H=127.0.0.1:8080",
    "I=short",
    "J=",
    "not a line",
    "K=plain-secret\r",
    "L=1234567890123",
  ].join("\n");
  assert.deepEqual(secretsOfEnvFile(text), [
    "plain-secret",
    "quoted # secret",
    "single",
    "unquoted-value",
    "1234567890123",
  ]);
});
