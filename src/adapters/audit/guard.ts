/** What the audit log is held against: the last row that is known to have been written, in this process or before. */
import type { AuditEntry } from "../../domains/audit/port.ts";
import type { ChainHead } from "./chain.ts";

/** Rows that were written once, and were not there when the file was opened. */
interface Missing {
  readonly afterSeq: number;
  readonly lastSeq: number;
}

export class Guard {
  #known: ChainHead | null;
  #missing: Missing | null = null;
  #isToTell = false;

  constructor(known: ChainHead | null) {
    this.#known = known;
  }

  /** Where the chain goes on: a position is never used twice, so rows that are gone leave a gap that stays. */
  goOnFrom(found: ChainHead): ChainHead {
    const known = this.#known;
    if (known === null || found.seq > known.seq || (found.seq === known.seq && found.hash === known.hash)) return found;
    this.#missing = { afterSeq: Math.min(found.seq, known.seq - 1), lastSeq: known.seq };
    this.#isToTell = true;
    return known;
  }

  learn(head: ChainHead): void {
    this.#known = head;
  }

  get known(): ChainHead | null {
    return this.#known;
  }

  /** Lasts as long as the process; the gap in the chain lasts longer. */
  get problem(): string | null {
    return this.#missing === null ? null : missingText(this.#missing);
  }

  /** The row that says so, until it is written. */
  entry(timeMs: number): AuditEntry | null {
    if (!this.#isToTell || this.#missing === null) return null;
    const { operation, outcome } = { operation: "audit.append", outcome: "lost" } as const;
    return { timeMs, caller: "system:hub", operation, outcome, why: missingText(this.#missing) };
  }

  told(): void {
    this.#isToTell = false;
  }
}

const missingText = ({ afterSeq, lastSeq }: Missing): string =>
  `the log was moved, cut or changed: what was written after row ${afterSeq}, up to row ${lastSeq}, is not here`;
