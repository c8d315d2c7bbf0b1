// Entering what a patient agreed to: to what, who agreed, and where the evidence is.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { CheckList } from "../../components/CheckList";
import { Choice, TextField } from "../../components/forms";
import { useDepartments } from "../people/queries";
import { KINDS, type Kind } from "./consents";

const MS_PER_DAY = 86_400_000;
const DAYS = [0, 90, 180, 365, 1095];
const UNKNOWN = "unknown";

export function EnterConsent({ onClose, onEntered }: { onClose: () => void; onEntered: (consent: string) => void }) {
  const { t } = useTranslation("consents");
  const departments = useDepartments().data?.departments ?? [];
  const [kind, setKind] = useState<Kind>("research");
  const [project, setProject] = useState("");
  const [patient, setPatient] = useState("");
  const [issuer, setIssuer] = useState("");
  const [form, setForm] = useState<"paper" | "electronic">("paper");
  const [giver, setGiver] = useState<"patient" | "guardian">("patient");
  const [reference, setReference] = useState("");
  const [days, setDays] = useState(0);
  const [options, setOptions] = useState<string[]>([]);
  const [now] = useState(Date.now());

  const perform = async () => {
    const common = {
      patient_id: patient.trim(),
      ...(issuer.trim() === "" ? {} : { issuer: issuer.trim() }),
      form,
      giver,
      reference: reference.trim(),
      unknown: options.includes(UNKNOWN),
      ...(days === 0 ? {} : { valid_until_ms: now + days * MS_PER_DAY }),
    };
    const route = "/api/v1/consents";
    const entered = await body(
      kind === "sharing"
        ? api.POST(route, { body: { ...common, to: kind } })
        : api.POST(route, { body: { ...common, to: kind, ...(project === "" ? {} : { project }) } }),
    );
    onEntered(entered.consent);
  };
  return (
    <ActionDialog
      action={{
        title: t("enter"),
        button: t("submit"),
        consequences: [t(`help.${kind}`), t("noRight")],
        incomplete: patient.trim() === "" || reference.trim() === "",
        changes: ["consents"],
        perform,
      }}
      onClose={onClose}
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Choice label={t("to")} options={KINDS.map((one) => [one, t(`kinds.${one}`)])} value={kind} onChange={(event) => setKind(event.target.value as Kind)} />
        {kind === "research" && (
          <Choice
            label={t("project")}
            hint={t("projectHint")}
            options={[["", t("everyProject")], ...departments.map((one): [string, string] => [one.department, one.name])]}
            value={project}
            onChange={(event) => setProject(event.target.value)}
          />
        )}
      </div>
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField label={t("patientId")} autoFocus required autoComplete="off" spellCheck={false} maxLength={64} value={patient} onChange={(event) => setPatient(event.target.value)} />
        <TextField label={t("issuer")} hint={t("issuerHint")} autoComplete="off" spellCheck={false} maxLength={64} value={issuer} onChange={(event) => setIssuer(event.target.value)} />
      </div>
      <div className="grid gap-4 sm:grid-cols-2">
        <Choice label={t("form")} options={(["paper", "electronic"] as const).map((one) => [one, t(`forms.${one}`)])} value={form} onChange={(event) => setForm(event.target.value as typeof form)} />
        <Choice label={t("giver")} hint={t("giverHint")} options={(["patient", "guardian"] as const).map((one) => [one, t(`givers.${one}`)])} value={giver} onChange={(event) => setGiver(event.target.value as typeof giver)} />
      </div>
      <TextField label={t("reference")} hint={t("referenceHint")} required autoComplete="off" maxLength={500} value={reference} onChange={(event) => setReference(event.target.value)} />
      <Choice
        label={t("until")}
        options={DAYS.map((count) => [String(count), count === 0 ? t("untilWithdrawn") : t("days", { count })])}
        value={String(days)}
        onChange={(event) => setDays(Number(event.target.value))}
      />
      <CheckList label={t("exceptions")} options={[{ value: UNKNOWN, name: t("unknown"), hint: t("unknownHint") }]} chosen={options} onChange={setOptions} />
    </ActionDialog>
  );
}
