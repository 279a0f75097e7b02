/** The rooms that are built. What is not here is listed nowhere. */
import { ActivityIcon, HouseIcon, type LucideIcon, RouteIcon } from "lucide-react";
import type { MessageKey } from "../text/messages.ts";

export interface Room {
  readonly to: "/" | "/episodes" | "/events";
  readonly name: MessageKey;
  readonly keys: string;
  readonly Icon: LucideIcon;
}

export const rooms: readonly Room[] = [
  { to: "/", name: "shell.room.home", keys: "g h", Icon: HouseIcon },
  { to: "/episodes", name: "shell.room.episodes", keys: "g e", Icon: RouteIcon },
  { to: "/events", name: "shell.room.events", keys: "g v", Icon: ActivityIcon },
];
