// What somebody set, kept in this browser: small JSON values under a name, read again by everything that shows them.
import { useSyncExternalStore } from "react";

const PREFIX = "yingdun.";
const listeners = new Set<() => void>();
/** What was read or set, by name: a browser that keeps nothing still shows it until the page is left. */
const present = new Map<string, unknown>();

/** The value under this name, or nothing where there is none; and how to set it. Whoever reads it has to look at what it is. */
export function useKept(name: string): [unknown, (value: unknown) => void] {
  const value = useSyncExternalStore(subscribe, () => kept(name));
  return [value, (next) => keep(name, next)];
}

/** The same, for who does not show it. */
export function kept(name: string): unknown {
  if (!present.has(name)) {
    let value: unknown;
    try {
      value = JSON.parse(localStorage.getItem(PREFIX + name) ?? "null") ?? undefined;
    } catch {
      value = undefined;
    }
    present.set(name, value);
  }
  return present.get(name);
}

/** Sets the value under this name; nothing takes it away. */
export function keep(name: string, value: unknown): void {
  present.set(name, value);
  try {
    if (value === undefined) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // It holds until the page is left.
  }
  for (const listener of listeners) listener();
}

// === helpers ===

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Another tab set it. Tests without a browser have none.
globalThis.addEventListener?.("storage", (event) => {
  if (event.key === null) present.clear();
  else if (event.key.startsWith(PREFIX)) present.delete(event.key.slice(PREFIX.length));
  for (const listener of listeners) listener();
});
