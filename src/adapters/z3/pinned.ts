/** The solver as it is installed: one version, whose files npm holds against these sums. */
export const z3Version = "5.2.0";
/** What it takes on the disk, and as a download. */
export const z3SizeBytes = 36_000_000;

export const pinnedPackage = {
  name: "arw-z3",
  private: true,
  description: "The z3 solver for proofs about rules. Installed on demand, and never part of the hub.",
  dependencies: { "z3-solver": z3Version },
} as const;

export const pinnedLock = {
  name: "arw-z3",
  lockfileVersion: 3,
  requires: true,
  packages: {
    "": { name: "arw-z3", dependencies: { "z3-solver": z3Version } },
    "node_modules/async-mutex": {
      version: "0.3.2",
      integrity: "sha512-HuTK7E7MT7jZEh1P9GtRW9+aTWiDWWi9InbZ5hjxrnRa39KS4BW04+xLBhYNS2aXhHUIKZSw3gj4Pn1pj+qGAA==",
      license: "MIT",
      dependencies: { tslib: "^2.3.1" },
    },
    "node_modules/tslib": {
      version: "2.9.1",
      integrity: "sha512-a4Ux9VKuIMHsOS7ENbEq6hK2ZGYIT27Rtl0E4eD9KqwxhKiQeMZE/9xb3IdYwWaSOyIBQLExhQgXDTYoiCxnWA==",
      license: "0BSD",
    },
    "node_modules/z3-solver": {
      version: z3Version,
      integrity: "sha512-0mGfrkwV/3zKGLy+EPWlHGORWMVZ8BsaiVYxVxuztk28YHRlD1XO0R7Op7g1nc6JX6kG2b8mHwXTuxSFnYQvww==",
      license: "MIT",
      dependencies: { "async-mutex": "^0.3.2" },
      engines: { node: ">=16" },
    },
  },
} as const;
