// A row of figures at the head of a screen: what is asked for most, with a word for what it means.
import { clsx } from "clsx";
import type { ReactNode } from "react";
import { INKS, type Tone } from "./basics";

interface KeyFigure {
  name: string;
  value: ReactNode;
  hint?: ReactNode;
  tone?: Tone;
  icon?: ReactNode;
}

export function KeyFigures({ of, label }: { of: KeyFigure[]; label: string }) {
  return (
    <dl aria-label={label} className="grid shrink-0 grid-cols-2 gap-3 lg:grid-cols-4">
      {of.map(({ name, value, hint, tone = "neutral", icon }) => (
        <div key={name} className="min-w-0 rounded-lg border bg-surface px-4 py-3 shadow-raised">
          <dt className="flex items-center gap-2 text-soft">
            {icon}
            {name}
          </dt>
          <dd className={clsx("mt-1 text-2xl leading-tight font-semibold break-words", INKS[tone])}>{value}</dd>
          {hint !== undefined && <dd className="mt-0.5 text-xs text-soft">{hint}</dd>}
        </div>
      ))}
    </dl>
  );
}
