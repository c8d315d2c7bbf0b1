// How much of each series was fetched ahead.
import { useSyncExternalStore } from "react";

export interface Progress {
  loaded: number;
  total: number;
}

const present = new Map<string, Progress>();
const listeners = new Set<() => void>();

export function setProgress(series: string, loaded: number, total: number): void {
  present.set(series, { loaded, total });
  for (const listener of listeners) listener();
}

export function forgetProgress(): void {
  present.clear();
}

export function useProgress(series: string): Progress | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => present.get(series) ?? null,
  );
}
