/** Commands as a person types them in a shell of their own: each is waited for within a bound, and ended with it. */
import { join } from "node:path";
import { programFlags } from "../../../bin/program-flags.mjs";
import { type Exit, launchProcess, programRoot } from "./hub-process.ts";
import { until } from "./until.ts";

const cliMain = join(programRoot, "src", "app", "cli.ts");
/** Far above any command on a busy machine; one that needs longer hangs. */
const commandMsMax = 90_000;

/** A room, a hub, or both in parts: whose hub is meant, and the folder to be in. */
interface Shell {
  readonly stateDir: string;
  readonly path?: string;
}

interface Typed {
  readonly env?: Readonly<Record<string, string>>;
  /** Without it the command has no input at all. */
  readonly input?: string;
}

export async function runArw(words: readonly string[], { stateDir, path }: Shell, typed: Typed = {}): Promise<Exit> {
  const child = launchProcess([...programFlags, cliMain, ...words], {
    ...typed,
    env: { ARW_STATE_DIR: stateDir, ...typed.env },
    ...(path === undefined ? {} : { cwd: path }),
  });
  try {
    return await until(`arw ${words.join(" ")}`, () => child.ended() ?? undefined, commandMsMax);
  } finally {
    if (child.ended() === null) child.process.kill("SIGKILL");
  }
}
