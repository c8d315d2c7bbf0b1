// The public keys of logs that somebody brought from elsewhere, kept in this browser. A key that the same server gives proves nothing by
// itself, so it is kept only when somebody says that its fingerprint was compared.
import { useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { readKey, type LogKey } from "../../lib/note";

/** How a key came to be believed: from a file or text that was brought, or given by the server and compared by a person. */
type Source = "brought" | "compared";

export interface Trusted {
  key: LogKey;
  source: Source;
  at_ms: number;
}

interface Kept {
  text: string;
  source: Source;
  at_ms: number;
}

const KEPT = "yingdun.log-keys";
const listeners = new Set<() => void>();
let present = read();

/** The key that is believed for a log; `undefined` while it is read. */
export function useTrusted(log: string): Trusted | null | undefined {
  const all = useSyncExternalStore(subscribe, () => present);
  const kept = all[log];
  const found = useQuery({
    queryKey: ["log-key", kept?.text ?? null],
    queryFn: () => (kept ? readKey(kept.text) : null),
    staleTime: Infinity,
  });
  if (kept === undefined) return null;
  if (found.isPending) return undefined;
  return found.data ? { key: found.data, source: kept.source, at_ms: kept.at_ms } : null;
}

export function trust(key: LogKey, source: Source): void {
  write({ ...present, [key.name]: { text: key.text, source, at_ms: Date.now() } });
}

export function forget(log: string): void {
  write(Object.fromEntries(Object.entries(present).filter(([name]) => name !== log)));
}

// === helpers ===

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function write(next: Record<string, Kept>): void {
  present = next;
  try {
    localStorage.setItem(KEPT, JSON.stringify(next));
  } catch {
    // It holds until the page is left.
  }
  for (const listener of listeners) listener();
}

function read(): Record<string, Kept> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    if (typeof kept !== "object" || kept === null) return {};
    return Object.fromEntries(Object.entries(kept as Record<string, unknown>).filter((entry): entry is [string, Kept] => isKept(entry[1])));
  } catch {
    return {};
  }
}

function isKept(value: unknown): value is Kept {
  const of = value as Partial<Kept> | null;
  return typeof of?.text === "string" && typeof of.at_ms === "number" && (of.source === "brought" || of.source === "compared");
}
