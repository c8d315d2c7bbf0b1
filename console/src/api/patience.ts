// What is asked for too fast is asked for again, when the server says (RFC 9110 §10.2.3): reads alone, a few times, and not for long. Who sits
// there sees it where it takes longer than a moment, and need not wait.

/** In all, for one request. A person who waits longer wants to do something else; what a day's quota refuses is told at once. */
export const WAIT_MS_MAX = 45_000;
/** How often one request is repeated. */
export const REPEATS_MAX = 5;
/** Where the server does not say. */
const UNTOLD_MS = 1000;

/** Whether a request asks only, so that asking twice does nothing twice. */
export const isRead = (method: string): boolean => method === "GET" || method === "HEAD";

/** How long to wait before a refused request is worth repeating; nothing where it is not. `waited_ms` is what it waited before. */
export function pauseOf(method: string, status: number, retryAfter: string | null, repeats: number, waited_ms: number, now_ms: number): number | null {
  if (status !== 429 || !isRead(method) || repeats >= REPEATS_MAX) return null;
  const told = retryAfter?.trim() ?? "";
  const pause = told === "" ? UNTOLD_MS : /^\d{1,9}$/.test(told) ? Number(told) * 1000 : / GMT$/.test(told) ? Date.parse(told) - now_ms : Number.NaN;
  if (!Number.isFinite(pause)) return null;
  const at_least = Math.max(pause, 0);
  return waited_ms + at_least <= WAIT_MS_MAX ? at_least : null;
}

/** Waits until a moment, or until somebody says that it is enough: then it resolves to `false`. A signal that ends the request ends this as well. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const one: Waiting = { until_ms: Date.now() + milliseconds, stop: () => end(() => resolve(false)) };
    const timer = setTimeout(() => end(() => resolve(true)), milliseconds);
    const abort = () => end(() => reject(signal.reason as Error));
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      put(waiting.filter((other) => other !== one));
      settle();
    };
    signal.addEventListener("abort", abort);
    put([...waiting, one]);
  });
}

// === who waits ===

interface Waiting {
  until_ms: number;
  /** It is not waited any longer: the refusal is shown. */
  stop(): void;
}

let waiting: readonly Waiting[] = [];
const listeners = new Set<() => void>();

/** What waits now. */
export const waits = (): readonly Waiting[] => waiting;

/** Tells of each change of what waits. */
export function onWaits(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function put(next: readonly Waiting[]): void {
  waiting = next;
  for (const listener of listeners) listener();
}
