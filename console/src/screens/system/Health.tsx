// Whether each part works, and what the archive holds.
import { Activity, CircleAlert, CircleCheck, Database, FileBadge, ScrollText } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Badge, Facts, Loading, Panel, Refused, When, type Tone } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { KeyFigures } from "../../components/KeyFigures";
import { count } from "../../lib/amounts";
import { useConfiguration, useHealth, useStatus } from "./queries";
import { distinct, partsOf, toneOfExpiry, type Health, type Status } from "./system";

const STATES: Record<Health["status"], Tone> = { ready: "good", attention: "warn", "not-ready": "bad" };

/** `whole`: the state of the system may be read too, not only its health; `configured`: how it is set up, too. */
export function HealthPlace({ whole, configured }: { whole: boolean; configured: boolean }) {
  const { t } = useTranslation("system");
  const health = useHealth(true);
  const status = useStatus(whole);
  const configuration = useConfiguration(configured);
  if (health.isError) return <Refused error={health.error} retry={() => void health.refetch()} />;
  if (health.isPending || (whole && status.isPending)) return <Loading />;
  const now = health.data;
  const ends = now.certificates.filter((certificate) => certificate !== null).map((certificate) => certificate.not_after_ms);
  const first = ends.length === 0 ? null : Math.min(...ends);
  return (
    <div className="flex flex-col gap-3">
      <KeyFigures
        label={t("figures")}
        of={[
          { name: t("state"), value: t(`states.${now.status}`), hint: t("version", { version: now.version }), tone: STATES[now.status], icon: <Activity size={15} aria-hidden /> },
          {
            name: t("auditLog"),
            value: t(now.audit.accepting ? "accepting" : "notAccepting"),
            hint: status.data && t("leaves", { leaves: count(status.data.audit.leaves) }),
            tone: now.audit.accepting ? "good" : "bad",
            icon: <ScrollText size={15} aria-hidden />,
          },
          {
            name: t("storage"),
            value: t(now.storage.writable ? "writable" : "notWritable"),
            hint: t("quorum", { count: now.storage.write_quorum }),
            tone: now.storage.writable ? "good" : "bad",
            icon: <Database size={15} aria-hidden />,
          },
          {
            name: t("firstExpiry"),
            value: first === null ? "–" : <When ms={first} />,
            hint: t("firstExpiryHint"),
            tone: first === null ? "neutral" : toneOfExpiry(first, Date.now()) === "good" ? "neutral" : toneOfExpiry(first, Date.now()),
            icon: <FileBadge size={15} aria-hidden />,
          },
        ]}
      />
      <div className="grid items-start gap-3 lg:grid-cols-2">
        <Parts of={partsOf(now, status.data, configuration.data)} />
        {status.isError && <Refused error={status.error} retry={() => void status.refetch()} />}
        {status.data && <Held status={status.data} />}
      </div>
      {status.data && <Certificates status={status.data} />}
      <div className="flex flex-wrap">
        <CopyAs cli="yingdun maintenance health" path="/api/v1/system/health" />
      </div>
    </div>
  );
}

// === helpers ===

function Parts({ of }: { of: { part: string; tone: Tone }[] }) {
  const { t, i18n } = useTranslation("system");
  return (
    <Panel title={t("parts.title")}>
      <ul className="grid gap-x-6 gap-y-2 p-4 sm:grid-cols-2">
        {of.map(({ part, tone }) => (
          <li key={part} className="flex items-center gap-2">
            {tone === "good" ? (
              <CircleCheck size={16} aria-hidden className="shrink-0 text-good" />
            ) : (
              <CircleAlert size={16} aria-hidden className={`shrink-0 ${tone === "bad" ? "text-bad" : "text-warn"}`} />
            )}
            <span className="min-w-0 flex-1 truncate">{i18n.exists(`system:parts.${part}`) ? t(`parts.${part}`) : part}</span>
            {tone !== "good" && <Badge tone={tone}>{t(tone === "bad" ? "parts.silent" : "parts.attention")}</Badge>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Held({ status }: { status: Status }) {
  const { t } = useTranslation("system");
  const heartbeat = status.audit.completeness?.heartbeat;
  return (
    <Panel title={t("held.title")}>
      <div className="p-4">
        <Facts
          of={[
            [t("held.institution"), status.institution],
            [t("held.studies"), t("held.counts", { studies: count(status.holdings.studies), series: count(status.holdings.series), instances: count(status.holdings.instances) })],
            [t("held.conflicts"), count(status.holdings.patient_conflicts + status.holdings.accession_conflicts)],
            [t("held.signed"), t("held.signedOf", { size: count(status.audit.checkpoint_size), leaves: count(status.audit.leaves) })],
            ...(status.audit.witnessed_size === null ? [] : [[t("held.witnessed"), count(status.audit.witnessed_size)] as [string, string]]),
            ...(heartbeat ? [[t("held.heartbeat"), t("held.heartbeatOf", { seconds: heartbeat.age_s })] as [string, string]] : []),
            [
              t("held.policies"),
              <code key="policies" className="font-mono text-xs" title={status.policy_set}>
                {status.policy_set.slice(0, 16)}…
              </code>,
            ],
          ]}
        />
      </div>
    </Panel>
  );
}

function Certificates({ status }: { status: Status }) {
  const { t } = useTranslation("system");
  const all = distinct(status.certificates);
  if (all.length === 0) return null;
  return (
    <Panel title={t("certificates")}>
      <ul className="divide-y">
        {all.map((certificate) => (
          <li key={certificate.sha256} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5" title={`SHA-256 ${certificate.sha256}`}>
            <span className="font-medium">{certificate.subject}</span>
            <span className="text-soft">{certificate.names.join(", ")}</span>
            <span className="ml-auto flex items-center gap-2">
              <span className="text-soft">
                {t("until")} <When ms={certificate.not_after_ms} exact />
              </span>
              <Badge tone={toneOfExpiry(certificate.not_after_ms, Date.now())}>{t(`expiry.${toneOfExpiry(certificate.not_after_ms, Date.now())}`)}</Badge>
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
