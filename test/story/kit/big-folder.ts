/** Fills a folder with many files of plausible notes, quickly: words from a small list, the same for the same seed. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const words =
  "harvest bed compost water seed tomato slug fence shed meeting grant letter spring autumn plan repair north tool rain soil leaf frost market budget volunteer school path bench gate map report number result".split(
    " ",
  );
const linesPerParagraph = 4;
const foldersPerLevel = 50;

/** About `sizeBytes` in `count` files of mixed kinds and sizes; answers the bytes written. */
export async function fillFolder(
  root: string,
  { count, sizeBytes }: { readonly count: number; readonly sizeBytes: number },
): Promise<number> {
  const next = generator(7);
  const average = sizeBytes / count;
  let written = 0;
  for (let index = 0; index < count; index += 1) {
    const folder = join(root, `area-${index % foldersPerLevel}`, `topic-${Math.floor(index / foldersPerLevel) % 20}`);
    await mkdir(folder, { recursive: true });
    // One file in ten is ten times as large as the others, as in real folders.
    const size = index % 10 === 0 ? average * 5.5 : average * 0.5;
    const text = note(index, size, next);
    written += Buffer.byteLength(text);
    await writeFile(
      join(folder, `${index % 7 === 0 ? "log" : "note"}-${index}.${index % 7 === 0 ? "txt" : "md"}`),
      text,
    );
  }
  return written;
}

function note(index: number, size: number, next: () => number): string {
  const parts = [
    `# Note ${index}\n\n- [ ] Check bed ${index}\n\nIs bed ${index} dry? The answer is due by 3 March 2031.\n`,
  ];
  let length = parts[0]?.length ?? 0;
  const paragraphs = Array.from({ length: 8 }, () => paragraph(next));
  while (length < size) {
    const text = paragraphs[next() % paragraphs.length] ?? "";
    parts.push(text);
    length += text.length;
  }
  return parts.join("\n");
}

function paragraph(next: () => number): string {
  const lines = Array.from({ length: linesPerParagraph }, () => {
    const chosen = Array.from({ length: 8 + (next() % 10) }, () => words[next() % words.length] ?? "");
    return `The ${chosen.join(" ")} was noted on page ${next() % 1000}.`;
  });
  return `${lines.join("\n")}\n`;
}

/** A linear congruential generator: chance is not needed, only variety. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}
