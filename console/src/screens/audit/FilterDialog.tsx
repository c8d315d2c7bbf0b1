// All filters of the log at once.
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Button, Refused } from "../../components/basics";
import { Dialog } from "../../components/Dialog";
import { Choice, TextField } from "../../components/forms";
import leafWords from "./leaf/en.json";
import { useWord } from "./leaf/words";
import { isReference, isUid, type AuditFilters } from "./query";
import { referenceOfPatient } from "./reference";

interface Given {
  filters: AuditFilters;
  change: (next: AuditFilters) => void;
  typed: ReadonlyMap<string, string>;
  onTyped: (reference: string, text: string) => void;
  onClose: () => void;
}

export function FilterDialog({ filters, change, typed, onTyped, onClose }: Given) {
  const { t } = useTranslation("audit");
  const word = useWord();
  const [draft, setDraft] = useState<AuditFilters>({
    ...filters,
    patient: typed.get(filters.patient ?? "") ?? filters.patient ?? "",
    study: filters.study_uid ?? filters.study ?? "",
    from_ms: localOf(filters.from_ms),
    until_ms: localOf(filters.until_ms),
  });
  const [issuer, setIssuer] = useState("");
  const [fault, setFault] = useState<string>();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const put = (name: keyof AuditFilters) => (event: { target: { value: string } }) => setDraft((now) => ({ ...now, [name]: event.target.value }));
  const options = (group: "action" | "kind" | "outcome" | "actorKind"): [string, string][] => [
    ["", t("filters.any")],
    ...Object.keys(leafWords[group]).map((key): [string, string] => [key, word(group, key)]),
  ];
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const study = (draft.study ?? "").trim();
    if (study !== "" && !isReference(study) && !isUid(study)) return setFault(t("filters.wrongStudy"));
    setBusy(true);
    setError(null);
    try {
      const patientText = (draft.patient ?? "").trim();
      const patient = patientText === "" || isReference(patientText) ? patientText : await referenceOfPatient(patientText, issuer.trim());
      if (patient !== patientText) onTyped(patient, patientText);
      const span = draft.when ?? "";
      change({
        actor: (draft.actor ?? "").trim(),
        device: (draft.device ?? "").trim(),
        log: (draft.log ?? "").trim(),
        actor_kind: draft.actor_kind ?? "",
        action: draft.action ?? "",
        kind: draft.kind ?? "",
        outcome: draft.outcome ?? "",
        patient,
        study: isReference(study) ? study : "",
        study_uid: isReference(study) ? "" : study,
        when: span,
        from_ms: span === "" ? msOf(draft.from_ms) : "",
        until_ms: msOf(draft.until_ms),
      });
      onClose();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={t("filters.title")}
      footer={
        <Button look="primary" type="submit" form="audit-filters" busy={busy}>
          {t("filters.apply")}
        </Button>
      }
    >
      <form id="audit-filters" onSubmit={(event) => void submit(event)} className="grid gap-x-4 gap-y-2 sm:grid-cols-2">
        <TextField label={t("filters.actor")} value={draft.actor ?? ""} onChange={put("actor")} autoComplete="off" />
        <TextField label={t("filters.device")} value={draft.device ?? ""} onChange={put("device")} autoComplete="off" />
        <Choice label={t("filters.kind")} options={options("kind")} value={draft.kind ?? ""} onChange={put("kind")} />
        <Choice label={t("filters.action")} options={options("action")} value={draft.action ?? ""} onChange={put("action")} />
        <Choice label={t("filters.outcome")} options={options("outcome")} value={draft.outcome ?? ""} onChange={put("outcome")} />
        <Choice label={t("filters.actor_kind")} options={options("actorKind")} value={draft.actor_kind ?? ""} onChange={put("actor_kind")} />
        <TextField label={t("filters.patient")} hint={t("filters.patientHelp")} value={draft.patient ?? ""} onChange={put("patient")} autoComplete="off" />
        <TextField label={t("filters.issuer")} hint={t("filters.issuerHelp")} value={issuer} onChange={(event) => setIssuer(event.target.value)} autoComplete="off" />
        <TextField label={t("filters.study")} hint={t("filters.studyHelp")} fault={fault} value={draft.study ?? ""} onChange={put("study")} autoComplete="off" />
        <TextField label={t("filters.log")} hint={t("filters.logHelp")} value={draft.log ?? ""} onChange={put("log")} autoComplete="off" />
        <Choice
          label={t("filters.when")}
          options={[["", t("filters.any")], ["today", t("filters.today")], ["week", t("filters.week")], ["month", t("filters.month")]]}
          value={draft.when ?? ""}
          onChange={put("when")}
        />
        <span className="hidden sm:block" />
        <TextField label={t("filters.from_ms")} type="datetime-local" step={1} disabled={Boolean(draft.when)} value={draft.from_ms ?? ""} onChange={put("from_ms")} />
        <TextField label={t("filters.until_ms")} hint={t("filters.untilHelp")} type="datetime-local" step={1} value={draft.until_ms ?? ""} onChange={put("until_ms")} />
        {error !== null && (
          <div className="sm:col-span-2">
            <Refused error={error} />
          </div>
        )}
      </form>
    </Dialog>
  );
}

// === helpers ===

/** Milliseconds as a field for a moment here has them. */
function localOf(ms: string | undefined): string {
  if (!ms || !/^\d+$/.test(ms)) return "";
  const of = new Date(Number(ms));
  return new Date(of.getTime() - of.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

function msOf(local: string | undefined): string {
  const ms = local ? new Date(local).getTime() : NaN;
  return Number.isFinite(ms) ? String(ms) : "";
}
