/**
 * The keyboard of the whole page. Single keys act only outside fields; what they act on is the focused thing, an element with
 * `data-thing`, whose buttons say with `data-hotkey` which key presses them. So every key has a button, and none acts on
 * something that is out of sight.
 */
import { type RoomPath, rooms } from "../shell/rooms.ts";
import { useView } from "../shell/view-state.ts";
import { roomKey } from "./room-keys.ts";

export interface GlobalKeyActions {
  readonly go: (room: RoomPath) => void;
}

const roomByKey: ReadonlyMap<string, RoomPath> = new Map(
  rooms.map(({ keys, to }) => [keys.slice(keys.indexOf(" ") + 1), to]),
);
/** Two keys belong together when the second follows within this time. */
const sequenceMs = 1_500;
/** Keys that press a button of the focused thing. */
const thingKeys = new Set(["a", "d", "w", "e", "."]);

export function listenToKeys(actions: GlobalKeyActions): () => void {
  let prefixAtMs = Number.NEGATIVE_INFINITY;
  const onKey = (event: KeyboardEvent): void => {
    const view = useView.getState();
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k")
      return take(event, () => view.set({ isPaletteOpen: !view.isPaletteOpen, isHelpOpen: false }));
    if (event.key === "F6") return take(event, () => moveRegion(event.shiftKey ? -1 : 1));
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isLayerOpen()) return;
    if (event.key === "Escape") return isField(event.target) ? leaveField(event) : backOut();
    if (isField(event.target) || !view.hasSingleKeys) return;
    const isSecond = event.timeStamp - prefixAtMs < sequenceMs;
    prefixAtMs = Number.NEGATIVE_INFINITY;
    const room = isSecond ? roomByKey.get(event.key) : undefined;
    if (room) return take(event, () => actions.go(room));
    if (event.key === "g") prefixAtMs = event.timeStamp;
    const action = singleKey(event);
    if (action) take(event, action);
  };
  const onFocus = (event: FocusEvent): void => {
    const episode = (event.target as Element | null)?.closest?.<HTMLElement>("[data-episode]")?.dataset["episode"];
    if (episode && useView.getState().focusedEpisode !== episode) useView.getState().set({ focusedEpisode: episode });
  };
  addEventListener("keydown", onKey);
  addEventListener("focusin", onFocus);
  return () => {
    removeEventListener("keydown", onKey);
    removeEventListener("focusin", onFocus);
  };
}

function take(event: KeyboardEvent, action: () => void): void {
  event.preventDefault();
  action();
}

function singleKey({ key, shiftKey }: KeyboardEvent): (() => void) | undefined {
  const { set, isRailFolded, isSidecarOpen } = useView.getState();
  // Of a letter, Shift is in the key itself; of an arrow it is not.
  const inRoom = roomKey(shiftKey && key.length > 1 ? `Shift+${key}` : key);
  if (inRoom) return inRoom;
  if (key === "?") return () => set({ isHelpOpen: true });
  if (key === "/") return focusFilter;
  if (key === "[") return () => set({ isRailFolded: !isRailFolded });
  if (key === "]") return () => set({ isSidecarOpen: !isSidecarOpen });
  if (key === "j") return () => moveThing(1);
  if (key === "k") return () => moveThing(-1);
  const thing = focusedThing();
  if (!thing) return undefined;
  if (key === "c") return () => copyId(thing);
  if (key === "Enter" && document.activeElement === thing) return press(thing, "Enter") ?? press(thing, "e");
  return thingKeys.has(key) ? press(thing, key) : undefined;
}

const focusedThing = (): HTMLElement | null => document.activeElement?.closest<HTMLElement>("[data-thing]") ?? null;

/** The thing's own button first; an approval inside a line of a story is a thing of its own. */
function press(thing: HTMLElement, key: string): (() => void) | undefined {
  const button = [...thing.querySelectorAll<HTMLElement>(`[data-hotkey="${key}"]`)].find(
    (candidate) => candidate.closest("[data-thing]") === thing,
  );
  return button && (() => button.click());
}

function copyId(thing: HTMLElement): void {
  const id = thing.dataset["copy"] ?? thing.dataset["episode"] ?? "";
  if (id !== "") void navigator.clipboard?.writeText(id).catch(() => {});
}

function moveThing(step: 1 | -1): void {
  const stream = document.querySelector<HTMLElement>("main [data-stream]");
  const things = [...document.querySelectorAll<HTMLElement>("main [data-thing]")];
  const here = things.indexOf(focusedThing() ?? document.body);
  const next = here < 0 ? (step > 0 ? things[0] : things.at(-1)) : things[here + step];
  // A stream moves its own rows: it knows those that are not in the page.
  (stream && here < 0 ? (things.at(-1) ?? stream) : next)?.focus();
}

function focusFilter(): void {
  document.querySelector<HTMLElement>("main [data-filter]")?.focus();
}

/** Some browsers would empty a search field by the same press. */
function leaveField(event: KeyboardEvent): void {
  const main = (event.target as HTMLElement).closest("main");
  if (main) take(event, () => main.focus());
}

/** Field, then detail, then nothing: one layer for each press. */
function backOut(): void {
  const close = document.querySelector<HTMLElement>("main [data-layer] [data-close]");
  if (close) return close.click();
  if (innerWidth < 1280) useView.getState().set({ isSidecarOpen: false });
}

function moveRegion(step: 1 | -1): void {
  const regions = [...document.querySelectorAll<HTMLElement>("[data-region]")].filter(
    (region) => region.offsetParent !== null || region.getClientRects().length > 0,
  );
  const here = regions.findIndex((region) => region.contains(document.activeElement));
  regions[(here + step + regions.length) % regions.length]?.focus();
}

const isLayerOpen = (): boolean => document.querySelector("dialog[open]") !== null;

function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button"].includes(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
