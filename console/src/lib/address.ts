// What stands behind the question mark of the address, and how to change it.
import { useSearchParams as useDrawnParameters, type NavigateOptions } from "react-router";

type Change = Record<string, string> | ((present: URLSearchParams) => URLSearchParams);

/**
 * As `useSearchParams` of the router, but that a change is made to what stands in the address now. The router hands out what was drawn last;
 * of two changes that come before one drawing, the second would take the first back.
 */
export function useSearchParams(): [URLSearchParams, (change: Change, options?: NavigateOptions) => void] {
  const [drawn, set] = useDrawnParameters();
  const change = (how: Change, options?: NavigateOptions) =>
    set(typeof how === "function" ? how(new URLSearchParams(window.location.search)) : how, options);
  return [drawn, change];
}

/** Where somebody signs in again and comes back to this page. What stands behind the question mark may name a patient, and stays behind. */
export function signInAgain(pathname: string): string {
  return `/login?next=${encodeURIComponent(pathname)}`;
}
