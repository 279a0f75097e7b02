import "./tokens.css";
import "./base.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { api } from "./api.ts";
import { connectHub } from "./hub.ts";
import { HubContext } from "./hub-context.ts";
import { basepath, createAppRouter } from "./router.tsx";
import { applyLook, useView } from "./shell/view-state.ts";
import { takeCode } from "./sign-in-link.ts";

async function start(): Promise<void> {
  applyLook();
  const wasLinkRefused = await redeem(takeCode(location, history));
  if (!location.pathname.startsWith(basepath)) history.replaceState(null, "", basepath);
  const hub = connectHub();
  const router = createAppRouter({ wasLinkRefused });
  const element = document.getElementById("root");
  if (!element) return;
  createRoot(element).render(
    <StrictMode>
      <HubContext value={hub}>
        <QueryClientProvider client={hub.client}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </HubContext>
    </StrictMode>,
  );
}

/** Swaps a sign-in code for the cookie. True when it was refused, and this browser has no older sign-in to go on with. */
async function redeem(code: string | null): Promise<boolean> {
  if (code === null) return false;
  const isIn = await api.signIn({ code }).then(
    () => true,
    () =>
      api.whoami().then(
        () => true,
        () => false,
      ),
  );
  if (!isIn) useView.getState().set({ isLocked: true });
  return !isIn;
}

void start();
