// How much room the window has: as narrow as a telephone, where a table shows less; or wide enough for something beside a table.
import { useSyncExternalStore } from "react";

const ROOM = "(min-width: 1280px)";

/** Whether the window is as narrow as a telephone. */
export const useNarrow = watching("(max-width: 639px)");

/** Whether there is room for something beside a table. `xl:` of the style sheet is the same. */
export const useRoom = watching(ROOM);

/** The same, at this moment. */
export function hasRoom(): boolean {
  return window.matchMedia(ROOM).matches;
}

// === helpers ===

function watching(query: string): () => boolean {
  const media = window.matchMedia(query);
  const subscribe = (listener: () => void) => {
    media.addEventListener("change", listener);
    return () => media.removeEventListener("change", listener);
  };
  return () => useSyncExternalStore(subscribe, () => media.matches);
}
