import assert from "node:assert/strict";
import { brotliCompressSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, test } from "vitest";
import { makeAuthority } from "../../../test/kit/certificate.ts";
import { serveHttp, serveHttps, serveRaw } from "../../../test/kit/loopback-server.ts";
import { runs } from "../../../test/kit/runs.ts";
import { parseWebAddress, type WebAddress } from "../../base/web-address.ts";
import { type Hop, WireFault } from "../../domains/egress/port.ts";
import { createWire } from "./wire.ts";

const limits = { connectMs: 5_000, firstByteMs: 5_000, wholeMs: 10_000, bodyBytesMax: 100_000 };
const never = new AbortController().signal;
const at = (text: string): WebAddress => {
  const address = parseWebAddress(text);
  assert.ok(typeof address !== "string", `${text}: ${JSON.stringify(address)}`);
  return address;
};
const hop = (url: string, more: Partial<Hop> = {}): Hop => ({
  to: at(url),
  method: "GET",
  headers: [],
  body: null,
  isNearOpen: true,
  limits,
  signal: never,
  ...more,
});
const here = createWire({ resolver: () => Promise.resolve(["127.0.0.1"]) });
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

async function faultOf(work: Promise<unknown>): Promise<WireFault> {
  const error = await work.then(
    () => assert.fail("it went through"),
    (caught: unknown) => caught,
  );
  assert.ok(error instanceof WireFault, String(error));
  return error;
}

test("a request goes to the address that was looked up once, under the name that was meant", async () => {
  let seen: unknown;
  await using server = await serveHttp((request, response) => {
    seen = { method: request.method, url: request.url, headers: request.headers };
    response.setHeader("x-one", "1").end("hello");
  });
  const names: string[] = [];
  const wire = createWire({
    resolver: (host) => {
      names.push(host);
      return Promise.resolve(["127.0.0.1"]);
    },
  });
  const reply = await wire.send(
    hop(`http://Some.Example.:${server.port}/a?b=c`, { headers: [["accept", "text/plain"]] }),
  );
  assert.deepEqual(seen, {
    method: "GET",
    url: "/a?b=c",
    headers: {
      "accept-encoding": "gzip",
      accept: "text/plain",
      host: `some.example:${server.port}`,
      connection: "close",
    },
  });
  assert.deepEqual(names, ["some.example"]);
  assert.deepEqual([reply.status, textOf(reply.body), reply.isCut, reply.headers["x-one"]], [200, "hello", false, "1"]);
  assert.equal(reply.address, "127.0.0.1");
  assert.ok(reply.bytesOut > 50 && reply.bytesIn > 50);
});

test("a body is sent as it is, with its length", async () => {
  await using server = await serveHttp((request, response) => void request.pipe(response));
  const body = new TextEncoder().encode("ünï");
  const reply = await here.send(hop(`http://a.example:${server.port}/`, { method: "POST", body }));
  assert.equal(textOf(reply.body), "ünï");
});

