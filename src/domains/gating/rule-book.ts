/**
 * Every rule of the gate, by source. Ids are names within their source, so no source can shadow or push out the rules of
 * another. A look-up costs the depth of the key and the rules that cover it, whatever else is in the book.
 */
import { createKeyTrie, type KeyTrie } from "../../base/prefix-trie.ts";
import { Problem } from "../../contract/problem.ts";
import { type Contract, contractsMax, foreignContractsMax, TooManyContracts } from "./contract.ts";
import { byOrder, type PlacedContract, type Rule, type RuleSource } from "./rule.ts";

export interface RuleBook {
  /** Grows with each change. */
  readonly version: number;
  readonly size: number;
  /** The rules that cover a key, in the order in which they decide. */
  covering(key: string): readonly Rule[];
  /** Every rule in the order in which they decide. */
  all(): readonly Rule[];
  has(source: string, id: string): boolean;
  /** The door of one source; the same one for the same name. */
  source(source: RuleSource): SourceDoor;
  /** Called after each change, synchronously. */
  onChange(run: () => void): void;
  /** What rules are about changed, though no rule did. */
  touch(): void;
}

export interface SourceDoor {
  readonly size: number;
  get(id: string): Rule | undefined;
  rules(): IterableIterator<Rule>;
  /** Throws `TooManyContracts` when there is no room for it. */
  refuseOverflow(id: string): void;
  /** Adds a contract; one that replaces another keeps its place in the order. */
  put(placed: PlacedContract): void;
  remove(id: string): boolean;
  /** Takes the place of everything this source said before. Throws `TooManyContracts`, and then changes nothing. */
  replace(placed: readonly PlacedContract[]): void;
}

interface Shelf {
  readonly source: RuleSource;
  readonly rules: Map<string, { readonly rule: Rule; readonly removals: readonly (() => void)[] }>;
  trie: KeyTrie<Rule>;
  added: number;
}

export function createRuleBook(): RuleBook {
  const shelves = new Map<string, { readonly shelf: Shelf; readonly door: SourceDoor }>();
  const watchers: (() => void)[] = [];
  let version = 0;
  const changed = (): void => {
    version += 1;
    for (const run of watchers) run();
  };
  const sizeOf = (isCounted: (source: RuleSource) => boolean): number => {
    let size = 0;
    for (const { shelf } of shelves.values()) if (isCounted(shelf.source)) size += shelf.rules.size;
    return size;
  };
  /** Refuses before anything is touched; `growth` is what the source would have more than now. */
  const refuseAbove = (source: RuleSource, growth: number): void => {
    if (growth <= 0) return;
    const isFull = sizeOf(() => true) + growth > contractsMax;
    if (isFull) throw new Problem(TooManyContracts, `there is room for ${contractsMax} contracts in all`);
    if (source.isForeign && sizeOf((each) => each.isForeign) + growth > foreignContractsMax)
      throw new Problem(TooManyContracts, `there is room for ${foreignContractsMax} contracts from elsewhere`);
  };
  return {
    get version() {
      return version;
    },
    get size() {
      return sizeOf(() => true);
    },
    covering(key) {
      const found = new Set<Rule>();
      for (const { shelf } of shelves.values()) for (const rule of shelf.trie.find(key)) found.add(rule);
      return [...found].toSorted(byOrder);
    },
    all: () =>
      [...shelves.values()]
        .flatMap(({ shelf }) => [...shelf.rules.values()].map((each) => each.rule))
        .toSorted(byOrder),
    has: (source, id) => shelves.get(source)?.shelf.rules.has(id) === true,
    source(source) {
      const known = shelves.get(source.name);
      if (known !== undefined) return known.door;
      const shelf: Shelf = { source, rules: new Map(), trie: createKeyTrie(), added: 0 };
      const door = doorOf(shelf, { changed, refuseAbove });
      shelves.set(source.name, { shelf, door });
      return door;
    },
    onChange: (run) => void watchers.push(run),
    touch: changed,
  };
}

interface Book {
  readonly changed: () => void;
  readonly refuseAbove: (source: RuleSource, growth: number) => void;
}

function doorOf(shelf: Shelf, { changed, refuseAbove }: Book): SourceDoor {
  const refuseOverflow = (id: string): void => refuseAbove(shelf.source, shelf.rules.has(id) ? 0 : 1);
  return {
    get size() {
      return shelf.rules.size;
    },
    get: (id) => shelf.rules.get(id)?.rule,
    *rules() {
      for (const { rule } of shelf.rules.values()) yield rule;
    },
    refuseOverflow,
    put(placed) {
      refuseOverflow(placed.contract.id);
      const former = take(shelf, placed.contract.id);
      place(shelf, placed, former?.order);
      changed();
    },
    remove(id) {
      const former = take(shelf, id);
      if (former !== undefined) changed();
      return former !== undefined;
    },
    replace(placed) {
      const count = new Set(placed.map(({ contract }) => contract.id)).size;
      refuseAbove(shelf.source, count - shelf.rules.size);
      // A trie of its own per source makes this one pass, however many rules share a pattern.
      shelf.trie = createKeyTrie();
      shelf.rules.clear();
      for (const each of placed) if (!shelf.rules.has(each.contract.id)) place(shelf, each);
      changed();
    },
  };
}

function place(shelf: Shelf, { contract, place: at }: PlacedContract, order: number = (shelf.added += 1)): void {
  const rule: Rule = { contract, source: shelf.source, place: at, order, endMs: endOf(contract) };
  const removals = contract.patterns.map((pattern) => shelf.trie.add(pattern, rule));
  shelf.rules.set(contract.id, { rule, removals });
}

const endOf = ({ validToMs }: Contract): number => validToMs ?? Number.POSITIVE_INFINITY;

function take(shelf: Shelf, id: string): Rule | undefined {
  const held = shelf.rules.get(id);
  if (held === undefined) return undefined;
  for (const remove of held.removals) remove();
  shelf.rules.delete(id);
  return held.rule;
}
