/** Tells a client that a call still waits: first soon, and then now and then, as most start their timeout anew with each word. */

export interface Timer {
  after(delayMs: number, run: () => void): () => void;
}

const firstMs = 3_000;
const everyMs = 10_000;

/** Ends with the function that it answers. */
export function tellNowAndThen({ after }: Timer, tell: () => void): () => void {
  const again = (): void => {
    tell();
    stop = after(everyMs, again);
  };
  let stop = after(firstMs, again);
  return () => stop();
}
