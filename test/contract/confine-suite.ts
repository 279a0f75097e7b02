/** What every confinement promises; what it holds beyond that is asked of those that say so. */
import assert from "node:assert/strict";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "vitest";
import { type ChildCeilings, ChildFault, type ChildOrder, type Confinement } from "../../src/domains/shell/port.ts";

export interface ConfineSubject {
  readonly name: string;
  readonly confinesFiles: boolean;
  /** Made anew for each test, with these folders as the hub's own. */
  create(given: {
    readonly own: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
    readonly ceilings?: ChildCeilings;
  }): Confinement;
}

export interface Place extends AsyncDisposable {
  readonly confinement: Confinement;
  /** Granted in the orders that `order` makes. */
  readonly folder: string;
  /** Beside it, and granted to nobody. */
  readonly outside: string;
  /** Holds them all. */
  readonly home: string;
  /** The hub's own. */
  readonly state: string;
  order(command: string, args?: readonly string[], more?: Partial<ChildOrder>): ChildOrder;
  /** Runs it to its end. */
  run(command: string, args?: readonly string[], more?: Partial<ChildOrder>): Promise<Ran>;
}

interface Ran {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly endedBy: string;
  readonly out: string;
  readonly err: string;
}

/** Short, so that a test of who ignores the question to end is short as well. */
export const graceMs = 300;
export const planted = "planted-7719-secret";
const environment = {
  PATH: process.env["PATH"] ?? "",
  ARW_ADMIN_TOKEN: planted,
  HOME: "/home/nobody",
  LD_PRELOAD: planted,
};

