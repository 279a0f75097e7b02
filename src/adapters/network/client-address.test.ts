import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { isProblem } from "../../contract/problem.ts";
import { AddressRefused } from "../../contract/standard-problems.ts";
import { createClientAddress } from "./client-address.ts";

const behind = createClientAddress({ trustedProxies: ["10.0.0.0/8", "127.0.0.1", "fd00::/8"], allowAddresses: [] });

test("the client is the right-most hop that is no trusted proxy", () => {
  const cases: readonly (readonly [peer: string, forwarded: string | undefined, client: string])[] = [
    ["192.0.2.1", undefined, "192.0.2.1"],
    ["192.0.2.1", "203.0.113.9", "192.0.2.1"],
    ["127.0.0.1", undefined, "127.0.0.1"],
    ["127.0.0.1", "203.0.113.9", "203.0.113.9"],
    ["127.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"],
    ["127.0.0.1", "1.1.1.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"],
    ["127.0.0.1", "10.9.9.9, 10.1.2.3", "10.9.9.9"],
    ["::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"],
    ["fd00::1", "[2001:DB8::1]:443", "2001:db8::1"],
    ["127.0.0.1", "203.0.113.9:5678", "203.0.113.9"],
    ["127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"],
    ["127.0.0.1", "203.0.113.9, nonsense", "unknown"],
    ["127.0.0.1", "203.0.113.9,", "unknown"],
    ["127.0.0.1", "127.1", "unknown"],
    ["127.0.0.1", "0x7f.0.0.1", "unknown"],
  ];
  for (const [peer, forwarded, client] of cases)
    assert.equal(behind.of(peer, forwarded), client, `${peer} ${forwarded}`);
});

test("nothing that a client writes makes it somebody whom the proxy did not see", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), { maxLength: 5 }),
      fc.ipV4(),
      (forged, client) => {
        fc.pre(!/^(10|127)\./.test(client));
        assert.equal(behind.of("10.1.1.1", [...forged, client].join(", ")), client);
        assert.equal(behind.of(client, forged.join(", ")), client);
      },
    ),
    runs(100),
  );
});

test("with a list of addresses only those and this machine are answered", () => {
  const listed = createClientAddress({
    trustedProxies: ["127.0.0.1"],
    allowAddresses: ["192.168.1.0/24", "fe80::/10"],
  });
  for (const peer of ["192.168.1.7", "::ffff:192.168.1.7", "127.0.0.1", "127.3.3.3", "::1", "fe80::1"])
    assert.equal(typeof listed.of(peer, undefined), "string", peer);
  const refused: readonly (readonly [string | undefined, string | undefined])[] = [
    ["192.168.2.7", undefined],
    ["192.168.2.7", "127.0.0.1"],
    ["127.0.0.1", "8.8.8.8"],
    ["127.0.0.1", "192.168.1.7, 8.8.8.8"],
    ["127.0.0.1", "localhost"],
    [undefined, undefined],
  ];
  for (const [peer, forwarded] of refused)
    assert.throws(
      () => listed.of(peer, forwarded),
      (error) => isProblem(error, AddressRefused),
      `${peer} ${forwarded}`,
    );
});
