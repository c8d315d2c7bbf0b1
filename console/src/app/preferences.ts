// What somebody set for this browser: language, theme and density. Nothing of it is of a patient, so it may stay behind.
import { useSyncExternalStore } from "react";

type Language = "zh-CN" | "en";
export type Theme = "light" | "dark" | "system";
type Density = "comfortable" | "compact";

interface Preferences {
  language: Language;
  theme: Theme;
  density: Density;
}

const KEY = "yingdun.preferences";
/** The language of the sign-in pages, which run no script: they and the console follow one another by this cookie. */
const COOKIE = "__Host-yingdun-language";
const listeners = new Set<() => void>();
const darkness = window.matchMedia("(prefers-color-scheme: dark)");
let present = read();

export function preferences(): Preferences {
  return present;
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, preferences);
}

export function prefer(change: Partial<Preferences>): void {
  present = { ...present, ...change };
  if (change.language) remember(change.language);
  try {
    localStorage.setItem(KEY, JSON.stringify(present));
  } catch {
    // A browser that keeps nothing still shows it until the page is left.
  }
  applyPreferences();
  for (const listener of listeners) listener();
}

/** Sets what the style sheet looks at. */
export function applyPreferences(): void {
  const dark = present.theme === "dark" || (present.theme === "system" && darkness.matches);
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  document.documentElement.lang = present.language;
}

// === helpers ===

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

darkness.addEventListener("change", applyPreferences);

function remembered(): Language | null {
  const pair = document.cookie.split("; ").find((one) => one.startsWith(`${COOKIE}=`));
  const language = pair?.slice(COOKIE.length + 1);
  return language === "zh-CN" || language === "en" ? language : null;
}

function remember(language: Language): void {
  document.cookie = `${COOKIE}=${language}; Path=/; Secure; SameSite=Lax; Max-Age=31536000`;
}

function read(): Preferences {
  const usual: Preferences = {
    language: remembered() ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh-CN" : "en"),
    theme: "system",
    density: "comfortable",
  };
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    if (typeof kept !== "object" || kept === null) return usual;
    const of = kept as Record<string, unknown>;
    return {
      language:
        remembered() ?? (of["language"] === "zh-CN" || of["language"] === "en" ? of["language"] : usual.language),
      theme: of["theme"] === "light" || of["theme"] === "dark" ? of["theme"] : usual.theme,
      density: of["density"] === "compact" ? "compact" : "comfortable",
    };
  } catch {
    return usual;
  }
}
