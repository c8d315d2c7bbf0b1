// The series of a study as small pictures, with how much of each was fetched, and what else there is of the patient.
import { clsx } from "clsx";
import { GitCompareArrows, ImageOff } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Badge } from "../components/basics";
import { TAGS, text, texts, type DataSet } from "../lib/dicom";
import { dicomDate } from "../lib/time";
import { Marked } from "./Marked";
import { DocumentList } from "./objects/DocumentList";
import { KeyCount } from "./objects/KeyImages";
import { useProgress } from "./progress";
import { DRAGGED } from "./Seat";
import type { Series, Study } from "./study";

interface StripProps {
  studies: Study[];
  /** The series that are open, and the one in the active pane. */
  open: readonly string[];
  chosen: string | null;
  onChoose: (series: Series) => void;
  others: DataSet[];
  onCompare: (study: string) => void;
  /** Small pictures come behind the first large one. */
  pictures: boolean;
}

export function Strip({ studies, open, chosen, onChoose, others, onCompare, pictures }: StripProps) {
  const { t } = useTranslation("viewer");
  return (
    <aside
      aria-label={t("strip")}
      className="flex shrink-0 gap-3 overflow-auto border-line bg-surface p-2 max-md:order-last max-md:h-40 max-md:border-t md:w-44 md:flex-col md:border-r"
    >
      {studies.map((study) => (
        <section key={study.uid} className="flex shrink-0 gap-2 md:flex-col">
          <h2 className="text-xs font-medium text-soft max-md:w-20">
            {dicomDate(text(study.about, TAGS.studyDate))}
            <span className="block truncate">{text(study.about, TAGS.studyDescription)}</span>
          </h2>
          <ul className="flex gap-2 md:flex-col">
            {study.series.map((series) => (
              <li key={series.uid}>
                <Small series={series} open={open.includes(series.uid)} chosen={chosen === series.uid} onChoose={() => onChoose(series)} picture={pictures} />
              </li>
            ))}
          </ul>
          <DocumentList of={study.documents} open={open} chosen={chosen} onChoose={onChoose} />
        </section>
      ))}
      {others.length > 0 && (
        <section className="shrink-0 space-y-1.5">
          <h2 className="text-xs font-medium text-soft">{t("others")}</h2>
          <ul className="flex gap-1.5 md:flex-col">
            {others.map((row) => (
              <li key={text(row, TAGS.studyInstanceUid)}>
                <button
                  type="button"
                  onClick={() => onCompare(text(row, TAGS.studyInstanceUid))}
                  title={t("compareWith")}
                  className="flex w-full flex-col items-start rounded-md border px-2 py-1.5 text-left text-xs hover:bg-accent-wash"
                >
                  <span className="flex w-full items-center justify-between gap-1 font-medium">
                    {dicomDate(text(row, TAGS.studyDate))}
                    <GitCompareArrows size={13} aria-hidden />
                  </span>
                  <span className="w-full truncate text-soft">{text(row, TAGS.studyDescription) || texts(row, TAGS.modalitiesInStudy).join(" ")}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </aside>
  );
}

// === helpers ===

function Small({ series, open, chosen, onChoose, picture }: { series: Series; open: boolean; chosen: boolean; onChoose: () => void; picture: boolean }) {
  const { t } = useTranslation("viewer");
  const { t: hung } = useTranslation("hanging");
  const [failed, setFailed] = useState(false);
  const progress = useProgress(series.uid);
  const part = progress ? progress.loaded / progress.total : 0;
  return (
    <button
      type="button"
      aria-pressed={chosen}
      onClick={onChoose}
      title={hung("dragged")}
      draggable
      onDragStart={(event) => event.dataTransfer.setData(DRAGGED, series.uid)}
      className={clsx(
        "block overflow-hidden rounded-md border text-left text-xs max-md:w-24",
        chosen ? "border-accent bg-accent-wash" : open ? "border-soft" : "hover:border-soft",
      )}
    >
      <Marked className="block aspect-square w-full overflow-hidden bg-black">
        {failed ? (
          <span className="grid size-full place-items-center text-white/80">
            <ImageOff size={20} aria-hidden />
          </span>
        ) : (
          picture && (
            <img
              src={`/dicom-web/studies/${series.study}/series/${series.uid}/thumbnail?viewport=192,192`}
              alt=""
              draggable={false}
              onError={() => setFailed(true)}
              className="size-full object-contain"
            />
          )
        )}
      </Marked>
      <span className="flex flex-col gap-0.5 px-2 py-1.5">
        <span className="flex items-center justify-between gap-1">
          <span className="font-medium whitespace-nowrap">{t("seriesNumber", { number: series.number })}</span>
          <KeyCount series={series.uid} />
          <Badge tone="accent">{series.modality}</Badge>
        </span>
        <span className="truncate text-soft max-md:hidden">{series.description}</span>
        <span className="flex items-center justify-between text-soft">
          {t("images", { count: progress?.total ?? series.instances })}
          {progress && progress.loaded < progress.total && <span>{Math.floor(part * 100)}%</span>}
        </span>
      </span>
      <progress
        value={part}
        max={1}
        aria-label={t("fetched")}
        className={clsx("viewer-progress block h-1 w-full", (progress === null || part >= 1) && "invisible")}
      />
    </button>
  );
}
