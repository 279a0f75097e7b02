/** Sealed forms of what the hub keeps as lines and as small files. */
import type { Codec } from "../files/state-file.ts";
import { isSealed, SealFault, type Sealer } from "./sealer.ts";

/** Text without a line break. */
export const sealLine = (sealer: Sealer, line: string, place: string): string =>
  sealer.seal(Buffer.from(line), place).toString("base64");

/** Null for a line that is not sealed, or not for this place. */
export function openLine(sealer: Sealer, line: string, place: string): string | null {
  try {
    return sealer.open(Buffer.from(line, "base64"), place).toString("utf8");
  } catch (error) {
    if (error instanceof SealFault) return null;
    throw error;
  }
}

/** The same file, sealed; without a sealer the file as it is. */
export const sealedCodec = <T>(codec: Codec<T>, sealer: Sealer | null, place: string): Codec<T> =>
  sealer === null
    ? codec
    : {
        parse(bytes) {
          const plain = openBytes(sealer, bytes, place);
          return plain === null ? null : codec.parse(plain);
        },
        format: (value) => sealer.seal(codec.format(value), place),
      };

/** Null for bytes that are not sealed, or not for this place. */
export function openBytes(sealer: Sealer, bytes: Uint8Array, place: string): Buffer | null {
  if (!isSealed(bytes)) return null;
  try {
    return sealer.open(bytes, place);
  } catch (error) {
    if (error instanceof SealFault) return null;
    throw error;
  }
}

/** The places of the small files: one name for whoever reads them and whoever converts them. */
export const places = {
  auditHead: "file audit-head.json",
  capsuleKey: "file capsule-key.pem",
  secret: (name: string): string => `file secrets/secret-${name}.json`,
  auditLine: "line audit.log",
  logLine: "line hub.log",
} as const;
