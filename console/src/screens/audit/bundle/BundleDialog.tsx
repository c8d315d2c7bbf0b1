// Evidence that leaves the house: what it is to be about, what it holds, and what of it holds when it is checked here first.
import { BadgeCheck, FileArchive, ShieldAlert, ShieldQuestion } from "lucide-react";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../../api/queries";
import { Button, Facts, Refused } from "../../../components/basics";
import { CopyAs } from "../../../components/CopyAs";
import { Dialog } from "../../../components/Dialog";
import { Choice, TextField } from "../../../components/forms";
import { moment } from "../../../lib/time";
import { quoted } from "../../../lib/words";
import { isUid, spanOf, type AuditFilters } from "../query";
import { useTrusted } from "../trust";
import { check, type Answer } from "./answer";
import { ask, type Question } from "./ask";
import { pack, type Packed } from "./pack";

interface Made {
  answer: Answer;
  packed: Packed;
  checked: Awaited<ReturnType<typeof check>>;
  question: Question;
}

type Of = "study" | "patient" | "actor";

interface Asked {
  of: Of;
  value: string;
  issuer: string;
  span: Local;
}

export function BundleDialog({ filters, log, onClose }: { filters: AuditFilters; log: string; onClose: () => void }) {
  const { t } = useTranslation("audit");
  const me = useMe().data;
  const trusted = useTrusted(log);
  const [opened] = useState(() => new Date());
  const [typed, setTyped] = useState<Partial<Asked>>({});
  const { of, value, issuer, span } = { ...askedBy(filters, opened), ...typed };
  const type = (fields: Partial<Asked>) => setTyped((before) => ({ ...before, ...fields }));
  const [fault, setFault] = useState<string>();
  const [made, setMade] = useState<Made | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const make = async (question: Question) => {
    setBusy(true);
    setError(null);
    try {
      const answer = await ask(question);
      const [first] = answer.leaves;
      const name = `evidence-${of}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}${first ? `-${first.index}` : ""}.zip`;
      const packed = await pack(answer, name, me?.version ?? "");
      const checked = await check(answer, trusted?.key ?? null);
      // What does not hold leaves only when somebody asks for it after reading that.
      if (answer.leaves.length > 0 && checked.broken === 0) packed.keep();
      setMade({ answer, question, packed, checked });
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const text = value.trim();
    const wrong = text === "" ? t("bundle.needed") : of === "study" && !isUid(text) ? t("bundle.wrongUid") : undefined;
    setFault(wrong);
    if (wrong === undefined) void make(questionOf(of, text, issuer.trim(), span));
  };
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={t("bundle.title")}
      footer={
        made ? (
          <Button onClick={() => setMade(null)}>{t("bundle.another")}</Button>
        ) : (
          <Button look="primary" type="submit" form="audit-bundle" busy={busy}>
            <FileArchive size={15} aria-hidden /> {t("bundle.make")}
          </Button>
        )
      }
    >
      {made ? (
        <Result made={made} busy={busy} onNext={(cursor) => void make({ ...made.question, cursor })} />
      ) : (
        <form id="audit-bundle" onSubmit={submit} className="space-y-4">
          <div className="grid gap-x-4 gap-y-2 sm:grid-cols-2">
            <Choice
              label={t("bundle.of")}
              value={of}
              onChange={(event) => {
                type({ of: event.target.value as Of });
                setFault(undefined);
              }}
              options={[["actor", t("bundle.actor")], ["patient", t("bundle.patient")], ["study", t("bundle.study")]]}
            />
            <TextField label={t(`bundle.${of}Value`)} autoFocus fault={fault} value={value} onChange={(event) => type({ value: event.target.value })} autoComplete="off" />
            {of === "patient" && (
              <TextField className="sm:col-start-2" label={t("filters.issuer")} hint={t("filters.issuerHelp")} value={issuer} onChange={(event) => type({ issuer: event.target.value })} autoComplete="off" />
            )}
            <TextField className="sm:col-start-1" label={t("filters.from_ms")} type="datetime-local" step={1} value={span.from} onChange={(event) => type({ span: { ...span, from: event.target.value } })} />
            <TextField label={t("filters.until_ms")} hint={t("filters.untilHelp")} type="datetime-local" step={1} value={span.until} onChange={(event) => type({ span: { ...span, until: event.target.value } })} />
          </div>
          <div className="rounded-lg bg-raised p-4">
            <p className="mb-1 font-semibold">{t("bundle.holds")}</p>
            <ul className="list-disc space-y-0.5 pl-5">
              {["leaves", "head", "policy", "report", "tools"].map((part) => (
                <li key={part}>{t(`bundle.part.${part}`)}</li>
              ))}
            </ul>
            <p className="mt-2 text-soft">{t("bundle.bound")}</p>
          </div>
          {error !== null && <Refused error={error} />}
          <CopyAs cli={commandOf(of, value.trim(), issuer.trim(), span)} />
        </form>
      )}
    </Dialog>
  );
}