export function openPlace(
  subject: Pick<ConfineSubject, "create">,
  more: { readonly ceilings?: ChildCeilings } = {},
): Place {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "arw-confine-")));
  const folder = join(home, "granted");
  const outside = join(home, "outside");
  const state = join(home, "state");
  for (const path of [folder, outside, state]) mkdirSync(path);
  writeFileSync(join(outside, "note.txt"), "outside");
  writeFileSync(join(state, "token"), planted);
  const confinement = subject.create({ own: [state, join(outside, "note.txt")], environment, ...more });
  const order = (command: string, args: readonly string[] = [], more: Partial<ChildOrder> = {}): ChildOrder => ({
    command,
    args,
    env: {},
    cwd: folder,
    folders: [{ path: folder, mode: "write" }],
    network: { kind: "none" },
    limits: { timeoutMs: 20_000, outputBytesMax: null },
    signal: new AbortController().signal,
    ...more,
  });
  return {
    confinement,
    home,
    folder,
    outside,
    state,
    order,
    async run(command, args, more) {
      const child = await confinement.start(order(command, args, more));
      child.stdin.end();
      const [out, err, ended] = await Promise.all([text(child.stdout), text(child.stderr), child.exited]);
      return { ...ended, out, err };
    },
    async [Symbol.asyncDispose]() {
      await confinement[Symbol.asyncDispose]();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export function confineSuite(subject: ConfineSubject): void {
  const named = (what: string): string => `${subject.name}: ${what}`;

  test(named("a command runs in its folder, with its arguments as they are, and says how it ended"), async () => {
    await using place = openPlace(subject);
    const said = await place.run("/bin/sh", [
      "-c",
      'pwd; printf "%s|" "$@"; echo wrong >&2; exit 3',
      "sh",
      "a b",
      "$HOME",
      "",
    ]);
    assert.deepEqual(said, {
      exitCode: 3,
      signal: null,
      endedBy: "itself",
      out: `${place.folder}\na b|$HOME||`,
      err: "wrong\n",
    });
    assert.deepEqual(await place.run("sh", ["-c", "kill -KILL $$"]), {
      exitCode: null,
      signal: "SIGKILL",
      endedBy: "itself",
      out: "",
      err: "",
    });
  });

  test(named("what is no command ends as it would in a shell"), async () => {
    await using place = openPlace(subject);
    writeFileSync(join(place.folder, "note.txt"), "no program");
    const none = await place.run("no-such-command-at-all");
    assert.deepEqual([none.exitCode, none.endedBy], [127, "itself"]);
    assert.match(none.err, /no-such-command-at-all/);
    assert.equal((await place.run(join(place.folder, "note.txt"))).exitCode, 126);
  });

  test(named("a child that lasts is spoken to over its pipes"), async () => {
    await using place = openPlace(subject);
    const child = await place.confinement.start(
      place.order("cat", [], { limits: { timeoutMs: null, outputBytesMax: null } }),
    );
    const read = child.stdout[Symbol.asyncIterator]();
    for (const word of ["one", "two"]) {
      await child.stdin.write(new TextEncoder().encode(word));
      assert.equal(new TextDecoder().decode((await read.next()).value), word);
    }
    child.stdin.end();
    assert.deepEqual(await child.exited, { exitCode: 0, signal: null, endedBy: "itself" });
    await child.stdin.write(new Uint8Array(10));
  });

  test(named("the environment is what the order says, and nothing of the hub's own"), async () => {
    await using place = openPlace(subject);
    const { out } = await place.run("env", [], { env: { GIVEN: "it is" } });
    const names = out
      .trim()
      .split("\n")
      .map((line) => line.slice(0, line.indexOf("=")))
      .filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name));
    assert.deepEqual(names.toSorted(), ["GIVEN", "HOME", "LANG", "PATH", "TMPDIR"]);
    assert.equal(out.includes(planted), false);
    const held = openSync(join(place.outside, "note.txt"), "r");
    const { out: open } = await place.run("sh", ["-c", "ls -l /proc/$$/fd"]);
    closeSync(held);
    assert.match(open, / 2 -> (socket|pipe)/);
    assert.equal(open.includes("note.txt"), false);
  });

  test(named("time ends it, with what it started and with what does not listen"), async () => {
    await using place = openPlace(subject);
    const deaf = 'trap "" TERM; sleep 60 & echo started; wait; sleep 60';
    const { endedBy, signal, out } = await place.run("sh", ["-c", deaf], {
      limits: { timeoutMs: 400, outputBytesMax: null },
    });
    assert.deepEqual([endedBy, signal, out], ["time", "SIGKILL", "started\n"]);
    const polite = await place.run("sh", ["-c", 'trap "echo bye; exit 7" TERM; sleep 60 & wait'], {
      limits: { timeoutMs: 400, outputBytesMax: null },
    });
    assert.deepEqual([polite.endedBy, polite.exitCode, polite.out], ["time", 7, "bye\n"]);
  });

  test.runIf(process.platform === "linux")(
    named("too much memory, and too many processes, end all of it"),
    async () => {
      const ceilings = { memoryBytesMax: 100_000_000, processesMax: 12 };
      await using place = openPlace(subject, { ceilings });
      // Each alone stays below it: nobody takes what they keep for whoever reads behind them.
      const full = "head -c 70000000 /dev/zero | tail -c 70000000 | sleep 60";
      const hungry = `${full} & ${full} & wait`;
      const { endedBy, signal, exitCode } = await place.run("sh", ["-c", hungry]);
      assert.deepEqual([endedBy, signal, exitCode], ["memory", "SIGKILL", null]);
      const many = 'trap "" TERM; while true; do sleep 60 & done';
      assert.equal((await place.run("sh", ["-c", many])).endedBy, "processes");
      const few = await place.run("sh", ["-c", "for each in 1 2 3 4; do sleep 0.4 & done; wait; echo done"]);
      assert.deepEqual([few.endedBy, few.out], ["itself", "done\n"]);
    },
  );

  test(named("it gives way to others"), async () => {
    await using place = openPlace(subject);
    if (process.platform === "win32") return;
    assert.match((await place.run("sh", ["-c", "sleep 0.2; nice; true"])).out, /^10\n/u);
  });

  test(named("too much output ends it"), async () => {
    await using place = openPlace(subject);
    const { endedBy, out } = await place.run("yes", [], { limits: { timeoutMs: 20_000, outputBytesMax: 100_000 } });
    assert.equal(endedBy, "output");
    assert.ok(out.length > 100_000 && out.length < 10_000_000, String(out.length));
  });

  test(named("its caller, and whoever ends all, end it"), async () => {
    await using place = openPlace(subject);
    const caller = new AbortController();
    const lasting = place.order("sleep", ["60"], { signal: caller.signal });
    const first = await place.confinement.start(lasting);
    const second = await place.confinement.start(place.order("sleep", ["60"]));
    caller.abort(new ChildFault("enough"));
    assert.equal((await first.exited).endedBy, "caller");
    await assert.rejects(place.confinement.start(lasting), /enough/);
    await place.confinement.endAll("halt");
    assert.equal((await second.exited).endedBy, "caller");
    assert.equal((await place.run("true")).exitCode, 0);
  });

  test(named("nothing is started in what is no folder, a link, the machine itself or the hub's own"), async () => {
    await using place = openPlace(subject);
    symlinkSync(place.outside, join(place.folder, "link"));
    const refused = async (path: string, pattern: RegExp, more: Partial<ChildOrder> = {}): Promise<void> =>
      assert.rejects(
        place.confinement.start(place.order("true", [], { folders: [{ path, mode: "read" }], cwd: path, ...more })),
        (error: unknown) => error instanceof ChildFault && pattern.test(error.message),
      );
    const writing = (path: string) => ({ folders: [{ path, mode: "write" as const }] });
    await refused(join(place.folder, "none"), /is no folder/);
    await refused(join(place.folder, "link"), /leads to .*outside/);
    await refused("/", /the machine itself/);
    await refused("/proc/self", /the machine itself/);
    await refused(place.state, /belongs to the hub/);
    await refused(place.home, /holds .*state, which belongs to the hub/, writing(place.home));
    await refused(place.outside, /holds .*note\.txt, which belongs to the hub/, writing(place.outside));
    await refused("granted", /no absolute path/);
    await refused(place.folder, /in none of the folders/, { cwd: place.outside });
  });

  if (subject.confinesFiles) confinedSuite(subject, named);
}

