// Who looked at the images of a patient or a study: asked once, named by a reference in the address.
import { Search } from "lucide-react";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Button, Empty, Refused } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { Chip, FilterRow, Toggle, useFilters } from "../../components/Filters";
import { Choice, TextField } from "../../components/forms";
import { SavedFilters } from "../../components/SavedFilters";
import { moment } from "../../lib/time";
import { EvidenceButton } from "../audit/bundle/EvidenceButton";
import type { Question as Asked } from "../audit/bundle/ask";
import { isReference, isUid } from "../audit/query";
import { referenceOfPatient } from "../audit/reference";
import { AccessTable, recordOf } from "./AccessTable";
import { ABOUT, aboutOf, commandOf, FILTERS, SPAN, spanOf, type About, type AccessFilters } from "./query";

/** Spans that have a name: they begin anew each day, and so are worth keeping. */
const WHEN = ["today", "week", "month"] as const;

export function WhoLooked() {
  const { t } = useTranslation("accesses");
  const [filters, change] = useFilters(FILTERS) as [AccessFilters, (next: AccessFilters) => void];
  const [typed, setTyped] = useState<ReadonlyMap<string, string>>(new Map());
  const [issuers, setIssuers] = useState<ReadonlyMap<string, string>>(new Map());
  const about = aboutOf(filters);
  const span = spanOf(filters, new Date());
  const cli = about && commandOf(about, typed.has(filters.patient ?? ""), span);
  const evidence = evidenceOf(about, typed, issuers, span);
  const chips: [string, keyof AccessFilters][] = [];
  if (filters.patient) chips.push([t("ofPatient", { name: typed.get(filters.patient) ?? filters.patient.slice(0, 8) }), "patient"]);
  if (filters.study) chips.push([t("ofStudy", { name: filters.study.slice(0, 8) }), "study"]);
  if (filters.study_uid) chips.push([t("ofStudy", { name: filters.study_uid }), "study_uid"]);
  if (filters.when === undefined && span.from_ms !== undefined) chips.push([t("fromChip", { at: moment(span.from_ms) }), "from_ms"]);
  if (span.until_ms !== undefined) chips.push([t("untilChip", { at: moment(span.until_ms) }), "until_ms"]);
  return (
    <>
      <Question
        change={change}
        onTyped={(reference, text, issuer) => {
          setTyped((before) => new Map(before).set(reference, text));
          setIssuers((before) => new Map(before).set(reference, issuer));
        }}
      />
      <FilterRow>
        {WHEN.map((when) => (
          <Toggle key={when} on={filters.when === when} onChange={(on) => change({ when: on ? when : "", from_ms: "", until_ms: "" })}>
            {t(`when.${when}`)}
          </Toggle>
        ))}
        <SavedFilters table="accesses" names={["of", ...SPAN]} only={ABOUT} />
      </FilterRow>
      {chips.length > 0 && (
        <div className="flex flex-wrap gap-2">
          {chips.map(([text, name]) => (
            <Chip key={name} onRemove={() => change({ [name]: "" })}>
              <span className="max-w-72 truncate" title={filters[name]}>
                {text}
              </span>
            </Chip>
          ))}
        </div>
      )}
      {about === null ? (
        <Empty title={t("ask")}>{t("askHelp")}</Empty>
      ) : (
        <>
          <AccessTable
            key={JSON.stringify({ about, span })}
            name="who-looked"
            label={t("others")}
            queryKey={["accesses", about, span]}
            ask={(cursor, limit) => [
              "/api/v1/audit/accesses",
              {
                method: "POST",
                headers: { "Content-Type": "application/json" },
                body: JSON.stringify({ ...about, ...span, limit, ...(cursor === null ? {} : { cursor }) }),
              },
            ]}
            typed={typed}
            own={false}
            placeOf={recordOf}
            empty={<Empty title={t("emptyOthers")}>{t("emptyOthersHelp")}</Empty>}
            unknown={
              <p role="alert" className="rounded-lg bg-warn-wash p-4 text-warn">
                {t("unknown")}
              </p>
            }
          />
          <div className="flex flex-wrap items-center gap-3 text-soft">
            {evidence && <EvidenceButton key={JSON.stringify(evidence)} question={evidence} name={"patient_id" in evidence ? "patient" : "study"} />}
            {t("openRecord")}
            {cli && <CopyAs cli={cli} />}
          </div>
        </>
      )}
    </>
  );
}

