import assert from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { runs } from "../../test/kit/runs.ts";
import { type AddressClass, addressClassOf, parseIp } from "./ip-address.ts";

/** The registries' ranges, with the first and last address of each, and the neighbours that are outside. */
const edges: readonly (readonly [AddressClass, ...string[]])[] = [
  ["unspecified", "0.0.0.0", "0.0.0.1", "0.255.255.255", "::"],
  [
    "private",
    "10.0.0.0",
    "10.255.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.168.0.0",
    "192.168.255.255",
    "fec0::1",
  ],
  ["shared", "100.64.0.0", "100.127.255.255"],
  ["loopback", "127.0.0.0", "127.0.0.1", "127.255.255.255", "::1", "0:0:0:0:0:0:0:1"],
  ["link-local", "169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::", "febf:ffff::1"],
  [
    "reserved",
    "192.0.0.0",
    "192.0.0.255",
    "192.31.196.1",
    "192.52.193.1",
    "192.175.48.1",
    "240.0.0.0",
    "255.255.255.254",
  ],
  [
    "documentation",
    "192.0.2.0",
    "192.0.2.255",
    "198.51.100.7",
    "203.0.113.7",
    "2001:db8::",
    "2001:db8:ffff::1",
    "3fff::1",
  ],
  [
    "tunnel",
    "192.88.99.1",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2001::1",
    "2002:7f00:1::1",
    "::ffff:0:7f00:1",
  ],
  ["benchmark", "198.18.0.0", "198.19.255.255"],
  ["multicast", "224.0.0.0", "239.255.255.255", "ff00::", "ff02::1"],
  ["broadcast", "255.255.255.255"],
  [
    "reserved",
    "100::1",
    "100:0:0:1::1",
    "5f00::1",
    "2001:1::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2620:4f:8000::1",
    "4000::1",
  ],
  ["unique-local", "fc00::", "fdff:ffff::1"],
  ["public", "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"],
  [
    "public",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.3.0",
  ],
  [
    "public",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700::1111",
    "2001:200::1",
  ],
  ["public", "2000::1", "2003::1", "3ffe:ffff::1", "3fff:1000::1"],
];

test.each(edges)("%s: every range of the registries to its edges", (wanted, ...addresses) => {
  for (const address of addresses) assert.equal(addressClassOf(address), wanted, address);
});

test("an address in the clothes of IPv6 is what it is underneath, in every spelling", () => {
  const part = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(fc.tuple(part, part, part, part), ([a, b, c, d]) => {
      const plain = `${a}.${b}.${c}.${d}`;
      const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      const wanted = addressClassOf(plain);
      for (const dressed of [`::ffff:${plain}`, `::FFFF:${hex}`, `0:0:0:0:0:ffff:${plain}`, `0000::ffff:${hex}`])
        assert.equal(addressClassOf(dressed), wanted, dressed);
    }),
    runs(100),
  );
});

test("what is no address in its usual spelling is none", () => {
  const none = [
    "",
    "localhost",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "0x7f.0.0.1",
    "2130706433",
    " 1.1.1.1",
    "1.1.1.1 ",
  ];
  const noSix = [
    ":",
    ":::",
    "1::2::3",
    "fe80::1%eth0",
    "12345::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "::1.2.3",
    "1:2:3:4:5:6:7::8",
    "g::",
  ];
  for (const text of [...none, ...noSix]) expect(parseIp(text), text).toBeNull();
});
