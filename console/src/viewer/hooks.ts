// What the viewer keeps beside its panes: the engine, the keyboard, and the minute that the mark tells.
import type { RenderingEngine } from "@cornerstonejs/core";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useKept } from "../lib/kept";
import { moment } from "../lib/time";
import { endEngine, forgetPictures, startEngine } from "./engine";
import { commandOf, type Command } from "./keys";
import { forgetProgress } from "./progress";

/** How often the mark looks at the clock, in milliseconds: it tells the minute. */
const MARK_MS = 30_000;

/** An engine as long as the viewer is open; another one for another generation. */
export function useEngine(generation: number): RenderingEngine | null {
  const { t } = useTranslation("viewer");
  const [engine, setEngine] = useState<RenderingEngine | null>(null);
  useEffect(() => {
    const words = { area: t("measure.area"), mean: t("measure.mean"), deviation: t("measure.deviation"), range: t("measure.range") };
    const made = startEngine(words);
    setEngine(made);
    return () => {
      setEngine(null);
      endEngine(made);
    };
    // Words of measures are those of the language in which the viewer was opened.
  }, [generation]);
  useEffect(
    () => () => {
      forgetPictures();
      forgetProgress();
    },
    [],
  );
  return engine;
}

export function useKeys(run: (command: Command) => void, letters: boolean, busy: boolean): void {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement | null;
      if (busy || event.defaultPrevented || event.isComposing || target?.closest(ELSEWHERE)) return;
      if (event.code === "Space" && target?.closest("button, a")) return;
      // A report is read by scrolling.
      if (SCROLLS.has(event.code) && target?.closest("[data-reads]")) return;
      const command = commandOf(event);
      if (command === null || (!letters && event.key.length === 1 && !event.ctrlKey && command.do !== "help")) return;
      event.preventDefault();
      latest.current(command);
    };
    // Before the library, which takes the keys of a picture that was clicked at.
    window.addEventListener("keydown", pressed, { capture: true });
    return () => window.removeEventListener("keydown", pressed, { capture: true });
  }, [letters, busy]);
}

/** Where keys are for what is typed or chosen there. What was closed and still fades has the keyboard for a moment, and takes no keys any more. */
const ELSEWHERE = ["input", "textarea", "select", "[contenteditable]", ...["dialog", "menu", "listbox"].map((role) => `[role=${role}]:not([data-closed])`)].join(", ");

const SCROLLS = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", "Space"]);

/** Whether single keys do things; kept for this browser. */
export function useLetters(): [boolean, (on: boolean) => void] {
  const [kept, keep] = useKept("viewer.letters");
  return [kept !== false, keep];
}

/** The present minute. */
export function useMinute(): string {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), MARK_MS);
    return () => clearInterval(timer);
  }, []);
  return moment(now).slice(0, 16);
}
