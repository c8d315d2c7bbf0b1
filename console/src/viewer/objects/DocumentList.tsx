// The documents of a study, below its series with pictures.
import { clsx } from "clsx";
import { FileText, Star } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Series } from "../study";
import "./texts";

const NAMES: Record<string, string> = { SR: "report", KO: "selection", DOC: "pdf" };

export function DocumentList({ of, open, chosen, onChoose }: { of: Series[]; open: readonly string[]; chosen: string | null; onChoose: (series: Series) => void }) {
  const { t } = useTranslation("objects");
  if (of.length === 0) return null;
  return (
    <ul aria-label={t("documents")} className="flex gap-1.5 md:flex-col">
      {of.map((series) => {
        const Icon = series.modality === "KO" ? Star : FileText;
        return (
          <li key={series.uid}>
            <button
              type="button"
              aria-pressed={chosen === series.uid}
              onClick={() => onChoose(series)}
              className={clsx(
                "flex w-full items-center gap-2 rounded-md border px-2 py-1.5 text-left text-xs max-md:w-32",
                chosen === series.uid ? "border-accent bg-accent-wash" : open.includes(series.uid) ? "border-soft" : "hover:border-soft",
              )}
            >
              <Icon size={15} className="shrink-0 text-soft" aria-hidden />
              <span className="min-w-0">
                <span className="block font-medium">{t(`kinds.${NAMES[series.modality] ?? "other"}`)}</span>
                {series.description !== "" && <span className="block truncate text-soft">{series.description}</span>}
              </span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
