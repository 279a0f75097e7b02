import { useView } from "../../shell/view-state.ts";

/** The height of a row in pixels, as the tokens have it now. */
export function useRowHeight(): number {
  const density = useView((view) => view.density);
  const token = getComputedStyle(document.documentElement).getPropertyValue("--row-h");
  const fallback = { compact: 24, regular: 28, roomy: 40 }[density];
  return Number.parseFloat(token) || fallback;
}
