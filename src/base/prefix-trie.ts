/**
 * Who wants this key? Two answers: subscribers by prefix (`createPrefixMatcher`, asked once per published event) and
 * patterns of gate keys (`createKeyTrie`, asked once per call). Both cost the depth of the key, not the number of entries.
 */

/** Longest prefix, pattern or cached key, in UTF-16 units: three times the longest kind or key we define. */
const keyLengthMax = 256;

/** Keys whose matches are remembered. A hub has some hundred kinds; what floods past this is not worth keeping. */
const cachedKeysMax = 4_096;

interface Entry<T> {
  readonly value: T;
  /** Entries answer in the order they were added. */
  readonly order: number;
}

const byOrder = <T>(a: Entry<T>, b: Entry<T>): number => a.order - b.order;

export interface PrefixMatcher<T> {
  /** Prefixes held. */
  readonly size: number;
  /** Trie nodes visited since creation: the cost of `match`, for tests and metrics. A remembered key visits none. */
  readonly visits: number;
  /** Returns its removal, which may be called twice. Throws RangeError for a prefix over 256 units. */
  add(prefix: string, value: T): () => void;
  /**
   * Every value with a prefix of `key`, in order of adding, each once. ASCII letter case is ignored; other letters
   * compare exactly, for Unicode case folding does not keep prefixes. The list is a snapshot: later changes make a new one.
   */
  match(key: string): readonly T[];
}

interface PrefixNode<T> {
  children: Map<number, PrefixNode<T>> | undefined;
  entries: Entry<T>[] | undefined;
}

export function createPrefixMatcher<T>(): PrefixMatcher<T> {
  const root: PrefixNode<T> = { children: undefined, entries: undefined };
  const cache = createMatchCache<T>();
  let added = 0;
  let size = 0;
  let visits = 0;

  const find = (key: string): readonly T[] => {
    const found: Entry<T>[] = [];
    let node: PrefixNode<T> | undefined = root;
    for (let index = 0; node !== undefined; index += 1) {
      visits += 1;
      collect(node.entries, found);
      if (index === key.length) break;
      node = node.children?.get(foldAscii(key.charCodeAt(index)));
    }
    return [...new Set(found.toSorted(byOrder).map((entry) => entry.value))];
  };

  return {
    get size() {
      return size;
    },
    get visits() {
      return visits;
    },
    add(prefix, value) {
      refuseTooLong(prefix);
      const entry = { value, order: added };
      added += 1;
      size += 1;
      const path = growPath(root, prefix);
      const leaf = path.at(-1) ?? root;
      (leaf.entries ??= []).push(entry);
      cache.clear();
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        size -= 1;
        leaf.entries = without(leaf.entries, entry);
        prune(path, prefix);
        cache.clear();
      };
    },
    match(key) {
      const known = cache.get(key);
      if (known !== undefined) return known;
      const values = find(key);
      cache.set(key, values);
      return values;
    },
  };
}

/**
 * Two generations instead of a linked list: a hit in the young one is a single look-up, and a key that is not asked for
 * while the young generation fills is forgotten.
 */
function createMatchCache<T>() {
  let young = new Map<string, readonly T[]>();
  let old = new Map<string, readonly T[]>();
  const set = (key: string, values: readonly T[]): void => {
    if (key.length > keyLengthMax) return;
    if (young.size >= cachedKeysMax / 2) {
      old = young;
      young = new Map();
    }
    young.set(key, values);
  };
  return {
    set,
    get(key: string): readonly T[] | undefined {
      const fresh = young.get(key);
      if (fresh !== undefined) return fresh;
      const aged = old.get(key);
      if (aged !== undefined) set(key, aged);
      return aged;
    },
    clear(): void {
      young.clear();
      old.clear();
    },
  };
}

/** The nodes from the root to the end of the prefix, made where they lack. */
function growPath<T>(root: PrefixNode<T>, prefix: string): PrefixNode<T>[] {
  const path = [root];
  let node = root;
  for (let index = 0; index < prefix.length; index += 1) {
    const unit = foldAscii(prefix.charCodeAt(index));
    const children = (node.children ??= new Map());
    let child = children.get(unit);
    if (child === undefined) {
      child = { children: undefined, entries: undefined };
      children.set(unit, child);
    }
    path.push(child);
    node = child;
  }
  return path;
}

/** Cuts the nodes that hold nothing any more, from the leaf up, so that subscribers who come and go leave no trace. */
function prune<T>(path: readonly PrefixNode<T>[], prefix: string): void {
  for (let depth = path.length - 1; depth > 0; depth -= 1) {
    const node = path[depth];
    const parent = path[depth - 1];
    if (node === undefined || parent === undefined) return;
    if (node.entries !== undefined || node.children !== undefined) return;
    const unit = foldAscii(prefix.charCodeAt(depth - 1));
    parent.children?.delete(unit);
    if (parent.children?.size === 0) parent.children = undefined;
  }
}

