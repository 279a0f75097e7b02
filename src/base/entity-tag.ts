/** `If-None-Match` (RFC 9110, 13.1.2): what a cache has, and whether that is still what it would be given. */

const tags = /(?:W\/)?("[^"]*")/g;

/** Whether the list in the header names the tag. Weak and strong ones compare alike; `*` is no list. */
export function listsTag(header: string, tag: string): boolean {
  const opaque = opaqueOf(tag);
  return header.matchAll(tags).some(([, each]) => each === opaque);
}

/** Whether the header stands for whatever there is. */
export const isAnyTag = (header: string): boolean => header.trim() === "*";

const opaqueOf = (tag: string): string => tag.replace(/^W\//, "");
