// What always stands over a picture: whose it is, what it is, and how it is shown. Nobody can switch it off.
import { useTranslation } from "react-i18next";
import { TAGS, text, years, type DataSet } from "../lib/dicom";
import { dicomDate, dicomTime } from "../lib/time";
import type { Look } from "./controls";
import { StudyBadges } from "./objects/Integrity";
import type { Series } from "./study";

export function Overlay({ about, series, look, loaded }: { about: DataSet; series: Series; look: Look | null; loaded: string | null }) {
  const { t } = useTranslation("viewer");
  const sex = text(about, TAGS.patientSex);
  const age = years(text(about, TAGS.patientBirthDate), text(about, TAGS.studyDate));
  const person = [
    sex === "M" || sex === "F" || sex === "O" ? t(`sex.${sex}`) : "",
    dicomDate(text(about, TAGS.patientBirthDate)),
    age === null ? "" : t("years", { count: age }),
  ];
  const number = (value: number) => (Number.isInteger(value) ? String(value) : value.toPrecision(3));
  return (
    <div className="viewer-overlay pointer-events-none absolute inset-0 z-10 text-xs leading-snug select-none">
      <div className="absolute top-2 left-2.5 max-w-[48%]">
        <p className="truncate text-sm font-semibold">{text(about, TAGS.patientName)}</p>
        <p className="truncate">{text(about, TAGS.patientId)}</p>
        <p className="truncate">{person.filter((word) => word !== "").join(" · ")}</p>
      </div>
      <div className="absolute top-2 right-2.5 max-w-[48%] text-right">
        <p className="truncate text-sm font-semibold">{text(about, TAGS.studyDescription)}</p>
        <p>{`${dicomDate(text(about, TAGS.studyDate))} ${dicomTime(text(about, TAGS.studyTime))}`}</p>
        <p className="truncate">{text(about, TAGS.accessionNumber)}</p>
        <StudyBadges study={text(about, TAGS.studyInstanceUid)} />
      </div>
      <div className="absolute bottom-6 left-2.5 max-w-[55%]">
        <p className="truncate">{t("seriesLine", { number: series.number, modality: series.modality, description: series.description })}</p>
        {look && (
          <p className="text-sm font-semibold" data-slice={look.index + 1}>
            {t("slice", { index: look.index + 1, count: look.count })}
          </p>
        )}
        {loaded !== null && <p>{loaded}</p>}
      </div>
      {look && (
        <div className="absolute right-2.5 bottom-6 max-w-[40%] text-right">
          {look.window && <p data-window={`${look.window.center}/${look.window.width}`}>{t("windowLine", { width: number(look.window.width), center: number(look.window.center) })}</p>}
          <p>{t("zoomLine", { percent: Math.round(look.zoom * 100) })}</p>
        </div>
      )}
      <p className="absolute inset-x-0 bottom-1.5 truncate px-2 text-center text-[11px] opacity-85">{t("notForDiagnosis")}</p>
      {look && (
        <>
          <span className="absolute top-1/2 left-2 text-sm font-semibold">{look.edges.left}</span>
          <span className="absolute top-1/2 right-2 text-sm font-semibold">{look.edges.right}</span>
          <span className="absolute top-2 left-1/2 -translate-x-1/2 text-sm font-semibold">{look.edges.top}</span>
          <span className="absolute bottom-7 left-1/2 -translate-x-1/2 text-sm font-semibold">{look.edges.bottom}</span>
        </>
      )}
    </div>
  );
}
