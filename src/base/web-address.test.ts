import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../test/kit/runs.ts";
import {
  endpointName,
  matchesHost,
  parseEndpoint,
  parseHostRule,
  parseWebAddress,
  type WebAddress,
} from "./web-address.ts";

const read = (text: string): WebAddress => {
  const address = parseWebAddress(text);
  assert.ok(typeof address !== "string", `${text}: ${JSON.stringify(address)}`);
  return address;
};

test("every spelling of a host becomes one, and numbers in any base an address", () => {
  const loopback = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0x7f.1",
    "127.0.0.1.",
    "１２７.０.０.１",
  ];
  for (const spelling of loopback)
    assert.deepEqual(
      [read(`http://${spelling}/`).host, read(`http://${spelling}/`).isLiteral],
      ["127.0.0.1", true],
      spelling,
    );
  assert.equal(read("http://EXAMPLE.org./a").host, "example.org");
  assert.equal(read("https://bücher.example/").host, "xn--bcher-kva.example");
  assert.equal(read("https://ex\tample.org/").host, "example.org");
  assert.equal(read("http://[::1]/").host, "::1");
  assert.equal(read("http://[0:0::1]:8080/").port, 8080);
});

test("what is kept of an address has no query", () => {
  assert.equal(read("https://example.org/a/b?key=hunter2#part").shown, "https://example.org/a/b?…");
  assert.equal(read("https://example.org:8443/a").shown, "https://example.org:8443/a");
});

test("a relative address goes on from where it stands", () => {
  assert.equal((parseWebAddress("../c?d", read("https://example.org/a/b")) as WebAddress).path, "/c?d");
  assert.equal((parseWebAddress("//other.org/x", read("https://example.org/a")) as WebAddress).host, "other.org");
});

test("hostile addresses are none", () => {
  const hostile = [
    "",
    "example.org",
    "file:///etc/passwd",
    "ftp://example.org/",
    "data:text/plain,a",
    "javascript:alert(1)",
    "http://",
    "http://user@example.org/",
    "http://user:pass@example.org/",
    "http://@/",
    "http://exa mple.org/",
    "http://[fe80::1%25eth0]/",
    "http://example.org:0/",
    "http://example.org:65536/",
    "http://example..org/",
    "http://.example.org/",
    "http://-a-.example/",
    "http://1.2.3.4.5/",
    "http://0x7f.0.0.0.1/",
    "http://a*b/",
    "http://a,b/",
    `https://example.org/${"a".repeat(9000)}`,
  ];
  for (const text of hostile) assert.equal(typeof parseWebAddress(text), "string", text);
});

test("an endpoint is read back as it is written", () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const host = fc.oneof(
    fc.domain().filter((name) => typeof parseWebAddress(`http://${name}/`) !== "string"),
    fc.tuple(octet, octet, octet, octet).map((parts) => parts.join(".")),
    fc
      .ipV6()
      .filter((each) => URL.canParse(`http://[${each}]/`))
      .map((each) => new URL(`http://[${each}]/`).hostname.slice(1, -1)),
  );
  fc.assert(
    fc.property(host, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
      const lower = name.toLowerCase();
      assert.deepEqual(parseEndpoint(endpointName({ host: lower, port })), { host: lower, port });
    }),
    runs(100),
  );
  for (const bad of [
    "example.org",
    "example.org:",
    "example.org:0",
    "example.org:99999",
    "a@b:80",
    "a/b:80",
    "::1:80x",
    " a:80",
  ])
    assert.equal(parseEndpoint(bad), null, bad);
});

test("a rule names its host, what lies below it, or one port of it", () => {
  const matches = (rule: string, host: string, port = 443): boolean => {
    const parsed = parseHostRule(rule);
    assert.ok(parsed, rule);
    return matchesHost(parsed, { host, port });
  };
  assert.ok(matches("example.org", "example.org"));
  assert.ok(matches("Example.ORG.", "example.org", 80));
  assert.ok(!matches("example.org", "www.example.org"));
  assert.ok(!matches("example.org", "example.org", 8080));
  assert.ok(matches("example.org:8080", "example.org", 8080));
  assert.ok(!matches("example.org:8080", "example.org", 443));
  assert.ok(matches("*.example.org", "a.b.example.org"));
  assert.ok(!matches("*.example.org", "example.org"));
  assert.ok(!matches("*.example.org", "badexample.org"));
  assert.ok(matches("2130706433:80", "127.0.0.1", 80));
  assert.ok(matches("[::1]:80", "::1", 80));
  assert.ok(matches("::1", "::1", 80));
  for (const bad of ["", "*", "*.", "*.1.2.3.4", "a b", "http://a", "a/b", "user@a", "a:0", "**.a", "a.*"])
    assert.equal(parseHostRule(bad), null, bad);
});
