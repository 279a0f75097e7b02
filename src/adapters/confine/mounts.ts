/** What a confined child sees of the disk, as arguments for bubblewrap. Whatever is not named here is not there. */
import { lstat, readlink } from "node:fs/promises";
import type { ChildOrder } from "../../domains/shell/port.ts";
import { confinedHome } from "./environment.ts";
import { isWithin, type Own } from "./order-folders.ts";

export interface Mount {
  readonly at: string;
  readonly args: readonly string[];
}

/** Programs and their libraries, to be read. On most systems all but the first are links into it. */
const programFolders = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/** What programs need to find libraries, certificates and the time. No accounts, no hosts, no keys. */
const settings = [
  "/etc/alternatives",
  "/etc/ca-certificates/extracted",
  "/etc/crypto-policies",
  "/etc/ld.so.cache",
  "/etc/localtime",
  "/etc/mime.types",
  "/etc/pki/ca-trust/extracted",
  "/etc/pki/tls/cert.pem",
  "/etc/pki/tls/certs",
  "/etc/protocols",
  "/etc/services",
  "/etc/ssl/cert.pem",
  "/etc/ssl/certs",
  "/etc/ssl/openssl.cnf",
];
/** In memory, which is the machine's: as much as a build writes into `/tmp`, and not enough to stop anything else. */
const scratchBytesMax = 512_000_000;
const homeBytesMax = 128_000_000;
const sharedMemoryBytesMax = 64_000_000;
/** Holds the names of what lies in it, and nothing that a child writes. */
const runBytesMax = 65_536;

const scratch = (at: string, bytesMax: number): Mount => ({ at, args: ["--size", String(bytesMax), "--tmpfs", at] });
const readOnly = (source: string, at = source): Mount => ({ at, args: ["--ro-bind", source, at] });

export const insideNode = "/run/arw/node";
export const insideSocket = "/run/arw/proxy";

export async function systemMounts(nodePath: string): Promise<readonly Mount[]> {
  const programs = await Promise.all(programFolders.map((path) => asItLies(path)));
  return [
    ...programs.filter((mount) => mount !== null),
    ...settings.map((path) => ({ at: path, args: ["--ro-bind-try", path, path] })),
    { at: "/proc", args: ["--proc", "/proc"] },
    { at: "/dev", args: ["--dev", "/dev"] },
    scratch("/dev/shm", sharedMemoryBytesMax),
    scratch("/tmp", scratchBytesMax),
    scratch("/run", runBytesMax),
    scratch(confinedHome, homeBytesMax),
    readOnly(nodePath, insideNode),
  ];
}

async function asItLies(path: string): Promise<Mount | null> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return null;
  if (found.isSymbolicLink()) return { at: path, args: ["--symlink", await readlink(path), path] };
  return readOnly(path);
}

/** The folders of an order, with the folders of the hub in them covered. */
export function orderMounts(
  { folders, network }: Pick<ChildOrder, "folders" | "network">,
  owned: readonly Own[],
): readonly Mount[] {
  const socketPath = network.kind === "proxy" ? network.socketPath : null;
  const covered = owned.filter((own) => own.isFolder && folders.some((folder) => isWithin(own.path, folder.path)));
  return [
    ...folders.map(({ path, mode }) => ({ at: path, args: [mode === "read" ? "--ro-bind" : "--bind", path, path] })),
    ...covered.map(({ path }) => ({ at: path, args: ["--tmpfs", path, "--remount-ro", path] })),
    ...(socketPath === null ? [] : [readOnly(socketPath, insideSocket)]),
  ];
}

/** The outer before the inner, so that each lies on top of what it is in; of two at one place the later counts. */
export const inOrder = (mounts: readonly Mount[]): readonly string[] =>
  mounts.toSorted((a, b) => depthOf(a.at) - depthOf(b.at)).flatMap(({ args }) => args);

const depthOf = (path: string): number => path.split("/").filter((part) => part !== "").length;
