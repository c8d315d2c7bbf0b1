// How the console keeps what it asked for: briefly, in memory, and never asking on its own while nobody is there. Each request counts as use
// of the session, and a screen that asked by itself would keep a session open at a desk that somebody left.
import { QueryClient, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { api, body } from "./client";
import { ProblemError } from "./problem";
import type { paths } from "./schema";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      gcTime: 60_000,
      refetchOnWindowFocus: false,
      // What was refused is refused again; what failed on its way may come.
      retry: (failures, error) => !(error instanceof ProblemError && error.status < 500) && failures < 2,
    },
  },
});

/** Somebody is there who touched the page within this time, in milliseconds. */
const PRESENT_MS = 60_000;

let touched_ms = Date.now();
let present = true;
const listeners = new Set<() => void>();

function look(): void {
  const now = !document.hidden && Date.now() - touched_ms < PRESENT_MS;
  if (now === present) return;
  present = now;
  for (const listener of listeners) listener();
}

for (const event of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const) {
  window.addEventListener(
    event,
    () => {
      touched_ms = Date.now();
      look();
    },
    { passive: true },
  );
}
document.addEventListener("visibilitychange", look);
window.setInterval(look, 5_000);

/** Whether somebody sits there. */
function usePresence(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => present,
  );
}

/** How often to ask anew: not at all while nobody is there. */
export function useInterval(milliseconds: number): number | false {
  return usePresence() ? milliseconds : false;
}

/** Whose session this is, and what its role may do at all. */
export function useMe(): UseQueryResult<Me> {
  return useQuery({
    queryKey: ["me"],
    queryFn: () => body<Me>(api.GET("/api/v1/me")),
    staleTime: Infinity,
    gcTime: Infinity,
  });
}

/** As `GET /api/v1/me` tells it. */
export type Me = paths["/api/v1/me"]["get"]["responses"][200]["content"]["application/json"];
