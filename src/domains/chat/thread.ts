/** The tree that the messages of a conversation form. A branch is the way from the beginning to one of its ends. */

export interface Node {
  readonly message: string;
  readonly parent: string | null;
}

export interface Thread {
  /** Whether the message is part of it. */
  has(message: string): boolean;
  parentOf(message: string): string | null;
  /** All messages that follow one, oldest first; of null, those that begin the conversation. */
  childrenOf(message: string | null): readonly string[];
  /** The branch through a message, on to its newest end; the newest of all without one. Empty where nothing was said. */
  branch(through?: string): readonly string[];
  /** From the beginning up to and with this message. */
  wayTo(message: string | null): readonly string[];
}

/** A node stands behind its parent: the order in which messages came. */
export function threadOf(nodes: readonly Node[]): Thread {
  const parents = new Map(nodes.map(({ message, parent }) => [message, parent]));
  const children = Map.groupBy(nodes, ({ parent }) => parent);
  const childrenOf = (message: string | null): readonly string[] =>
    (children.get(message) ?? []).map((each) => each.message);
  const wayTo = (message: string | null): readonly string[] => {
    const way: string[] = [];
    for (let at = message; at !== null; at = parents.get(at) ?? null) way.push(at);
    return way.toReversed();
  };
  return {
    has: (message) => parents.has(message),
    parentOf: (message) => parents.get(message) ?? null,
    childrenOf,
    branch(through) {
      const start = through ?? nodes.at(-1)?.message ?? null;
      if (start === null) return [];
      const way = [...wayTo(start)];
      for (let next = childrenOf(start).at(-1); next !== undefined; next = childrenOf(next).at(-1)) way.push(next);
      return way;
    },
    wayTo,
  };
}
