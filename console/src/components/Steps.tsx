// Who did what of something that takes several people, in order; what is still open has a dash for a name.
import { clsx } from "clsx";
import { Ban, CircleCheck, CircleDashed, CircleDot } from "lucide-react";
import { useTranslation } from "react-i18next";
import { moment } from "../lib/time";

export type StepState = "done" | "now" | "open" | "refused";

export interface Step {
  /** What is done, in words. */
  title: string;
  state: StepState;
  by?: string | null;
  at_ms?: number | null;
  /** Stands where nobody did it yet: whose turn it is. */
  whose?: string;
}

const ICONS = { done: CircleCheck, now: CircleDot, open: CircleDashed, refused: Ban };
const BARS: Record<StepState, string> = { done: "bg-good", now: "bg-accent", open: "bg-line", refused: "bg-bad" };
const INKS: Record<StepState, string> = { done: "text-good", now: "text-accent", open: "text-soft", refused: "text-bad" };

export function Steps({ of, label }: { of: Step[]; label: string }) {
  const { t } = useTranslation("app");
  return (
    <ol aria-label={label} className="grid grid-cols-1 gap-3 sm:grid-flow-col sm:auto-cols-fr sm:grid-cols-none">
      {of.map((step, index) => {
        const Icon = ICONS[step.state];
        return (
          <li key={index} aria-current={step.state === "now" ? "step" : undefined} className="flex min-w-0 gap-2.5 sm:block">
            <span aria-hidden className={clsx("w-1 shrink-0 rounded-full sm:mb-2 sm:block sm:h-1.5 sm:w-full", BARS[step.state])} />
            <div className="min-w-0">
              <p className="flex items-start gap-1.5 font-medium">
                <Icon size={15} className={clsx("mt-0.5 shrink-0", INKS[step.state])} aria-hidden />
                <span>
                  {step.title}
                  <span className="sr-only"> ({t(`steps.${step.state}`)})</span>
                </span>
              </p>
              <p className="truncate text-xs text-soft" title={step.by ?? undefined}>
                {step.by ?? step.whose ?? "—"}
              </p>
              {step.at_ms != null && (
                <time dateTime={new Date(step.at_ms).toISOString()} className="block text-xs text-soft">
                  {moment(step.at_ms)}
                </time>
              )}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