// === helpers ===

/** What evidence there is to ask for: the archive takes an ID or a UID for it, and no reference. */
function evidenceOf(about: About | null, typed: ReadonlyMap<string, string>, issuers: ReadonlyMap<string, string>, span: { from_ms?: number; until_ms?: number }): Asked | null {
  if (about === null) return null;
  if ("study_uid" in about) return { study_uid: about.study_uid, ...span };
  const id = "patient" in about ? typed.get(about.patient) : undefined;
  if (id === undefined || !("patient" in about)) return null;
  const issuer = issuers.get(about.patient) ?? "";
  return { patient_id: id, ...(issuer === "" ? {} : { issuer }), ...span };
}

function Question({ change, onTyped }: { change: (next: AccessFilters) => void; onTyped: (reference: string, text: string, issuer: string) => void }) {
  const { t } = useTranslation("accesses");
  const [by, setBy] = useState<"patient" | "study">("patient");
  const [value, setValue] = useState("");
  const [issuer, setIssuer] = useState("");
  const [from, setFrom] = useState("");
  const [until, setUntil] = useState("");
  const [fault, setFault] = useState<string>();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const text = value.trim();
    setError(null);
    if (text === "") return setFault(t("needed"));
    if (by === "study" && !isReference(text) && !isUid(text)) return setFault(t("wrongStudy"));
    setFault(undefined);
    const ms = (local: string) => (local === "" ? "" : String(new Date(local).getTime()));
    // A span that is written here takes the place of one that has a name.
    const span = from === "" && until === "" ? { from_ms: "", until_ms: "" } : { from_ms: ms(from), until_ms: ms(until), when: "" };
    if (by === "study") return change({ patient: "", study: isReference(text) ? text : "", study_uid: isReference(text) ? "" : text, ...span });
    setBusy(true);
    try {
      const patient = isReference(text) ? text : await referenceOfPatient(text, issuer.trim());
      if (patient !== text) onTyped(patient, text, issuer.trim());
      change({ patient, study: "", study_uid: "", ...span });
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-3 rounded-lg border bg-surface p-4 shadow-raised">
      <div className="grid gap-x-4 gap-y-2 sm:grid-cols-2 xl:grid-cols-[9rem_minmax(14rem,1fr)_12rem_13rem_13rem_auto]">
        <Choice
          label={t("by")}
          value={by}
          onChange={(event) => {
            setBy(event.target.value === "study" ? "study" : "patient");
            setFault(undefined);
          }}
          options={[["patient", t("byPatient")], ["study", t("byStudy")]]}
        />
        <TextField
          label={t(by === "study" ? "valueStudy" : "value")}
          hint={by === "patient" ? t("privacy") : undefined}
          fault={fault}
          value={value}
          onChange={(event) => setValue(event.target.value)}
          autoFocus
          autoComplete="off"
          spellCheck={false}
        />
        <TextField label={t("issuer")} hint={t("issuerHelp")} disabled={by === "study"} value={issuer} onChange={(event) => setIssuer(event.target.value)} autoComplete="off" />
        <TextField label={t("from")} type="datetime-local" step={1} value={from} onChange={(event) => setFrom(event.target.value)} />
        <TextField label={t("until")} hint={t("untilHelp")} type="datetime-local" step={1} value={until} onChange={(event) => setUntil(event.target.value)} />
        <div className="xl:pt-6">
          <Button look="primary" type="submit" className="h-9" busy={busy}>
            <Search size={15} aria-hidden /> {t("search")}
          </Button>
        </div>
      </div>
      {error !== null && <Refused error={error} />}
    </form>
  );
}