function confinedSuite(subject: ConfineSubject, named: (what: string) => string): void {
  test(named("it sees its folders and the system's programs, and no other file"), async () => {
    await using place = openPlace(subject);
    const read = (path: string) => place.run("cat", [path]);
    for (const path of [
      join(place.outside, "note.txt"),
      "/etc/shadow",
      "/root/.profile",
      join(process.cwd(), "package.json"),
    ])
      assert.match((await read(path)).err, /No such file/, path);
    // A folder around the hub's own can be read, with that covered.
    const around = { folders: [{ path: place.home, mode: "read" as const }], cwd: place.home };
    assert.equal((await place.run("ls", ["-A", place.home, place.state], around)).out.includes("token"), false);
    assert.match((await place.run("cat", [join(place.state, "token")], around)).err, /No such file/);
    assert.equal((await place.run("cat", [join(place.outside, "note.txt")], around)).out, "outside");
    const seen = (await place.run("ls", ["/", "/home", "/root", "/etc"])).out;
    assert.equal(/work|home:|root:/.test(seen), false, seen);
    assert.match((await place.run("sh", ["-c", "cat /etc/passwd; id -un"])).out, /^\w+:x:\d+:/);
  });

  test(named("it writes where it may write, and nowhere else"), async () => {
    await using place = openPlace(subject);
    const write = (path: string, mode: "read" | "write") =>
      place.run("sh", ["-c", 'echo changed > "$1"', "sh", path], { folders: [{ path: place.folder, mode }] });
    assert.equal((await write(join(place.folder, "a"), "write")).exitCode, 0);
    assert.equal(readFileSync(join(place.folder, "a"), "utf8"), "changed\n");
    assert.match((await write(join(place.folder, "b"), "read")).err, /Read-only file system/);
    for (const path of ["/usr/bin/a", "/etc/a", "/a", "/dev/a"])
      assert.match((await write(path, "write")).err, /Read-only file system/, path);
    // Also for a hub that runs as root, whose children have its number, if not its rights.
    assert.match((await place.run("sh", ["-c", "cat /proc/mounts"])).out, /^proc \/proc proc ro,/m);
    // What it keeps for itself ends with it.
    assert.equal((await write("/tmp/a", "write")).exitCode, 0);
    assert.match((await place.run("cat", ["/tmp/a"])).err, /No such file/);
  });

  test(named("it sees no process but its own, and leaves none behind"), async () => {
    await using place = openPlace(subject);
    assert.equal((await place.run("sh", ["-c", `kill -0 ${process.pid}`])).exitCode, 1);
    const child = await place.confinement.start(
      place.order("sh", ["-c", "setsid sleep 61 & setsid sh -c 'sleep 61' & sleep 0.2; echo ready; sleep 61"]),
    );
    const read = child.stdout[Symbol.asyncIterator]();
    await read.next();
    child.end();
    assert.equal((await child.exited).endedBy, "caller");
    // Pipes end when nobody holds them any more.
    assert.equal((await read.next()).done, true);
  });
}
