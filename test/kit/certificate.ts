/** Certificates made on the spot, so that tests of encrypted connections need no tool and no key in the repository. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

export interface Authority {
  readonly certificate: string;
  /** A certificate for these names and IPv4 addresses, signed by the authority. */
  issue(names: readonly string[]): { readonly cert: string; readonly key: string };
}

const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const size = body.byteLength;
  const head = size < 128 ? [tag, size] : size < 256 ? [tag, 0x81, size] : [tag, 0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from(head), body]);
};
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));
const commonName = oid("550403");
const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
const basicConstraints = oid("551d13");
const alternativeNames = oid("551d11");

const nameOf = (text: string): Buffer => sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from(text)))));
const critical = der(0x01, Buffer.from([0xff]));
/** Long enough for every test to come. */
const validity = sequence(der(0x18, Buffer.from("20200101000000Z")), der(0x18, Buffer.from("22000101000000Z")));

interface Body {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

function certificateOf({ subject, publicKey, extensions }: Body, issuer: { name: string; key: KeyObject }): string {
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(8)]);
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ecdsaWithSha256,
    nameOf(issuer.name),
    validity,
    nameOf(subject),
    publicKey.export({ format: "der", type: "spki" }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", body, issuer.key);
  const whole = sequence(body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

const keys = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

function alternative(name: string): Buffer {
  const isAddress = /^\d+(\.\d+){3}$/.test(name);
  return isAddress ? der(0x87, Buffer.from(name.split(".").map(Number))) : der(0x82, Buffer.from(name));
}

export function makeAuthority(): Authority {
  const name = "Test authority";
  const own = keys();
  const isAuthority = sequence(basicConstraints, critical, der(0x04, sequence(der(0x01, Buffer.from([0xff])))));
  const issuer = { name, key: own.privateKey };
  return {
    certificate: certificateOf({ subject: name, publicKey: own.publicKey, extensions: [isAuthority] }, issuer),
    issue(names) {
      const { publicKey, privateKey } = keys();
      const extensions = [sequence(alternativeNames, der(0x04, sequence(...names.map(alternative))))];
      const cert = certificateOf({ subject: names[0] ?? "", publicKey, extensions }, issuer);
      return { cert, key: privateKey.export({ format: "pem", type: "pkcs8" }).toString() };
    },
  };
}
