// What is said of a sample: how it was drawn, how its checks came out, and who reviewed it.
import { Dices, ListChecks, Square } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Badge, Button, type Tone } from "../../../components/basics";
import { Chip } from "../../../components/Filters";
import type { Checked } from "./useSample";
import type { Drawn } from "./drawn";

export function SampleBar({ drawn, log, count, checked, running, only, onOnly, onCheck, onStop, onRemove, children }: {
  drawn: Drawn | null;
  log: string;
  count: number;
  checked: ReadonlyMap<string, Checked>;
  running: boolean;
  only: boolean;
  onOnly: (only: boolean) => void;
  onCheck: () => void;
  onStop: () => void;
  onRemove: () => void;
  /** Its review. */
  children?: ReactNode;
}) {
  const { t } = useTranslation("audit");
  const told = { all: "sample.toldAll", filtered: "sample.toldFiltered", cut: "sample.toldCut" };
  const number = (of: Checked) => [...checked.values()].filter((one) => one === of).length;
  return (
    <section aria-label={t("sample.title")} className="flex flex-wrap items-center gap-x-4 gap-y-2 rounded-lg border border-accent bg-surface px-4 py-2 shadow-raised">
      <Chip onRemove={onRemove}>
        <Dices size={14} aria-hidden /> {t("sample.chip", { count })}
      </Chip>
      {drawn && (
        <p className="text-soft">
          {t(told[drawn.kind], { of: drawn.of.toLocaleString(), redrawn: drawn.redrawn, log })} · {t("sample.seed")}{" "}
          <code className="text-xs break-all" title={drawn.filters}>
            {drawn.seed}
          </code>
        </p>
      )}
      {checked.size > 0 && (
        <p role="status" className="font-medium">
          {t("sample.result", { done: checked.size, count, proved: number("proved"), open: number("open"), broken: number("broken") })}
        </p>
      )}
      <div className="ml-auto flex flex-wrap gap-2">
        <Button onClick={() => onOnly(!only)}>{t(only ? "sample.all" : "sample.only")}</Button>
        {running ? (
          <Button onClick={onStop}>
            <Square size={14} aria-hidden /> {t("sample.stop")}
          </Button>
        ) : (
          <Button look="primary" onClick={onCheck}>
            <ListChecks size={15} aria-hidden /> {t("sample.verify")}
          </Button>
        )}
      </div>
      {children}
    </section>
  );
}

const TONES: Record<Checked, Tone> = { proved: "good", open: "warn", broken: "bad", other: "neutral" };

export function CheckedBadge({ of }: { of: Checked | undefined }) {
  const { t } = useTranslation("audit");
  if (!of) return <span className="text-soft">{t("sample.unread")}</span>;
  return <Badge tone={TONES[of]}>{t(`sample.${of === "open" ? "open_" : of}`)}</Badge>;
}
