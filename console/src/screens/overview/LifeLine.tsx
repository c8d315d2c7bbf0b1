// How the archive stands along the life of an image: where it lies, with which keys, what is on the record, and what is being worked on.
import { useTranslation } from "react-i18next";
import { Badge, Panel, type Tone } from "../../components/basics";
import { Meter } from "../../components/Meter";
import { bytes, count, percent } from "../../lib/amounts";
import type { Overview } from "./parts";

type Line = [name: string, tone: Tone, text: string];

export function LifeLine({ of }: { of: Overview }) {
  const { t } = useTranslation("overview");
  const lines = useLines(of);
  return (
    <Panel title={t("state")} actions={<Badge tone={of.health.status === "ready" ? "good" : of.health.status === "attention" ? "warn" : "bad"}>{t(`health.${of.health.status}`)}</Badge>}>
      <ul className="space-y-2.5 p-4">
        {of.health.parts.length > 0 && <li className="text-warn">{t("lookAt", { parts: of.health.parts.map((part) => t(`parts.${part}`, { defaultValue: part })).join("、") })}</li>}
        {lines.map(([name, tone, text]) => (
          <li key={name} className="flex items-start gap-2.5">
            <Badge tone={tone}>{name}</Badge>
            <span className="min-w-0">{text}</span>
          </li>
        ))}
        {of.jobs?.map((job) => (
          <li key={`${job.kind}${job.what ?? ""}`} className="space-y-1">
            <span className="flex justify-between gap-3">
              <span>
                {t(`job.${job.kind}`)} {job.what}
              </span>
              <span className="text-soft">{percent(job.done, job.total)}</span>
            </span>
            <Meter part={job.total > 0 ? job.done / job.total : 0} label={t(`job.${job.kind}`)} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

// === helpers ===

function useLines(of: Overview): Line[] {
  const { t } = useTranslation("overview");
  const lines: Line[] = [];
  if (of.storage) {
    const broken = of.storage.replicas.reduce((found, one) => found + one.awaiting_repair + one.quarantined, 0);
    const lost = of.storage.replicas.reduce((found, one) => found + one.lost, 0);
    lines.push([
      t("line.stored"),
      lost > 0 ? "bad" : broken > 0 ? "warn" : "good",
      t("storedIs", { packs: count(of.storage.packs), bytes: bytes(of.storage.bytes), broken, lost }),
    ]);
    for (const place of of.storage.offsite)
      lines.push([t("line.offsite"), place.behind ? "warn" : "good", t("offsiteIs", { label: place.label, count: place.lag_packs })]);
  }
  if (of.keys) lines.push([t("line.sealed"), "good", t("sealedIs", { studies: count(of.keys.studies), patients: count(of.keys.patients) })]);
  if (of.audit) {
    const hours = of.audit.reconciled_age_s === null ? null : Math.floor(of.audit.reconciled_age_s / 3600);
    lines.push([
      t("line.recorded"),
      of.audit.complete === false ? "bad" : of.audit.complete === null ? "neutral" : "good",
      hours === null ? t("neverReconciled") : t("reconciledIs", { hours, count: of.audit.discrepancies ?? 0 }),
    ]);
  }
  return lines;
}