// === helpers ===

/** What the list beside it is of, as long as nobody typed something else: its filters may be a moment behind its address. */
function askedBy(filters: AuditFilters, now: Date): Asked {
  return {
    of: filters.study_uid ? "study" : filters.patient ? "patient" : "actor",
    value: filters.study_uid ?? (filters.patient ? "" : (filters.actor ?? "")),
    issuer: "",
    span: localOf(spanOf(filters, now)),
  };
}

function Result({ made, busy, onNext }: { made: Made; busy: boolean; onNext: (cursor: string) => void }) {
  const { t } = useTranslation("audit");
  const { answer, packed, checked } = made;
  const { next } = answer;
  const bad = checked.broken > 0;
  const Icon = bad ? ShieldAlert : checked.signed ? BadgeCheck : ShieldQuestion;
  const look = bad ? "bg-bad-wash text-bad" : checked.signed ? "bg-good-wash text-good" : "bg-warn-wash text-warn";
  return (
    <div className="space-y-4">
      <div role="status" className={`flex items-start gap-3 rounded-lg p-4 ${look}`}>
        <Icon size={22} className="shrink-0" aria-hidden />
        <p className="font-medium">
          {answer.leaves.length === 0
            ? t("bundle.nothing")
            : bad
              ? t("bundle.broken", { count: checked.broken })
              : t(checked.signed ? "bundle.proved" : "bundle.unsigned", { count: checked.holds })}
        </p>
      </div>
      <Facts
        of={[
          [t("bundle.file"), packed.name],
          [t("bundle.size"), `${packed.bytes.toLocaleString()} B`],
          ["SHA-256", <span key="sum" className="font-mono text-xs break-all">{packed.sha256}</span>],
          [t("bundle.found"), answer.found ? `${answer.found.is_exact ? "" : "≥ "}${answer.found.leaves}` : "—"],
          [t("bundle.here"), String(answer.leaves.length)],
        ]}
      />
      <div className="flex flex-wrap gap-2">
        <Button look="primary" onClick={packed.keep}>
          <FileArchive size={15} aria-hidden /> {t("bundle.keep")}
        </Button>
        {next !== null && (
          <Button busy={busy} onClick={() => onNext(next)}>
            {t("bundle.next")}
          </Button>
        )}
      </div>
      {next !== null && <p className="text-warn">{t("bundle.cut")}</p>}
      <div>
        <p className="mb-1 text-soft">{t("bundle.verify")}</p>
        <code className="block overflow-x-auto rounded-md bg-raised px-3 py-2 font-mono text-xs whitespace-nowrap" tabIndex={0}>
          yingdun audit verify-bundle {packed.name} --public-key audit.vkey
        </code>
      </div>
      <p className="text-soft">{t("bundle.proves")}</p>
    </div>
  );
}

interface Local {
  from: string;
  until: string;
}

/** As a field for a local time has it. */
function localOf({ from_ms, until_ms }: { from_ms?: number; until_ms?: number }): Local {
  const local = (ms: number | undefined) => (ms === undefined ? "" : moment(ms).replace(" ", "T"));
  return { from: local(from_ms), until: local(until_ms) };
}

const msOf = (local: string): number | undefined => (local === "" ? undefined : new Date(local).getTime());

function questionOf(of: Of, value: string, issuer: string, { from, until }: Local): Question {
  const [from_ms, until_ms] = [msOf(from), msOf(until)];
  const span = { ...(from_ms === undefined ? {} : { from_ms }), ...(until_ms === undefined ? {} : { until_ms }) };
  if (of === "study") return { study_uid: value, ...span };
  return of === "patient" ? { patient_id: value, ...(issuer === "" ? {} : { issuer }), ...span } : { actor: value, ...span };
}

/** The command of the same bundle. A patient ID comes from standard input: commands are kept in histories. */
function commandOf(of: Of, value: string, issuer: string, { from, until }: Local): string {
  const [from_ms, until_ms] = [msOf(from), msOf(until)];
  const about = of === "patient" ? "--patient-id-file -" : `--${of === "study" ? "study-uid" : "actor"} ${quoted(value)}`;
  return [
    `yingdun audit bundle ${about}`,
    ...(of === "patient" && issuer !== "" ? [`--issuer ${quoted(issuer)}`] : []),
    ...(from_ms === undefined ? [] : [`--from-ms ${from_ms}`]),
    ...(until_ms === undefined ? [] : [`--until-ms ${until_ms}`]),
    "--out evidence.zip",
  ].join(" ");
}
