/** What the HTTP surface needs from outside, besides the kernel. */
import type { Problem } from "../../contract/problem.ts";
import type { CallRequest } from "../../kernel/kernel.ts";

export interface AssetFile {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
}

/**
 * A folder of files to be served, read-only. `path` is relative with `/` between its parts; null for what is absent, not a
 * plain file, hidden, or outside the folder by any trick of the path or of links.
 */
export interface AssetFolder {
  read(path: string): Promise<AssetFile | null>;
}

/** Tells which cookie an answer sets. */
export interface Cookies {
  /** A `Set-Cookie` value that the operation left for this very call, once; null for nearly every call. */
  take(operationId: string, corrId: string): string | null;
}

/** Tells where a request comes from, from the other end of its connection and what proxies wrote. */
export interface ClientAddress {
  /** Throws `AddressRefused` for an address that may not knock. */
  of(peer: string | undefined, forwardedFor: string | readonly string[] | undefined): string;
}

/** What became of the rules that a request brought. */
export interface Presented {
  /** For the header of the answer. */
  readonly status: string;
  /** Why the request does not run. */
  readonly refusal: Problem | null;
}

/** Takes the signed rules that a request brings in its header, before anything else is done for it. */
export interface Capsules {
  present(header: string, as: Pick<CallRequest, "credentials" | "signal" | "corrId">): Promise<Presented>;
}
