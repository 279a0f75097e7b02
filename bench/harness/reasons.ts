/** Why a path misses its target, as far as profiles told. Shown below the table; a reason goes when the miss goes. */
export const reasons: Readonly<Record<string, string>> = {
  P1: "with one subscriber, the look-up of the kind, its count and the slot in the ring stand beside a single bare call.",
  P2: "an event of a known kind costs one look-up by text, one count and one slot of the ring: 15 to 17 ns, half of it the look-up. The peer needs 140 for ten prefixes, so ten times is at its edge. It stays flat in subscribers that do not match.",
  P3: "an event costs two SHA-256, its insert with twelve columns and an index, and the rows of three views, all on one thread; the disk syncs beside it. With 256 waiting, the rate also sets the latency.",
  P4: "each round writes once to every socket, and the system spends most of the time on these writes. The memory of an idle client holds what opening a thousand at once left behind, young garbage included.",
  P5: "half of the peer is the write of its answer. Over that the hub spends about 7 µs in its surface and 15 in the corridor: token, limits, rules twice, schemas twice, policy, budget and sample, none of them above 1 µs when run alone.",
  P7: "a job is three events and four row writes in SQLite, half of its processor time; the corridor, schemas, ids and hashes take the rest. Ten times the peer would leave 10 µs for all of it.",
  P9: "folding parses each event, as the line reader does, and then makes a new row for each view that it touches.",
  P11: "by its profile most goes to the write to the client's socket, the HTTP parser and collecting garbage; keeping every item for the record adds a generator.",
  P14: "a recorded call from outside costs three events, three rows and two digests, however little the call itself does, and its part of a commit. Its caller does not wait for that; a caller that asks again at once finds the hub still writing. Where a program is started, both disturb each other: a fork copies what a commit has just touched.",
  P15: "a start reads and unpacks the compiled code of the bundle, loads thirty parts of Node, composes some hundred rows with their schemas, and at a first start makes and syncs its files; the rest is collecting garbage.",
  P17: "a commit of one group and the hash of one chunk block the thread for less than a millisecond each; a machine with other work on its cores delays the thread by itself, which the idle figure in the note shows.",
};
