// Entering what a patient has against whom, or sealing the patient's studies.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { CheckList } from "../../components/CheckList";
import { Choice, TextArea, TextField } from "../../components/forms";
import { KINDS, type Kind } from "./dissents";

const MS_PER_DAY = 86_400_000;
const DAYS = [0, 30, 90, 365];

export function EnterDissent({ onClose, onEntered }: { onClose: () => void; onEntered: (dissent: string) => void }) {
  const { t } = useTranslation("dissents");
  const [kind, setKind] = useState<Kind>("person");
  const [patient, setPatient] = useState("");
  const [issuer, setIssuer] = useState("");
  const [whom, setWhom] = useState("");
  const [days, setDays] = useState(0);
  const [options, setOptions] = useState<string[]>([]);
  const [now] = useState(Date.now());

  const perform = async () => {
    const common = {
      patient_id: patient.trim(),
      ...(issuer.trim() === "" ? {} : { issuer: issuer.trim() }),
      break_glass: options.includes("breakGlass"),
      unknown: options.includes("unknown"),
      ...(days === 0 ? {} : { valid_until_ms: now + days * MS_PER_DAY }),
    };
    const route = "/api/v1/dissents";
    const name = whom.trim();
    const names = whom.split(/[\s,，、]+/).filter((one) => one !== "");
    const entered = await body(
      kind === "person"
        ? api.POST(route, { body: { ...common, against: kind, name } })
        : kind === "department"
          ? api.POST(route, { body: { ...common, against: kind, department: name } })
          : kind === "sealed"
            ? api.POST(route, { body: { ...common, against: kind, names } })
            : api.POST(route, { body: { ...common, against: kind } }),
    );
    onEntered(entered.dissent);
  };
  return (
    <ActionDialog
      action={{
        title: t("enter"),
        button: t("submit"),
        danger: kind === "sealed",
        consequences: [t(`help.${kind}`), t("nowHere")],
        incomplete: patient.trim() === "" || ((kind === "person" || kind === "department") && whom.trim() === ""),
        changes: ["dissents"],
        perform,
      }}
      onClose={onClose}
    >
      <Choice
        label={t("against")}
        options={KINDS.map((one) => [one, t(`kinds.${one}`)])}
        value={kind}
        onChange={(event) => {
          setKind(event.target.value as Kind);
          setWhom("");
        }}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField label={t("patientId")} autoFocus required autoComplete="off" spellCheck={false} maxLength={64} value={patient} onChange={(event) => setPatient(event.target.value)} />
        <TextField label={t("issuer")} hint={t("issuerHint")} autoComplete="off" spellCheck={false} maxLength={64} value={issuer} onChange={(event) => setIssuer(event.target.value)} />
      </div>
      {(kind === "person" || kind === "department") && (
        <TextField
          label={t(kind === "person" ? "loginName" : "department")}
          hint={kind === "department" ? t("departmentHint") : undefined}
          required
          autoComplete="off"
          spellCheck={false}
          value={whom}
          onChange={(event) => setWhom(event.target.value)}
        />
      )}
      {kind === "sealed" && <TextArea label={t("stillSee")} hint={t("stillSeeHint")} rows={2} spellCheck={false} value={whom} onChange={(event) => setWhom(event.target.value)} />}
      <Choice
        label={t("until")}
        options={DAYS.map((count) => [String(count), count === 0 ? t("untilEnded") : t("days", { count })])}
        value={String(days)}
        onChange={(event) => setDays(Number(event.target.value))}
      />
      <CheckList
        label={t("exceptions")}
        options={[
          { value: "breakGlass", name: t("breakGlassPasses"), hint: t("breakGlassHint") },
          { value: "unknown", name: t("unknown"), hint: t("unknownHint") },
        ]}
        chosen={options}
        onChange={setOptions}
      />
    </ActionDialog>
  );
}
