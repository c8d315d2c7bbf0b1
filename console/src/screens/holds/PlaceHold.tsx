// Placing a hold on one study, or on everything of a patient.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { Choice, TextField } from "../../components/forms";
import { REASONS, type Reason } from "./holds";

export function PlaceHold({ onClose, onPlaced }: { onClose: () => void; onPlaced: (hold: string) => void }) {
  const { t } = useTranslation("holds");
  const [subject, setSubject] = useState<"study" | "patient">("study");
  const [study, setStudy] = useState("");
  const [patient, setPatient] = useState("");
  const [issuer, setIssuer] = useState("");
  const [reason, setReason] = useState<Reason>("litigation");
  const named = subject === "study" ? study.trim() : patient.trim();
  return (
    <ActionDialog
      action={{
        title: t("place.title"),
        button: t("place.button"),
        consequences: [t(`place.${subject}`), t("place.until"), t("place.late")],
        incomplete: named === "",
        changes: ["holds"],
        perform: async () => {
          const route = "/api/v1/holds";
          const placed = await body(
            subject === "study"
              ? api.POST(route, { body: { study: named, reason } })
              : api.POST(route, { body: { patient_id: named, ...(issuer.trim() === "" ? {} : { issuer: issuer.trim() }), reason } }),
          );
          onPlaced(placed.id);
        },
      }}
      onClose={onClose}
    >
      <Choice
        label={t("subject")}
        options={[
          ["study", t("subjects.study")],
          ["patient", t("subjects.patient")],
        ]}
        value={subject}
        onChange={(event) => setSubject(event.target.value as "study" | "patient")}
      />
      {subject === "study" ? (
        <TextField label="Study Instance UID" required autoComplete="off" spellCheck={false} maxLength={64} value={study} onChange={(event) => setStudy(event.target.value)} />
      ) : (
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label={t("patientId")} required autoComplete="off" spellCheck={false} maxLength={64} value={patient} onChange={(event) => setPatient(event.target.value)} />
          <TextField label={t("issuer")} hint={t("issuerHint")} autoComplete="off" spellCheck={false} maxLength={64} value={issuer} onChange={(event) => setIssuer(event.target.value)} />
        </div>
      )}
      <Choice
        label={t("reason")}
        options={REASONS.map((one) => [one, t(`reasons.${one}`)])}
        value={reason}
        onChange={(event) => setReason(event.target.value as Reason)}
      />
    </ActionDialog>
  );
}