export interface KeyTrie<T> {
  /** Patterns held. */
  readonly size: number;
  /** Returns its removal, which may be called twice. Throws RangeError for what `isKeyPattern` refuses. */
  add(pattern: string, value: T): () => void;
  /** The values of every pattern that covers `key`, in order of adding. Letter case counts. */
  find(key: string): readonly T[];
}

/** A pattern is an exact key (`models:download`) or a prefix that ends in its only `*` (`models:*`, `mod*`, `*`). */
export function isKeyPattern(text: string): boolean {
  if (text.length === 0 || text.length > keyLengthMax) return false;
  const star = text.indexOf("*");
  return star === -1 || star === text.length - 1;
}

interface KeyNode<T> {
  readonly children: Map<string, KeyNode<T>>;
  exact: Entry<T>[] | undefined;
  /** Beginnings of the next segment that a `*` follows. The empty one is the pattern that ends in `:*`. */
  readonly beginnings: Map<string, Entry<T>[]>;
}

/** Patterns share one node per segment, so 100,000 of them stay small and a look-up stays as deep as its key. */
export function createKeyTrie<T>(separator = ":"): KeyTrie<T> {
  if (separator.length !== 1) throw new RangeError("The separator is one character.");
  const root = createKeyNode<T>();
  let added = 0;
  let size = 0;

  return {
    get size() {
      return size;
    },
    add(pattern, value) {
      if (!isKeyPattern(pattern))
        throw new RangeError(`Not a key pattern: ${JSON.stringify(pattern.slice(0, keyLengthMax))}.`);
      const entry = { value, order: added };
      added += 1;
      size += 1;
      const segments = pattern.split(separator);
      put(root, segments, entry);
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        size -= 1;
        take(root, segments, entry);
      };
    },
    find(key) {
      const found: Entry<T>[] = [];
      let node: KeyNode<T> | undefined = root;
      let from = 0;
      while (node !== undefined) {
        const cut = key.indexOf(separator, from);
        const segment = cut === -1 ? key.slice(from) : key.slice(from, cut);
        collectBeginnings(node, segment, found);
        node = node.children.get(segment);
        if (cut === -1) break;
        from = cut + 1;
      }
      // The loop ends early, with no node, where the patterns are less deep than the key.
      collect(node?.exact, found);
      return found.toSorted(byOrder).map((entry) => entry.value);
    },
  };
}

function createKeyNode<T>(): KeyNode<T> {
  return { children: new Map(), exact: undefined, beginnings: new Map() };
}

function put<T>(root: KeyNode<T>, segments: readonly string[], entry: Entry<T>): void {
  let node = root;
  for (const [index, segment] of segments.entries()) {
    if (index === segments.length - 1 && segment.endsWith("*")) {
      const beginning = segment.slice(0, -1);
      const entries = node.beginnings.get(beginning);
      if (entries === undefined) node.beginnings.set(beginning, [entry]);
      else entries.push(entry);
      return;
    }
    let child = node.children.get(segment);
    if (child === undefined) {
      child = createKeyNode();
      node.children.set(segment, child);
    }
    node = child;
  }
  (node.exact ??= []).push(entry);
}

/** Recursion follows the segments of one pattern, which are at most its length. */
function take<T>(node: KeyNode<T>, segments: readonly string[], entry: Entry<T>): void {
  const [segment, ...rest] = segments;
  if (segment === undefined) {
    node.exact = without(node.exact, entry);
    return;
  }
  if (rest.length === 0 && segment.endsWith("*")) {
    const beginning = segment.slice(0, -1);
    const left = without(node.beginnings.get(beginning), entry);
    if (left === undefined) node.beginnings.delete(beginning);
    else node.beginnings.set(beginning, left);
    return;
  }
  const child = node.children.get(segment);
  if (child === undefined) return;
  take(child, rest, entry);
  if (child.exact === undefined && child.children.size === 0 && child.beginnings.size === 0)
    node.children.delete(segment);
}

function collectBeginnings<T>(node: KeyNode<T>, segment: string, found: Entry<T>[]): void {
  if (node.beginnings.size === 0) return;
  // No beginning is longer than a pattern, so a hostile key does not make this loop longer.
  const lengthMax = Math.min(segment.length, keyLengthMax);
  for (let length = 0; length <= lengthMax; length += 1) {
    collect(node.beginnings.get(segment.slice(0, length)), found);
  }
}

/** One by one: spreading a long list into `push` overflows the stack. */
function collect<T>(entries: readonly Entry<T>[] | undefined, found: Entry<T>[]): void {
  if (entries === undefined) return;
  for (const entry of entries) found.push(entry);
}

function without<T>(entries: Entry<T>[] | undefined, entry: Entry<T>): Entry<T>[] | undefined {
  const left = entries?.filter((each) => each !== entry);
  return left === undefined || left.length === 0 ? undefined : left;
}

function refuseTooLong(prefix: string): void {
  if (prefix.length > keyLengthMax) throw new RangeError(`A prefix has at most ${keyLengthMax} characters.`);
}

function foldAscii(unit: number): number {
  return unit >= 65 && unit <= 90 ? unit + 32 : unit;
}
