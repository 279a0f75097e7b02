/** Bytes of a child on their way out: each piece waits until whoever counts them lets it go. */
import { Transform, type TransformCallback } from "node:stream";
import { type ProxyPass, WireFault } from "../../domains/egress/port.ts";

type Sends = ProxyPass["sends"];

export async function count(sends: Sends, bytes: number): Promise<void> {
  try {
    await sends(bytes);
  } catch (error) {
    throw new WireFault("ended", error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Fails with `WireFault`; the piece that was too much then stays here. */
export const createCounted = (sends: Sends, frameBytes = 0): Transform =>
  new Transform({
    transform: (piece: Buffer, _encoding, done) =>
      void pass(piece, done, () => count(sends, piece.byteLength + frameBytes)),
  });

async function pass(piece: Buffer, done: TransformCallback, counted: () => Promise<void>): Promise<void> {
  try {
    await counted();
  } catch (error) {
    done(error as WireFault);
    return;
  }
  done(null, piece);
}
