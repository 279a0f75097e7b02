/**
 * The last row of the audit log, kept in a file beside it: a log that was cut or removed while no hub ran is told by it.
 * It is written a moment behind the rows, so that a power cut, which may take the newest ones, is not taken for a thief.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../kernel/ports.ts";
import type { Codec, StateFiles } from "../files/state-file.ts";
import type { Sealer } from "../sealed-state/sealer.ts";
import { places, sealedCodec } from "../sealed-state/sealed-text.ts";
import type { ChainHead } from "./chain.ts";

export interface AuditAnchor extends AsyncDisposable {
  /** Null before the first hub that kept one. */
  readonly known: ChainHead | null;
  follow(head: () => ChainHead | null): void;
  /** A row was written. */
  moved(): void;
}

/** Rows of so long may go unnoticed by a hub that was killed; their sync takes far less. */
const saveMs = 1000;
const anchorPath = (stateDir: string): string => join(stateDir, "audit-head.json");

const headCodec: Codec<ChainHead> = {
  parse(bytes) {
    try {
      const { seq, hash } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<ChainHead>;
      const isHead = Number.isSafeInteger(seq) && typeof hash === "string" && /^[0-9a-f]{64}$/u.test(hash);
      return isHead ? { seq: seq ?? 0, hash } : null;
    } catch {
      return null;
    }
  },
  format: ({ seq, hash }) => new TextEncoder().encode(`${JSON.stringify({ seq, hash })}\n`),
};

export interface AnchorOptions {
  readonly stateDir: string;
  readonly files: StateFiles;
  readonly clock: Pick<Clock, "after">;
  readonly onFault: (error: unknown) => void;
  readonly sealer?: Sealer | null;
}

export async function openAuditAnchor(options: AnchorOptions): Promise<AuditAnchor> {
  const { stateDir, files, clock, onFault, sealer = null } = options;
  const file = files.open({ path: anchorPath(stateDir), codec: sealedCodec(headCodec, sealer, places.auditHead) });
  const known = await file.read();
  let saved = known;
  let headOf: () => ChainHead | null = () => null;
  let stop: (() => void) | null = null;
  let saving: Promise<void> = Promise.resolve();
  const isNews = ({ seq, hash }: ChainHead): boolean => seq > 0 && hash !== saved?.hash;
  const save = async (head: ChainHead | null): Promise<void> => {
    if (head === null || !isNews(head)) return;
    try {
      await file.write({ seq: head.seq, hash: head.hash });
      saved = head;
    } catch (error) {
      // The log itself is as good as it was; the next row tries again, and so does the end.
      onFault(error);
    }
  };
  /** One timer at most, and none while nothing is written: a row gets this long to reach the disk before it is vouched for. */
  const moved = (): void => {
    const head = headOf();
    if (stop !== null || head === null || !isNews(head)) return;
    stop = clock.after(saveMs, () => {
      stop = null;
      saving = saving.then(() => save(head));
      // What came meanwhile has its turn, however fast rows come.
      if (headOf()?.hash !== head.hash) moved();
    });
  };
  return {
    known,
    follow(head) {
      headOf = head;
      moved();
    },
    moved,
    async [Symbol.asyncDispose]() {
      stop?.();
      await saving;
      await save(headOf());
    },
  };
}

/** For whoever looks from outside, and changes nothing. Null when there is none that can be read. */
export async function readAuditAnchor(stateDir: string, sealer: Sealer | null = null): Promise<ChainHead | null> {
  const bytes = await readFile(anchorPath(stateDir)).catch(() => null);
  return bytes === null ? null : sealedCodec(headCodec, sealer, places.auditHead).parse(bytes);
}
