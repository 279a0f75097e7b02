/** The capsule that comes with the interface: a brief of Scout over a sample folder, recorded on another machine. */
import type { Given, KeptCapsule } from "./capsules-api.ts";

/** Written in by the build. */
declare const sampleDigest: string;

export async function readSample(): Promise<Given> {
  const { base64 } = await import("virtual:sample-capsule");
  return { content: base64 };
}

export const isSample = ({ fileDigest }: KeptCapsule): boolean => fileDigest === sampleDigest;