describe("addresses", () => {
  test("no spelling of an address that is not public ever connects", async () => {
    await using canary = await serveRaw((socket) => socket.destroy());
    const octet = fc.integer({ min: 0, max: 255 });
    const near = fc.oneof(
      fc.constant([127, 0, 0, 1]),
      fc.tuple(fc.constant(127), octet, octet, octet),
      fc.tuple(fc.constant(10), octet, octet, octet),
      fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
      fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), octet, octet),
      fc.constant([169, 254, 169, 254]),
      fc.constant([0, 0, 0, 0]),
    ) as fc.Arbitrary<[number, number, number, number]>;
    const wide = (text: string): string =>
      text.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
    const spellings: readonly ((parts: readonly [number, number, number, number]) => string)[] = [
      (parts) => parts.join("."),
      (parts) => `${parts.join(".")}.`,
      ([a, b, c, d]) => String(((a * 256 + b) * 256 + c) * 256 + d),
      ([a, b, c, d]) => `0x${(((a * 256 + b) * 256 + c) * 256 + d).toString(16)}`,
      (parts) => parts.map((part) => `0${part.toString(8)}`).join("."),
      (parts) => parts.map((part) => `0x${part.toString(16)}`).join("."),
      ([a, b, c, d]) => `${a}.${b}.${c * 256 + d}`,
      ([a, b, c, d]) => `${a}.${(b * 256 + c) * 256 + d}`,
      (parts) => wide(parts.join(".")),
      (parts) => parts.join("。"),
      (parts) => `[::ffff:${parts.join(".")}]`,
      (parts) => `[::${parts.join(".")}]`,
      (parts) => `[64:ff9b::${parts.join(".")}]`,
      ([a, b, c, d]) => `[2002:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}::1]`,
      () => "[::1]",
      () => "[::]",
    ];
    const wire = createWire({ resolver: () => assert.fail("a number is not looked up") });
    await fc.assert(
      fc.asyncProperty(near, fc.constantFrom(...spellings), async (parts, spell) => {
        const to = parseWebAddress(`http://${spell(parts)}:${canary.port}/`);
        if (typeof to === "string") return;
        const fault = await faultOf(wire.send({ ...hop("http://a.example/"), to, isNearOpen: false }));
        assert.equal(fault.reason, "address", spell(parts));
      }),
      runs(100),
    );
    assert.equal(canary.count, 0);
  });

  test("a name that leads to one is refused, wherever that stands among its addresses", async () => {
    await using canary = await serveRaw((socket) => socket.destroy());
    const inward = [
      "127.0.0.1",
      "::1",
      "::ffff:127.0.0.1",
      "::ffff:7f00:1",
      "10.0.0.1",
      "fd00::1",
      "fe80::1",
      "0.0.0.0",
    ];
    const odd = ["localhost", "127.1", "0x7f.0.0.1", "", "fe80::1%lo", "ff02::1", "255.255.255.255"];
    for (const address of [...inward, ...odd])
      for (const addresses of [[address], ["1.1.1.1", address], [address, "1.1.1.1"]]) {
        const wire = createWire({ resolver: () => Promise.resolve(addresses) });
        const fault = await faultOf(wire.send(hop(`http://a.example:${canary.port}/`, { isNearOpen: false })));
        assert.equal(fault.reason, "address", address);
      }
    assert.equal(canary.count, 0);
  });

  test("a name that changes its mind between look and connection finds nobody who asks again", async () => {
    await using canary = await serveRaw((socket) => socket.destroy());
    const answers = [["127.0.0.1"], ["127.0.0.1"]];
    const wire = createWire({ resolver: () => Promise.resolve(answers.shift() ?? assert.fail("asked twice")) });
    await faultOf(wire.send(hop(`http://a.example:${canary.port}/`, { isNearOpen: false })));
    await faultOf(wire.send(hop(`http://a.example:${canary.port}/`)));
    assert.deepEqual([answers.length, canary.count], [0, 1]);
  });

  test("where clouds keep their keys is reached by its number alone, and nobody's addresses by nothing", async () => {
    const wire = createWire({ resolver: () => Promise.resolve(["169.254.169.254"]) });
    assert.equal((await faultOf(wire.send(hop("http://metadata.example/")))).reason, "address");
    for (const url of [
      "http://0.0.0.0:1/",
      "http://224.0.0.1/",
      "http://255.255.255.255/",
      "http://[64:ff9b::7f00:1]/",
    ])
      assert.equal((await faultOf(here.send(hop(url)))).reason, "address", url);
  });

  test("a name without address, with too many, or that nobody knows, is told apart", async () => {
    const many = Array.from({ length: 33 }, () => "1.1.1.1");
    for (const resolver of [
      () => Promise.resolve([]),
      () => Promise.resolve(many),
      () => Promise.reject(new RangeError()),
    ])
      assert.equal((await faultOf(createWire({ resolver }).send(hop("http://a.example/")))).reason, "name");
  });
});

describe("encryption", () => {
  const authority = makeAuthority();
  const certificates = [authority.certificate];
  const resolver = () => Promise.resolve(["127.0.0.1"]);

  test("a certificate is checked for the name that was meant, not for the address that was connected to", async () => {
    await using server = await serveHttps(
      authority.issue(["good.example", "127.0.0.1"]),
      (_request, response) => void response.end("safe"),
    );
    const wire = createWire({ resolver, certificates });
    assert.equal(textOf((await wire.send(hop(`https://good.example:${server.port}/`))).body), "safe");
    assert.equal(textOf((await wire.send(hop(`https://127.0.0.1:${server.port}/`))).body), "safe");
    assert.equal((await faultOf(wire.send(hop(`https://other.example:${server.port}/`)))).reason, "encryption");
  });

  test("an unknown authority is refused, and so is a server that does not encrypt", async () => {
    await using server = await serveHttps(
      authority.issue(["good.example"]),
      (_request, response) => void response.end(),
    );
    await using plain = await serveHttp((_request, response) => void response.end());
    assert.equal(
      (await faultOf(createWire({ resolver }).send(hop(`https://good.example:${server.port}/`)))).reason,
      "encryption",
    );
    const wire = createWire({ resolver, certificates });
    assert.equal((await faultOf(wire.send(hop(`https://good.example:${plain.port}/`)))).reason, "encryption");
  });
});

