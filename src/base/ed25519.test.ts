import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "vitest";
import { isSignedBy, keyIdOf, publicKeyFault } from "./ed25519.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

test("every Wycheproof vector is judged as expected", () => {
  const path = new URL("../../test/fixtures/wycheproof/ed25519.tsv", import.meta.url);
  const [, ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
  const wrong = lines.filter((line) => {
    const [, key = "", message = "", signature = "", result] = line.split("\t");
    return isSignedBy(hex(key), hex(message), hex(signature)) !== (result === "valid");
  });
  assert.deepEqual({ judged: lines.length, wrong }, { judged: 151, wrong: [] });
});

test("keys that machines make are fit to be trusted, and have a name of their own", () => {
  const names = new Set<string>();
  for (let count = 0; count < 20; count += 1) {
    const { x = "" } = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
    const bytes = Buffer.from(x, "base64url");
    assert.equal(publicKeyFault(bytes), null);
    names.add(keyIdOf(bytes));
  }
  assert.equal(names.size, 20);
});

/** The points of small order, with every sign, and the ways to write them that are not canonical. */
const smallOrder = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];
const notCanonical = [
  "0100000000000000000000000000000000000000000000000000000000000080",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

test("a key of small order, written in a second way, off the curve or of another length is refused", () => {
  for (const text of smallOrder) assert.match(publicKeyFault(hex(text)) ?? "", /small order/, text);
  for (const text of notCanonical) assert.match(publicKeyFault(hex(text)) ?? "", /canonical/, text);
  assert.match(publicKeyFault(hex(`02${"00".repeat(31)}`)) ?? "", /no point/);
  assert.match(publicKeyFault(new Uint8Array(31)) ?? "", /32 bytes/);
});
