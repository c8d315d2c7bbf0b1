// Plays a stack like a film.
import { useEffect, useRef, useState } from "react";
import type { Control } from "./controls";

const SPEEDS = [2, 5, 8, 12, 16, 24, 30] as const;
const USUAL = 3;

export function useCine(control: () => Control | null) {
  const [playing, setPlaying] = useState(false);
  const [step, setStep] = useState<number>(USUAL);
  const latest = useRef(control);
  latest.current = control;
  const speed = SPEEDS[step] ?? SPEEDS[USUAL];
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(() => {
      const of = latest.current();
      if (of) of.go((of.index() + 1) % of.count());
    }, 1000 / speed);
    return () => clearInterval(timer);
  }, [playing, speed]);
  return {
    playing,
    speed,
    toggle: () => setPlaying((present) => !present),
    start: () => setPlaying(true),
    stop: () => setPlaying(false),
    faster: (by: 1 | -1) => setStep((present) => Math.max(0, Math.min(SPEEDS.length - 1, present + by))),
  };
}
