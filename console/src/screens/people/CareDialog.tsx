// A patient comes into the care of a person, or leaves it. The archive lists no care relations: they are given and ended by the patient ID.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { When } from "../../components/basics";
import { Choice, TextField } from "../../components/forms";

const MS_PER_DAY = 86_400_000;
const DAYS = [1, 7, 30, 90, 365];

export function CareDialog({ name, ends = false, onClose }: { name: string; ends?: boolean; onClose: () => void }) {
  const { t } = useTranslation("people");
  const [patient, setPatient] = useState("");
  const [issuer, setIssuer] = useState("");
  const [days, setDays] = useState(7);
  const [now] = useState(Date.now());
  const key = ends ? "endCare" : "care";
  const whom = { name, patient_id: patient.trim(), issuer: issuer.trim() };
  return (
    <ActionDialog
      action={{
        title: t(`${key}.title`, { name }),
        button: t(`${key}.submit`),
        danger: ends,
        consequences: [t(`${key}.what`, { name })],
        incomplete: whom.patient_id === "",
        changes: [],
        perform: () =>
          ends
            ? api.POST("/api/v1/care-relations/end", { body: whom })
            : api.PUT("/api/v1/care-relations", {
                body: { ...whom, valid_from_ms: now, valid_until_ms: now + days * MS_PER_DAY },
              }),
      }}
      onClose={onClose}
    >
      <TextField
        label={t("care.patient")}
        autoFocus
        required
        autoComplete="off"
        spellCheck={false}
        maxLength={64}
        value={patient}
        onChange={(event) => setPatient(event.target.value)}
      />
      <TextField
        label={t("care.issuer")}
        hint={t("care.issuerHint")}
        autoComplete="off"
        spellCheck={false}
        maxLength={64}
        value={issuer}
        onChange={(event) => setIssuer(event.target.value)}
      />
      {!ends && (
        <Choice
          label={t("care.days")}
          hint={
            <>
              {t("care.until")} <When ms={now + days * MS_PER_DAY} exact />
            </>
          }
          options={DAYS.map((count) => [String(count), t("days", { count })])}
          value={String(days)}
          onChange={(event) => setDays(Number(event.target.value))}
        />
      )}
    </ActionDialog>
  );
}
