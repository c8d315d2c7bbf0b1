// Which row of a table the keyboard is at. It moves at once with each key; that a row was chosen is told a moment after the last one, because
// it goes into the address, which takes its time, and because what is shown of a row is fetched, and may be an access that is recorded.
import { useEffect, useRef, useState } from "react";

/** Behind the last key, in milliseconds. */
const TOLD_AFTER_MS = 120;

interface Cursor {
  /** The key of the row. */
  at: string | null;
  /** Goes to a row; `tell` says when somebody hears of it. */
  move(key: string, tell: "now" | "soon" | "never"): void;
}

export function useCursor(selected: string | null, onMove: (key: string) => void): Cursor {
  const [at, setAt] = useState(selected);
  const told = useRef<string[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const hear = useRef(onMove);
  hear.current = onMove;
  useEffect(() => {
    // What comes back late of what was told must not take the cursor back.
    const index = selected === null ? -1 : told.current.indexOf(selected);
    if (index >= 0) told.current.splice(0, index + 1);
    else {
      told.current = [];
      setAt(selected);
    }
  }, [selected]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const tell = (key: string) => {
    if (key !== (told.current.at(-1) ?? selected)) told.current.push(key);
    hear.current(key);
  };
  return {
    at,
    move(key, when) {
      clearTimeout(timer.current);
      setAt(key);
      if (when === "now") tell(key);
      else if (when === "soon") timer.current = setTimeout(() => tell(key), TOLD_AFTER_MS);
    },
  };
}

/** The row that a key leads to, of so many; `null` where the key leads nowhere. `at` is -1 where the cursor is at none. */
export function rowAfter(key: string, at: number, count: number, page: number): number | null {
  const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: count - 1 };
  const wanted = to[key];
  if (wanted === undefined || count === 0) return null;
  return Math.max(0, Math.min(count - 1, wanted));
}
