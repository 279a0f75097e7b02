/** Most folders are plain: names between single slashes, and neither `.` nor `..` among them. */
const plain = /^(?:\/(?!\.{1,2}(?:\/|$))[^\\/]+)+$/;

/**
 * One spelling of a folder, so that a rule about it is met however a call writes it. What goes up again with `..` has none: where
 * that leads, only the file system knows, as one of the names before it may be a link.
 */
export function plainFolder(folder: string): string | null {
  if (plain.test(folder)) return folder;
  if (/(^|[\\/])\.\.([\\/]|$)/.test(folder)) return null;
  const single = folder
    .replaceAll(/[\\/](\.[\\/])+/g, (all) => all.charAt(0))
    .replace(/[\\/]\.$/, (all) => all.charAt(0))
    // Two backslashes in front begin the name of another machine.
    .replaceAll(/(?<!^)([\\/])[\\/]+|^(\/)[\\/]+/g, (_all, inside?: string, front?: string) => inside ?? front ?? "");
  const isRoot = /^([\\/]|[A-Za-z]:[\\/])$/.test(single);
  return isRoot ? single : single.replace(/[\\/]$/, "");
}
