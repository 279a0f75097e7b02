/** What this browser remembers of how the shell looks. Never a token, never content. */
import { create } from "zustand";

export const themes = ["system", "light", "dark"] as const;
export const densities = ["compact", "regular", "roomy"] as const;
export type Theme = (typeof themes)[number];
export type Density = (typeof densities)[number];

interface Remembered {
  readonly theme: Theme;
  readonly density: Density;
  readonly hasSingleKeys: boolean;
  readonly isRailFolded: boolean;
  readonly isGuideShown: boolean;
}

export interface ViewState extends Remembered {
  readonly isSidecarOpen: boolean;
  readonly isPaletteOpen: boolean;
  readonly isHelpOpen: boolean;
  /** Asked whether everything is to be stopped. */
  readonly isStopAsked: boolean;
  /** The episode that the sidecar shows. */
  readonly focusedEpisode: string | null;
  /** The hub asked for a sign-in. */
  readonly isLocked: boolean;
  readonly set: (change: Partial<Omit<ViewState, "set">>) => void;
}

const storageKey = "arw.view";
const defaults: Remembered = {
  theme: "system",
  density: "regular",
  hasSingleKeys: true,
  isRailFolded: false,
  isGuideShown: true,
};

function remembered(): Remembered {
  try {
    const stored = JSON.parse(localStorage.getItem(storageKey) ?? "{}") as Partial<Remembered>;
    return {
      theme: themes.find((theme) => theme === stored.theme) ?? defaults.theme,
      density: densities.find((density) => density === stored.density) ?? defaults.density,
      hasSingleKeys: stored.hasSingleKeys !== false,
      isRailFolded: stored.isRailFolded === true,
      isGuideShown: stored.isGuideShown !== false,
    };
  } catch {
    return defaults;
  }
}

function remember({ theme, density, hasSingleKeys, isRailFolded, isGuideShown }: Remembered): void {
  try {
    localStorage.setItem(storageKey, JSON.stringify({ theme, density, hasSingleKeys, isRailFolded, isGuideShown }));
  } catch {
    // Storage is off or full: the choice lasts for this page, which is all that is lost.
  }
}

/** Below this width the sidecar lies over the canvas, so it starts closed. */
const sidecarWidthMin = 1280;

export const useView = create<ViewState>()((set, get) => ({
  ...(typeof localStorage === "undefined" ? defaults : remembered()),
  isSidecarOpen: typeof innerWidth === "undefined" || innerWidth >= sidecarWidthMin,
  isPaletteOpen: false,
  isHelpOpen: false,
  isStopAsked: false,
  focusedEpisode: null,
  isLocked: false,
  set(change) {
    set(change);
    remember(get());
  },
}));

/** The theme that is on screen. */
export const shownTheme = (theme: Theme): "light" | "dark" =>
  theme === "system" ? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light") : theme;

/** Writes theme and density to the document and keeps them there. */
export function applyLook(): void {
  const apply = (): void => {
    const { theme, density } = useView.getState();
    document.documentElement.dataset["theme"] = shownTheme(theme);
    document.documentElement.dataset["density"] = density;
  };
  apply();
  useView.subscribe(apply);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  // A window that is made narrow must not end up under the sidecar.
  matchMedia(`(min-width: ${sidecarWidthMin}px)`).addEventListener("change", ({ matches }) => {
    if (!matches) useView.getState().set({ isSidecarOpen: false });
  });
}
