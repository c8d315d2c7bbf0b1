// The study that is chosen: a small picture of it, what it is, and what can be done with it.
import { Download, ImageOff, ScanEye } from "lucide-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useMe } from "../../api/queries";
import { Badge, Facts, Panel } from "../../components/basics";
import { Grade, IntegrityBadge, integrityQuery } from "../../viewer/objects/Integrity";
import { WhoLooked } from "../../viewer/objects/WhoLooked";
import { viewerOf } from "../../viewer/load";
import { nameOf, State, timeOf } from "./columns";
import type { Study } from "./query";
import { GiveButtons } from "../grants/GiveButtons";

/** States of a study that opens as it is. */
const OPENS = new Set(["readable", "timed", "emergency"]);

export function StudyPreview({ study }: { study: Study }) {
  const { t } = useTranslation("studies");
  const me = useMe().data;
  const uid = study.study_uid;
  const mayView = me?.actions.includes("view") === true;
  const name = nameOf(study);
  const integrity = useQuery(integrityQuery(uid, mayView && OPENS.has(study.state)));
  return (
    <Panel
      title={name || (study.patient.id ?? "")}
      actions={study.modalities.map((modality) => (
        <Badge key={modality} tone="accent">
          {modality}
        </Badge>
      ))}
    >
      <Picture address={`/dicom-web/studies/${uid}/thumbnail?viewport=320,320`} label={t("previewOf", { name })} />
      <div className="space-y-3 p-4">
        <p className="text-soft">
          {t("images", { series: study.series ?? "–", instances: study.instances ?? "–" })}
        </p>
        <Facts
          of={[
            [t("patientId"), study.patient.id],
            [t("time"), timeOf(study)],
            [t("description"), study.description],
            [t("accession"), study.accession_number],
            [t("grade"), <Grade key="grade" grade={study.grade} />],
            [t("integrity"), integrity.data ? <IntegrityBadge key="integrity" of={integrity.data} /> : null],
            [t("state"), <State key="state" study={study} />],
          ].filter(([, value]) => value !== null) as [string, ReactNode][]}
        />
        <div className="flex flex-wrap gap-2">
          {me?.actions.includes("view") === true && (
            <Link
              to={viewerOf(uid)}
              className="inline-flex h-8 items-center gap-1.5 rounded-md bg-accent px-3 font-medium text-accent-ink hover:opacity-90"
            >
              <ScanEye size={15} aria-hidden />
              {t("open")}
            </Link>
          )}
          {me?.actions.includes("export") === true && (
            <a
              href={`/dicom-web/studies/${uid}/media?accept=application/zip`}
              className="inline-flex h-8 items-center gap-1.5 rounded-md border bg-surface px-3 font-medium hover:bg-raised"
            >
              <Download size={15} aria-hidden />
              {t("download")}
            </a>
          )}
          <WhoLooked study={uid} words />
          <GiveButtons studyUid={uid} />
        </div>
      </div>
    </Panel>
  );
}

// === helpers ===

function Picture({ address, label }: { address: string; label: string }) {
  const { t } = useTranslation("studies");
  const [failed, setFailed] = useState(false);
  useEffect(() => setFailed(false), [address]);
  return (
    <div className="grid aspect-square place-items-center bg-black">
      {failed ? (
        <p className="flex flex-col items-center gap-2 text-sm text-white/80">
          <ImageOff size={26} aria-hidden />
          {t("noPreview")}
        </p>
      ) : (
        <img key={address} src={address} alt={label} className="max-h-full max-w-full" onError={() => setFailed(true)} />
      )}
    </div>
  );
}