describe("limits", () => {
  const short = { ...limits, firstByteMs: 60, wholeMs: 5_000 };

  test("an answer without end is cut, and the connection closed", async () => {
    await using server = await serveHttp((_request, response) => {
      const more = (): void => void response.write(Buffer.alloc(65_536, "x"), () => setImmediate(more));
      more();
    });
    const reply = await here.send(hop(`http://a.example:${server.port}/`));
    assert.deepEqual([reply.body.byteLength, reply.isCut], [limits.bodyBytesMax, true]);
    assert.ok(reply.bytesIn < 5_000_000);
  });

  test("what unpacks to a thousand times its size is cut at the same place", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    await using server = await serveHttp((_request, response) => {
      response.setHeader("content-encoding", "gzip").end(bomb);
    });
    const reply = await here.send(hop(`http://a.example:${server.port}/`));
    assert.deepEqual([reply.body.byteLength, reply.isCut], [limits.bodyBytesMax, true]);
  });

  test("packed answers are unpacked once; layers, unknown and broken codings are refused", async () => {
    const bodies: Record<string, [string, Uint8Array]> = {
      "/gzip": ["gzip", gzipSync("plain")],
      "/br": ["br", brotliCompressSync("plain")],
      "/twice": ["gzip, gzip", gzipSync(gzipSync("plain"))],
      "/zz": ["zz", Buffer.from("plain")],
      "/broken": ["gzip", Buffer.from("plain")],
    };
    await using server = await serveHttp((request, response) => {
      const [coding, body] = bodies[request.url ?? ""] ?? ["", Buffer.from("")];
      response.setHeader("content-encoding", coding).end(body);
    });
    const url = (path: string): string => `http://a.example:${server.port}${path}`;
    for (const path of ["/gzip", "/br"]) assert.equal(textOf((await here.send(hop(url(path)))).body), "plain");
    for (const path of ["/twice", "/zz"]) assert.equal((await faultOf(here.send(hop(url(path))))).reason, "protocol");
    assert.equal((await faultOf(here.send(hop(url("/broken"))))).reason, "broken");
  });

  test("a server that never answers, or drips its headers, is left", async () => {
    await using silent = await serveRaw(() => undefined);
    await using dripping = await serveRaw((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const drip = setInterval(() => socket.write("x-a: b\r\n"), 10);
      socket.once("close", () => clearInterval(drip));
    });
    for (const server of [silent, dripping]) {
      const fault = await faultOf(here.send(hop(`http://a.example:${server.port}/`, { limits: short })));
      assert.equal(fault.reason, "slow");
      assert.ok(fault.carried.bytesOut > 0);
    }
  });

  test("a body that drips ends with the whole time", async () => {
    await using server = await serveRaw((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
      const drip = setInterval(() => socket.write("x"), 10);
      socket.once("close", () => clearInterval(drip));
    });
    const fault = await faultOf(
      here.send(hop(`http://a.example:${server.port}/`, { limits: { ...limits, wholeMs: 80 } })),
    );
    assert.equal(fault.reason, "slow");
  });

  test("a name server that never answers is left", async () => {
    const wire = createWire({ resolver: () => new Promise(() => undefined) });
    const fault = await faultOf(wire.send(hop("http://a.example/", { limits: { ...limits, connectMs: 20 } })));
    assert.equal(fault.reason, "slow");
  });

  test("endless headers, and what is no HTTP, are refused", async () => {
    await using endless = await serveRaw((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const more = (): void =>
        void socket.write(`x: ${"y".repeat(8_000)}\r\n`, () => socket.destroyed || setImmediate(more));
      more();
    });
    await using other = await serveRaw((socket) => void socket.end("SSH-2.0-hello\r\n"));
    for (const server of [endless, other])
      assert.equal((await faultOf(here.send(hop(`http://a.example:${server.port}/`)))).reason, "protocol");
  });

  test("a call that is ended closes its connection at once, at any stage", async () => {
    await using server = await serveRaw((socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"));
    const controller = new AbortController();
    const sink = (): void => controller.abort(new RangeError("enough"));
    const fault = await faultOf(
      here.send(hop(`http://a.example:${server.port}/`, { signal: controller.signal, sink })),
    );
    assert.equal(fault.reason, "ended");
    assert.equal(
      (await faultOf(here.send(hop(`http://a.example:${server.port}/`, { signal: controller.signal })))).reason,
      "ended",
    );
    assert.equal(server.count, 1);
  });
});

test("a redirect is an answer like any other", async () => {
  await using server = await serveHttp((_request, response) => {
    response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
  });
  const reply = await here.send(hop(`http://a.example:${server.port}/`));
  assert.deepEqual([reply.status, reply.headers["location"]], [302, "http://127.0.0.1:1/"]);
});
