/**
 * The addresses of the screens. They live below `/ui`, because the hub answers `/episodes/…` and `/events` itself: a screen's
 * address must never be an operation's.
 */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
  retainSearchParams,
} from "@tanstack/react-router";
import {
  capsuleSearch,
  chatSearch,
  connectionsSearch,
  episodeSearch,
  episodesSearch,
  eventsSearch,
  laneSearch,
  policySearch,
} from "./filters.ts";
import { HomePage } from "./rooms/home/home-page.tsx";
import { EmptyState } from "./parts/empty-state.tsx";
import { ErrorCard } from "./parts/error-card.tsx";
import { RoomHeader } from "./shell/room-header.tsx";
import { Shell } from "./shell/shell.tsx";
import { t } from "./text/messages.ts";

export const basepath = "/ui";

export function createAppRouter({ wasLinkRefused }: { readonly wasLinkRefused: boolean }) {
  const root = createRootRoute({
    component: () => <Shell wasLinkRefused={wasLinkRefused} />,
    validateSearch: laneSearch,
    search: { middlewares: [retainSearchParams(["lane"])] },
    notFoundComponent: NoRoom,
    errorComponent: ({ error, reset }) => <ErrorCard error={error} onRetry={reset} />,
  });
  const home = createRoute({ getParentRoute: () => root, path: "/", component: HomePage });
  const episodes = createRoute({
    getParentRoute: () => root,
    path: "/episodes",
    validateSearch: episodesSearch,
    component: lazyRouteComponent(() => import("./rooms/episodes/episodes-page.tsx"), "EpisodesPage"),
  });
  const episode = createRoute({
    getParentRoute: () => root,
    path: "/episodes/$id",
    validateSearch: episodeSearch,
    component: lazyRouteComponent(() => import("./rooms/episodes/episode-page.tsx"), "EpisodePage"),
  });
  const events = createRoute({
    getParentRoute: () => root,
    path: "/events",
    validateSearch: eventsSearch,
    component: lazyRouteComponent(() => import("./rooms/events/events-page.tsx"), "EventsPage"),
  });
  const policy = createRoute({
    getParentRoute: () => root,
    path: "/policy",
    validateSearch: policySearch,
    component: lazyRouteComponent(() => import("./rooms/policy/policy-page.tsx"), "PolicyPage"),
  });
  const chat = createRoute({
    getParentRoute: () => root,
    path: "/chat",
    validateSearch: chatSearch,
    component: lazyRouteComponent(() => import("./rooms/chat/chat-page.tsx"), "ChatPage"),
  });
  const connections = createRoute({
    getParentRoute: () => root,
    path: "/connections",
    validateSearch: connectionsSearch,
    component: lazyRouteComponent(() => import("./rooms/connections/connections-page.tsx"), "ConnectionsPage"),
  });
  const capsules = createRoute({
    getParentRoute: () => root,
    path: "/capsules",
    component: lazyRouteComponent(() => import("./rooms/capsules/capsules-page.tsx"), "CapsulesPage"),
  });
  const capsule = createRoute({
    getParentRoute: () => root,
    path: "/capsules/$id",
    validateSearch: capsuleSearch,
    component: lazyRouteComponent(() => import("./rooms/capsules/capsule-page.tsx"), "CapsulePage"),
  });
  return createRouter({
    routeTree: root.addChildren([home, episodes, episode, events, policy, chat, connections, capsules, capsule]),
    basepath,
    defaultPreload: false,
  });
}

function NoRoom() {
  return (
    <>
      <RoomHeader title={t("error.page.missing")} />
      <EmptyState line={t("error.page.missing")}>
        <Link to="/">{t("error.page.home")}</Link>
      </EmptyState>
    </>
  );
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
