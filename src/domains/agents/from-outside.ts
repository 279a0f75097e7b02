/** Calls of programs outside of the hub, each an episode of its own. */

/** Of what a run was given: that it is a single call from outside. Such a run is never resumed. */
export const isFromOutside = (input: unknown): boolean =>
  typeof input === "object" && input !== null && typeof (input as { readonly outside?: unknown }).outside === "string";
