/** The variables that a child gets without asking. Of the hub's own it sees these names and no others. */
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

export type Ambient = Readonly<Record<string, string | undefined>>;

const languageDefault = "C.UTF-8";

/** Of a child that runs as its user does. Windows finds neither its own libraries nor programs without the last ones. */
export const plainEnvironment = (ambient: Ambient, programs: readonly string[]): Record<string, string> => ({
  ...Object.fromEntries(
    ["HOME", "USERPROFILE", "SystemRoot", "PATHEXT"].flatMap((name) => {
      const value = ambient[name];
      return value === undefined ? [] : [[name, value]];
    }),
  ),
  PATH: searched(programs, ambient["PATH"] ?? systemPath),
  LANG: ambient["LANG"] ?? languageDefault,
  TMPDIR: tmpdir(),
});

/** The home of a confined child; empty at first, and gone with it. */
export const confinedHome = "/run/arw/home";

export const confinedEnvironment = (ambient: Ambient, programs: readonly string[]): Record<string, string> => ({
  PATH: searched(programs, systemPath),
  HOME: confinedHome,
  LANG: ambient["LANG"] ?? languageDefault,
  TMPDIR: "/tmp",
});

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** A folder of programs has them in `bin`, or is that folder itself. */
const searched = (programs: readonly string[], rest: string): string =>
  [...programs.flatMap((path) => [join(path, "bin"), path]), rest].join(delimiter);
