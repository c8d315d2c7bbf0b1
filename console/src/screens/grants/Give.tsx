// Giving somebody a right for a while: whom, a patient or one study, for how long, and why.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import type { Consultation, Grant } from "../../api/rows";
import { ActionDialog } from "../../components/ActionDialog";
import { Choice, TextArea, TextField } from "../../components/forms";
import { know } from "../../lib/known";
import "./texts";

/** Hours at most: a grant for a day, a consultation for a week. */
const HOURS_MAX = { grant: 24, consultation: 168 } as const;

export function Give({
  kind,
  studyUid = "",
  onClose,
}: {
  kind: "grant" | "consultation";
  /** The study that it is about, where one is chosen already. */
  studyUid?: string;
  /** With the key of what was given, or nothing. */
  onClose: (key: string | null) => void;
}) {
  const { t } = useTranslation("grants");
  const [name, setName] = useState("");
  const [about, setAbout] = useState<"patient" | "study">(studyUid === "" ? "patient" : "study");
  const [patient, setPatient] = useState("");
  const [study, setStudy] = useState(studyUid);
  const [issuer, setIssuer] = useState("");
  const [hours, setHours] = useState(kind === "grant" ? "2" : "24");
  const [reason, setReason] = useState("");
  const [exports, setExports] = useState(false);
  const perform = async () => {
    const common = {
      name: name.trim(),
      reason,
      minutes: Math.round(Number(hours) * 60),
      ...(issuer.trim() === "" || about === "study" ? {} : { issuer: issuer.trim() }),
      ...(about === "study" ? { study: study.trim() } : { patient_id: patient.trim() }),
    } as { name: string; reason: string; minutes: number; issuer?: string; patient_id: string };
    if (kind === "grant") {
      const asked = { ...common, purpose: "TREAT" as const, ...(exports ? { export: true } : {}) };
      const made = (await body(api.POST("/api/v1/grants", { body: asked }))) as Grant;
      know(made.patient, patient.trim());
      onClose(`grant-${made.grant}`);
    } else {
      const made = (await body(api.POST("/api/v1/consultations", { body: common }))) as Consultation;
      know(made.patient, patient.trim());
      onClose(`consultation-${made.consultation}`);
    }
  };
  return (
    <ActionDialog
      action={{ title: t(`give.${kind}`), button: t(`give.do.${kind}`), consequences: [t(`give.what.${kind}`)], changes: [], perform }}
      onClose={() => onClose(null)}
      onDone={() => undefined}
    >
      <TextField label={t(`give.name.${kind}`)} hint={t("give.nameHint")} required autoFocus autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />
      <div className="grid gap-3 sm:grid-cols-[9rem_1fr]">
        <Choice
          label={t("give.about")}
          value={about}
          onChange={(event) => setAbout(event.target.value as "patient" | "study")}
          options={[
            ["patient", t("give.patient")],
            ["study", t("give.study")],
          ]}
        />
        {about === "patient" ? (
          <TextField label={t("give.patientId")} required autoComplete="off" value={patient} onChange={(event) => setPatient(event.target.value)} />
        ) : (
          <TextField label={t("give.studyUid")} required autoComplete="off" value={study} onChange={(event) => setStudy(event.target.value)} />
        )}
      </div>
      <div className="grid gap-3 sm:grid-cols-2">
        <TextField
          label={t("give.hours")}
          hint={t("give.hoursHint", { most: HOURS_MAX[kind] })}
          type="number"
          min={0.25}
          max={HOURS_MAX[kind]}
          step={0.25}
          required
          value={hours}
          onChange={(event) => setHours(event.target.value)}
        />
        {kind === "grant" && <TextField label={t("purpose")} hint={t("give.purposeHint")} value={t("treat")} readOnly />}
      </div>
      <TextArea label={t("reason")} hint={t("give.reasonHint")} required maxLength={500} rows={2} value={reason} onChange={(event) => setReason(event.target.value)} />
      {kind === "grant" && (
        <label className="flex items-center gap-2">
          <input type="checkbox" checked={exports} onChange={(event) => setExports(event.target.checked)} className="size-4 accent-accent" />
          {t("give.export")}
        </label>
      )}
      {about === "patient" && (
        <details>
          <summary className="cursor-pointer text-soft">{t("give.issuerAsk")}</summary>
          <TextField className="mt-2" label={t("give.issuer")} value={issuer} onChange={(event) => setIssuer(event.target.value)} />
        </details>
      )}
    </ActionDialog>
  );
}
