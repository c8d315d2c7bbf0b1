// The checks one by one, each with how it came out. It says in words what the drawing shows.
import { Check, CircleHelp, X } from "lucide-react";
import { clsx } from "clsx";
import { useTranslation } from "react-i18next";
import { hex } from "../../../lib/bytes";
import type { Proof, Verification } from "../../../lib/tlog";
import type { Trusted } from "../trust";
import type { State, Step } from "./steps";

const LOOKS: Record<State, { icon: typeof Check; tone: string }> = {
  good: { icon: Check, tone: "bg-good-wash text-good" },
  computed: { icon: Check, tone: "bg-good-wash text-good" },
  bad: { icon: X, tone: "bg-bad-wash text-bad" },
  changed: { icon: X, tone: "bg-bad-wash text-bad" },
  open: { icon: CircleHelp, tone: "bg-warn-wash text-warn" },
};

interface Given {
  steps: Step[];
  found: Verification;
  proof: Proof;
  bytes: number;
  trusted: Trusted | null;
  onLight: (level: number | null) => void;
}

export function StepList({ steps, found, proof, bytes, trusted, onLight }: Given) {
  const { t } = useTranslation("audit");
  const merges = steps.filter((step) => step.id === "merge");
  const depth = merges.length;
  return (
    <ol className="space-y-1" aria-label={t("steps.title")}>
      {steps
        .filter((step) => step.id !== "merge" || step.level === 0)
        .map((step) => {
          if (step.id === "merge") {
            const state = merges.some(({ state: of }) => of === "changed") ? "changed" : "computed";
            return (
              <Line key="merge" state={state} text={t("steps.merge", { count: depth })}>
                <ol className="mt-1 max-h-72 space-y-0.5 overflow-auto" {...(depth > 10 ? { tabIndex: 0, "aria-label": t("steps.merge", { count: depth }) } : {})}>
                  {merges.map(({ level, state: of }) => (
                    <Merge key={level} level={level ?? 0} state={of} found={found} onLight={onLight} />
                  ))}
                </ol>
              </Line>
            );
          }
          const at = step.id === "leaf" ? 0 : step.id === "root" ? depth : null;
          return (
            <Line
              key={step.id}
              state={step.state}
              text={textOf(step, found, proof, bytes, trusted, (key, values) => t(key, values))}
              code={step.id === "leaf" ? hex(found.climb.leafHash) : step.id === "root" ? hex(found.climb.root) : undefined}
              onLight={at === null ? undefined : (on) => onLight(on ? at : null)}
            />
          );
        })}
    </ol>
  );
}

// === helpers ===

type Translate = (key: string, values: Record<string, unknown>) => string;

function textOf(step: Step, found: Verification, proof: Proof, bytes: number, trusted: Trusted | null, t: Translate): string {
  switch (step.id) {
    case "leaf":
      return t(step.state === "bad" ? "steps.leafBad" : "steps.leaf", { count: bytes });
    case "path":
      return t(step.state === "bad" ? "steps.pathBad" : "steps.path", { index: proof.index.toLocaleString(), size: proof.checkpoint.size.toLocaleString(), count: proof.path.length });
    case "root":
      return t(step.state === "bad" ? "steps.rootBad" : "steps.root", { size: proof.checkpoint.size.toLocaleString() });
    default:
      return found.signature === "fits"
        ? t(trusted?.source === "compared" ? "steps.signedCompared" : "steps.signed", { name: proof.checkpoint.origin })
        : t(`steps.signature.${found.signature}`, { name: proof.checkpoint.origin });
  }
}

function Mark({ state }: { state: State }) {
  const { t } = useTranslation("audit");
  const { icon: Icon, tone } = LOOKS[state];
  return (
    <span className={clsx("mt-px grid size-5 shrink-0 place-items-center rounded-full", tone)}>
      <Icon size={13} strokeWidth={3} aria-label={t(`steps.state.${state}`)} />
    </span>
  );
}

function Line({ state, text, code, children, onLight }: {
  state: State;
  text: string;
  code?: string | undefined;
  children?: React.ReactNode;
  onLight?: ((on: boolean) => void) | undefined;
}) {
  return (
    <li className="flex gap-2.5 rounded-md px-2 py-1.5" data-state={state} onMouseEnter={() => onLight?.(true)} onMouseLeave={() => onLight?.(false)}>
      <Mark state={state} />
      <div className="min-w-0 flex-1">
        <p className={state === "bad" || state === "changed" ? "font-semibold text-bad" : undefined}>{text}</p>
        {code && <p className="font-mono text-xs break-all text-soft">{code}</p>}
        {children}
      </div>
    </li>
  );
}

function Merge({ level, state, found, onLight }: { level: number; state: State; found: Verification; onLight: (level: number | null) => void }) {
  const { t } = useTranslation("audit");
  const of = found.climb.levels[level];
  if (!of) return null;
  const [from, to] = of.siblingLeaves;
  const span = to - from <= 1 ? `#${from}` : `#${from}–#${to - 1}`;
  return (
    <li
      data-state={state}
      className={clsx("flex items-center gap-2 rounded px-1.5 py-0.5 text-xs hover:bg-raised", state === "changed" && "text-bad")}
      title={hex(of.parent)}
      onMouseEnter={() => onLight(level)}
      onMouseLeave={() => onLight(null)}
    >
      {state === "changed" ? <X size={12} aria-label={t("steps.state.changed")} /> : <Check size={12} strokeWidth={3} className="text-good" aria-label={t("steps.state.computed")} />}
      <span className="min-w-0 flex-1 truncate">{t(`steps.${of.side}`, { step: level + 1, span })}</span>
      <code className="font-mono">{hex(of.parent).slice(0, 12)}</code>
    </li>
  );
}
