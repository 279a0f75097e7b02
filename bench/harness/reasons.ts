/** Why a path misses its target, as far as profiles told. Shown below the table; a reason goes when the miss goes. */
export const reasons: Readonly<Record<string, string>> = {
  P1: "with one subscriber the replay ring, the counters and the guard around the listener cost more than the bare call; with ten or more they are shared.",
  P2: "a publish takes 32 to 46 ns here, where the prototype took 17 to 20: it also counts, keeps the ring and guards each listener. It stays flat in subscribers that do not match.",
  P3: "an event costs two SHA-256, its insert with twelve columns and an index, and the rows of three views, all on one thread; the disk syncs beside it. With 256 waiting, the rate also sets the latency.",
  P4: "one writev per client and round remains; the bytes are shared.",
  P5: "the hub spends about 60 µs of processor time per request against 28: token, identity, rules, schema, output check, sample and correlation id, spread thin, and response headers.",
  P7: "a job is three events and four row writes in SQLite, half of its processor time; the corridor, schemas, ids and hashes take the rest. Ten times the peer would leave 10 µs for all of it.",
  P9: "folding parses each event, as the line reader does, and then makes a new row for each view that it touches.",
  P15: "not profiled as a package. The bundle has 2.6 MB, and a start from sources was mostly loading and compiling modules.",
  P17: "a commit of one group and the hash of one chunk block the thread for less than a millisecond each; a machine with other work on its cores delays the thread by itself, which the idle figure in the note shows.",
};
