/** What the HTTP surface needs from outside, besides the kernel. */

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
