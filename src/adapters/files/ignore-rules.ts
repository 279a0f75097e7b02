/** `.gitignore` rules, gathered on the way down. */
import ignore from "ignore";

/** Rules hold from the root down: those of a folder are added to those above it, and the last match wins, as in git. */
export interface IgnoreRules {
  /** `path` is relative to the root of the walk. The folders above it are taken as not ignored. */
  isIgnored(path: string, isFolder: boolean): boolean;
  /** The rules inside `folder` (`""` for the root), whose `.gitignore` reads `text`. */
  within(folder: string, text: string): IgnoreRules;
}

// The library remembers every path it was asked about; it is built anew before that grows with the tree.
const answersRememberedMax = 5_000;

export const createIgnoreRules = (isCaseIgnored: boolean): IgnoreRules => rulesFrom([], isCaseIgnored);

function rulesFrom(patterns: readonly string[], isCaseIgnored: boolean): IgnoreRules {
  const build = () => ignore({ ignoreCase: isCaseIgnored }).add(patterns);
  let rules = build();
  let answers = 0;
  return {
    isIgnored: (path, isFolder) => {
      if (patterns.length === 0) return false;
      if (++answers > answersRememberedMax) {
        rules = build();
        answers = 0;
      }
      return rules.ignores(isFolder ? `${path}/` : path);
    },
    within: (folder, text) => {
      const own = text.split(/\r?\n/).flatMap((line) => rebased(line, folder));
      return own.length === 0 ? rulesFrom(patterns, isCaseIgnored) : rulesFrom([...patterns, ...own], isCaseIgnored);
    },
  };
}

/** A line of `folder/.gitignore` as a line of the root's. */
function rebased(line: string, folder: string): readonly string[] {
  const sign = line.startsWith("!") ? "!" : "";
  const pattern = line.slice(sign.length);
  // A blank or a lone slash matches nothing in git, but behind a prefix it would match the whole folder.
  if (line.startsWith("#") || /^[/ ]*$/.test(pattern)) return [];
  if (folder === "") return [line];
  const prefix = `${sign}/${escaped(folder)}/`;
  // A slash before the end anchors a pattern to its folder; without one it matches at any depth below.
  const isAnchored = pattern.replace(/[/ ]+$/, "").includes("/");
  return [isAnchored ? `${prefix}${pattern.replace(/^\//, "")}` : `${prefix}**/${pattern}`];
}

const escaped = (folder: string): string => folder.replace(/[\\*?[\]!# ]/g, "\\$&");
