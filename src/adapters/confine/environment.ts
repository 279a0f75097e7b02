/** The variables that a child gets without asking. Of the hub's own it sees these names and no others. */
import { tmpdir } from "node:os";

export type Ambient = Readonly<Record<string, string | undefined>>;

const languageDefault = "C.UTF-8";

/** Of a child that runs as its user does. Windows finds neither its own libraries nor programs without the last ones. */
export const plainEnvironment = (ambient: Ambient): Record<string, string> => ({
  ...Object.fromEntries(
    ["PATH", "HOME", "USERPROFILE", "SystemRoot", "PATHEXT"].flatMap((name) => {
      const value = ambient[name];
      return value === undefined ? [] : [[name, value]];
    }),
  ),
  LANG: ambient["LANG"] ?? languageDefault,
  TMPDIR: tmpdir(),
});

/** The home of a confined child; empty at first, and gone with it. */
export const confinedHome = "/run/arw/home";

export const confinedEnvironment = (ambient: Ambient): Record<string, string> => ({
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: confinedHome,
  LANG: ambient["LANG"] ?? languageDefault,
  TMPDIR: "/tmp",
});
