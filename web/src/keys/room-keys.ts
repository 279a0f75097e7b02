/** Keys that one room adds to the general ones while it is on screen. */
import { useLayoutEffect, useRef } from "react";

type RoomKeys = Readonly<Record<string, () => void>>;

const stack: { readonly current: RoomKeys }[] = [];

export function useRoomKeys(keys: RoomKeys): void {
  const latest = useRef(keys);
  // A key that is pressed as soon as the room can be seen is meant for it.
  useLayoutEffect(() => {
    latest.current = keys;
  });
  useLayoutEffect(() => {
    stack.push(latest);
    return () => void stack.splice(stack.indexOf(latest), 1);
  }, []);
}

/** What a key does in this room, if anything. */
export const roomKey = (key: string): (() => void) | undefined =>
  stack.findLast((entry) => Object.hasOwn(entry.current, key))?.current[key];
