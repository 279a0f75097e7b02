import type { FileOutline } from "../../text/contract.ts";
import type { Place, Quote } from "./findings.ts";
import { comparePlace, createRanking, depthOf } from "./ranking.ts";

/** Candidates compared with each other at the end; the comparison is quadratic in this number and in nothing else. */
const candidatesMax = 300;
const perFileMax = 2;
/** Two sentences this alike say the same. */
const sameLikeness = 0.55;

export type KeySentences = { add(path: string, outline: FileOutline): void; best(limit: number): Quote[] };

type Candidate = {
  readonly text: string;
  readonly place: Place;
  readonly terms: readonly string[];
  readonly worth: number;
};

/**
 * The most central sentences of a folder in two steps: every file offers its own, and the best of those are weighed by
 * what they share with the others. Long files and files near the top of the folder have more say.
 */
export function createKeySentences(): KeySentences {
  const candidates = createRanking<Candidate>(
    candidatesMax,
    (a, b) => b.worth - a.worth || comparePlace(a.place, b.place),
  );
  return {
    add(path, outline) {
      const say = Math.log2(2 + outline.wordCount) / (1 + depthOf(path) * 0.2);
      // What is told as a date is not told again.
      const dates = new Set(outline.dates.map((date) => date.text));
      for (const { text, line, terms, weight } of outline.sentences) {
        if (dates.has(text)) continue;
        candidates.offer({ text, terms, place: { path, line }, worth: weight * say });
      }
    },
    best: (limit) => chooseDiverse(ranked(withoutRepeats(candidates.first())), limit),
  };
}

type Merged = Candidate & { readonly places: Place[] };

function withoutRepeats(candidates: readonly Candidate[]): Merged[] {
  const byText = new Map<string, Merged>();
  for (const candidate of candidates.toSorted((a, b) => comparePlace(a.place, b.place))) {
    const known = byText.get(candidate.text);
    if (known === undefined) byText.set(candidate.text, { ...candidate, places: [candidate.place] });
    else known.places.push(candidate.place);
  }
  return [...byText.values()];
}

/** Most central first. A term found in few sentences binds them more than one found in most. */
function ranked(candidates: readonly Merged[]): Merged[] {
  const uses = new Map<string, number>();
  for (const { terms } of candidates) for (const term of new Set(terms)) uses.set(term, (uses.get(term) ?? 0) + 1);
  const rarity = (term: string): number => Math.log(1 + candidates.length / (uses.get(term) ?? 1));
  const scored = candidates.map((candidate) => {
    let votes = 0;
    for (const other of candidates) {
      if (other === candidate) continue;
      const likeness = weightedLikeness(candidate.terms, other.terms, rarity);
      // Drafts and copies of a sentence must not vote each other up.
      if (likeness < sameLikeness) votes += likeness;
    }
    return { candidate, score: (votes + 0.1) * candidate.worth };
  });
  return scored
    .toSorted((a, b) => b.score - a.score || comparePlace(a.candidate.place, b.candidate.place))
    .map(({ candidate }) => candidate);
}

function chooseDiverse(candidates: readonly Merged[], limit: number): Quote[] {
  const chosen: Merged[] = [];
  const perFile = new Map<string, number>();
  for (const candidate of candidates) {
    if (chosen.length === limit) break;
    const { path } = candidate.place;
    if ((perFile.get(path) ?? 0) >= perFileMax) continue;
    if (chosen.some((other) => weightedLikeness(candidate.terms, other.terms, () => 1) >= sameLikeness)) continue;
    chosen.push(candidate);
    perFile.set(path, (perFile.get(path) ?? 0) + 1);
  }
  return chosen.map(({ text, places }) => ({ text, places }));
}

/** Share of common terms, each with its weight: 0 for none, 1 for the same terms. */
function weightedLikeness(a: readonly string[], b: readonly string[], weight: (term: string) => number): number {
  const inA = new Set(a);
  let shared = 0;
  let all = 0;
  for (const term of inA) all += weight(term);
  for (const term of new Set(b)) {
    if (inA.has(term)) shared += weight(term);
    else all += weight(term);
  }
  return all === 0 ? 0 : shared / all;
}
