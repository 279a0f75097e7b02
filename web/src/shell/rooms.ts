/** The rooms that are built. What is not here is listed nowhere. */
import {
  ActivityIcon,
  ArchiveIcon,
  HouseIcon,
  type LucideIcon,
  MessageCircleIcon,
  PlugIcon,
  RouteIcon,
  ScaleIcon,
} from "lucide-react";
import type { MessageKey } from "../text/messages.ts";

export type RoomPath = "/" | "/chat" | "/episodes" | "/events" | "/capsules" | "/policy" | "/connections";

export interface Room {
  readonly to: RoomPath;
  readonly group: "work" | "know" | "steer" | "system";
  readonly name: MessageKey;
  readonly keys: string;
  readonly Icon: LucideIcon;
}

export const rooms: readonly Room[] = [
  { to: "/", group: "work", name: "shell.room.home", keys: "g h", Icon: HouseIcon },
  { to: "/chat", group: "work", name: "shell.room.chat", keys: "g c", Icon: MessageCircleIcon },
  { to: "/episodes", group: "work", name: "shell.room.episodes", keys: "g e", Icon: RouteIcon },
  { to: "/events", group: "work", name: "shell.room.events", keys: "g v", Icon: ActivityIcon },
  { to: "/capsules", group: "know", name: "shell.room.capsules", keys: "g k", Icon: ArchiveIcon },
  { to: "/policy", group: "steer", name: "shell.room.policy", keys: "g y", Icon: ScaleIcon },
  { to: "/connections", group: "system", name: "shell.room.connections", keys: "g n", Icon: PlugIcon },
];
