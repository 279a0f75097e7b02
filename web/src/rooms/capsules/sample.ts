/** The capsule that comes with the interface: a brief of Scout over a sample folder, recorded on another machine. */
import address from "../../../../examples/capsules/brief.capsule?url";
import { base64Of } from "./base64.ts";
import type { Given, KeptCapsule } from "./capsules-api.ts";

/** Written in by the build. */
declare const sampleDigest: string;

export async function readSample(): Promise<Given> {
  const response = await fetch(address);
  return { content: base64Of(await response.arrayBuffer()) };
}

export const isSample = ({ fileDigest }: KeptCapsule): boolean => fileDigest === sampleDigest;
