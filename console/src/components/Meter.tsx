// How far something is, or how full.
import { clsx } from "clsx";
import type { Tone } from "./basics";

const FILLS: Record<Tone, string> = { neutral: "bg-soft", good: "bg-good", warn: "bg-warn", bad: "bg-bad", accent: "bg-accent" };

/** `part` is from 0 to 1. */
export function Meter({ part, label, tone = "accent" }: { part: number; label: string; tone?: Tone }) {
  const percent = Math.round(Math.max(0, Math.min(1, part)) * 100);
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      className="h-1.5 w-full overflow-hidden rounded-full bg-line"
    >
      <div className={clsx("h-full rounded-full transition-[width] duration-500", FILLS[tone])} style={{ width: `${percent}%` }} />
    </div>
  );
}
