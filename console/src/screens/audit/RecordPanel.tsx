// Every field of a leaf, in words, and the ways from it to everything about the same person, patient or study.
import { Eye, ShieldCheck } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Button, Facts, When } from "../../components/basics";
import { Actor, Outcome, useWord } from "./leaf/words";
import type { AuditFilters } from "./query";
import type { Row } from "./search";

export function RecordPanel({ row, typed, onProve, onFilter }: {
  row: Row;
  typed: ReadonlyMap<string, string>;
  /** Nothing where this node cannot prove it. */
  onProve?: (() => void) | undefined;
  onFilter?: ((filters: AuditFilters) => void) | undefined;
}) {
  const { t } = useTranslation("audit");
  const { leaf } = row;
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap items-center gap-2">
        <Outcome of={leaf.outcome} />
        <When ms={leaf.time_ms} exact />
        {onProve && (
          <Button look="primary" className="ml-auto" onClick={onProve}>
            <ShieldCheck size={15} aria-hidden /> {t("record.prove")}
          </Button>
        )}
      </div>
      <RecordFacts row={row} typed={typed} />
      {onFilter && <Everything row={row} onFilter={onFilter} />}
      <details className="rounded-md border">
        <summary className="px-3 py-2 font-medium">{t("record.spelling")}</summary>
        <pre className="overflow-auto border-t bg-raised p-3 font-mono text-xs break-all whitespace-pre-wrap">{row.spelling}</pre>
      </details>
    </div>
  );
}

export function RecordFacts({ row, typed }: { row: Row; typed: ReadonlyMap<string, string> }) {
  const { t, i18n } = useTranslation("audit");
  const word = useWord();
  const { leaf } = row;
  const facts: [string, ReactNode][] = [
    [t("record.who"), <Actor key="who" name={leaf.actor} kind={leaf.actor_kind} role={leaf.role} />],
    [t("record.kind"), word("kind", leaf.kind)],
    [t("record.action"), word("action", leaf.action)],
    [t("record.reason"), <span key="reason" title={leaf.reason}>{word("reason", leaf.reason)}</span>],
    [t("record.purpose"), leaf.purpose && <span key="purpose" title={leaf.purpose}>{word("purpose", leaf.purpose)}</span>],
    [t("record.patient"), <Digits key="patient" of={leaf.patient} said={typed.get(leaf.patient ?? "")} />],
    [t("record.study"), <Digits key="study" of={leaf.study} said={typed.get(leaf.study ?? "")} />],
    [t("record.instance"), <Digits key="instance" of={leaf.instance} />],
    [t("record.counts"), countsOf(leaf.counts, i18n.language, (name) => word("count", name))],
    [t("record.node"), leaf.node],
    [t("record.log"), row.log],
    [t("record.institution"), leaf.institution],
    [t("record.monotonic"), t("record.monotonicHelp", { seconds: (leaf.monotonic_ns / 1e9).toFixed(3) })],
    [t("record.boot"), <Digits key="boot" of={leaf.boot} />],
    [t("record.policySet"), <Digits key="policy" of={leaf.policy_set} />],
    [t("record.content"), <Digits key="content" of={leaf.content_sha256} />],
    [t("record.detail"), <Digits key="detail" of={leaf.detail_sha256} />],
    [t("record.hash"), <Digits key="hash" of={row.leafHash} />],
  ];
  return <Facts of={facts.filter(([, value]) => value !== undefined && value !== "" && value !== null && !isEmpty(value))} />;
}

// === helpers ===

function Everything({ row, onFilter }: { row: Row; onFilter: (filters: AuditFilters) => void }) {
  const { t } = useTranslation("audit");
  const { leaf } = row;
  const ways: [string, AuditFilters][] = [
    [t("record.ofPerson"), leaf.actor_kind === "device" ? { device: leaf.actor } : { actor: leaf.actor }],
    ...(leaf.patient ? [[t("record.ofPatient"), { patient: leaf.patient }] as [string, AuditFilters]] : []),
    ...(leaf.study ? [[t("record.ofStudy"), { study: leaf.study }] as [string, AuditFilters]] : []),
  ];
  const looked: [string, string][] = [
    ...(leaf.patient ? [[t("record.whoLookedPatient"), `patient=${leaf.patient}`] as [string, string]] : []),
    ...(leaf.study ? [[t("record.whoLookedStudy"), `study=${leaf.study}`] as [string, string]] : []),
  ];
  return (
    <div className="flex flex-wrap gap-2">
      {ways.map(([name, filters]) => (
        <Button key={name} onClick={() => onFilter(filters)}>
          {name}
        </Button>
      ))}
      {looked.map(([name, query]) => (
        <Link key={name} to={`/accesses?of=others&${query}`} className="inline-flex h-8 items-center gap-1.5 rounded-md border bg-surface px-3 font-medium hover:bg-raised">
          <Eye size={15} aria-hidden /> {name}
        </Link>
      ))}
    </div>
  );
}

function Digits({ of, said }: { of: string | undefined; said?: string | undefined }) {
  if (!of) return null;
  return (
    <span>
      {said && <span className="mr-2">{said}</span>}
      <span className="font-mono text-xs break-all">{of}</span>
    </span>
  );
}

/** Whether something is drawn that would show nothing. */
function isEmpty(value: ReactNode): boolean {
  return typeof value === "object" && value !== null && "props" in value && "of" in (value.props as object) && !(value.props as { of?: unknown }).of;
}

function countsOf(counts: Record<string, number> | undefined, language: string, name: (word: string) => string): string {
  return Object.entries(counts ?? {})
    .map(([key, count]) => `${name(key)} ${count.toLocaleString(language)}`)
    .join(" · ");
}
