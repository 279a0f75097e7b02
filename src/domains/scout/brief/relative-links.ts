/** Where a relative link leads: to a path in the folder, out of it, or nowhere that can be told (`#part`, templates). */
export type Resolved =
  | { readonly kind: "inside"; readonly path: string }
  | { readonly kind: "outside" }
  | { readonly kind: "unknown" };

/** Resolves a link of the file `from`. Anchors and queries fall away; `%20`, `.`, `..` and a leading `/` are followed. */
export function resolveLink(from: string, target: string): Resolved {
  const bare = target.replace(/[#?].*$/s, "");
  if (bare === "" || /[{}$<>*|]/.test(bare)) return { kind: "unknown" };
  if (/^[a-z]:[\\/]|^\\\\|^~\//i.test(bare)) return { kind: "outside" };
  const parts = bare.startsWith("/") ? [] : from.split("/").slice(0, -1);
  for (const part of decoded(bare).split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return { kind: "outside" };
  }
  return { kind: "inside", path: parts.join("/") };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // A stray percent sign is part of the name.
    return path;
  }
}

/** Tells whether a link target exists, given all paths of the folder: files, folders, and pages named without their ending. */
export function createExists(paths: Iterable<string>): (path: string) => boolean {
  const known = new Set<string>([""]);
  for (const path of paths) {
    const name = path.normalize("NFC");
    known.add(name);
    for (let at = name.lastIndexOf("/"); at > 0; at = name.lastIndexOf("/", at - 1)) {
      const folder = name.slice(0, at);
      if (known.has(folder)) break;
      known.add(folder);
    }
  }
  return (path) => {
    const name = path.normalize("NFC");
    if (known.has(name) || known.has(`${name}.md`) || known.has(`${name}.html`)) return true;
    // Pages are often linked by the name they get once they are built.
    return /\.html?$/.test(name) && known.has(name.replace(/\.html?$/, ".md"));
  };
}
