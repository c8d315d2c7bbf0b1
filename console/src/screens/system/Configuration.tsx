// How the system is set up: doors and their TLS, who has to prove what, where images go, and what it is connected to. No secrets, no paths.
import { CircleCheck, CircleDashed, LockKeyhole, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Badge, Facts, Loading, Panel, Refused, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { bytes } from "../../lib/amounts";
import { listed } from "../../lib/words";
import { useConfiguration } from "./queries";
import type { Configuration, Door } from "./system";

export function ConfigurationPlace() {
  const configuration = useConfiguration();
  if (configuration.isError) return <Refused error={configuration.error} retry={() => void configuration.refetch()} />;
  if (configuration.isPending) return <Loading />;
  return (
    <div className="flex flex-col gap-3">
      <div className="grid items-start gap-3 lg:grid-cols-2 xl:grid-cols-3">
        {configuration.data.doors.map((door) => (
          <DoorPanel key={door.door} door={door} />
        ))}
      </div>
      <div className="grid items-start gap-3 lg:grid-cols-2 xl:grid-cols-3">
        <Identity of={configuration.data} />
        <StoragePanel of={configuration.data} />
        <Connected of={configuration.data} />
      </div>
      <div className="flex flex-wrap">
        <CopyAs cli="yingdun maintenance configuration" path="/api/v1/system/configuration" />
      </div>
    </div>
  );
}

// === helpers ===

function DoorPanel({ door }: { door: Door }) {
  const { t } = useTranslation("system");
  const tls = door.versions.length > 0;
  return (
    <Panel
      title={t(`doors.${door.door}`)}
      actions={
        <Badge tone={tls ? "good" : "warn"} icon={tls ? <LockKeyhole size={12} aria-hidden /> : <TriangleAlert size={12} aria-hidden />}>
          {tls ? `TLS ${door.versions.join(" / ")}` : t("doors.plain")}
        </Badge>
      }
    >
      <div className="space-y-3 p-4">
        <Facts
          of={[
            [t("doors.listen"), door.listen],
            [t("doors.client"), t(`doors.clients.${door.client_certificate.split(":")[0]?.replaceAll(" ", "-")}`, { defaultValue: door.client_certificate })],
            ...(door.certificate_subject === null ? [] : [[t("doors.certificate"), door.certificate_subject] as [string, string]]),
            ...(door.certificate_not_after_ms === null
              ? []
              : [[t("until"), <When key="until" ms={door.certificate_not_after_ms} exact />] as [string, ReactNode]]),
          ]}
        />
        {tls && (
          <details>
            <summary className="text-accent">{t("doors.algorithms", { count: door.suites.length })}</summary>
            <p className="mt-2 font-mono text-xs break-words text-soft">{door.key_exchange.join(", ")}</p>
            <ul className="mt-2 font-mono text-xs break-all text-soft">
              {door.suites.map((suite) => (
                <li key={suite}>{suite}</li>
              ))}
            </ul>
          </details>
        )}
      </div>
    </Panel>
  );
}

function Identity({ of }: { of: Configuration }) {
  const { t, i18n } = useTranslation(["system", "app"]);
  const roles = (names: string[]) => (names.length === 0 ? t("identity.nobody") : listed(names.map((role) => t(`app:roles.${role}`)), i18n.language));
  return (
    <Panel title={t("identity.title")}>
      <div className="p-4">
        <Facts
          of={[
            [t("identity.secondFactor"), roles(of.identity.require_second_factor_for)],
            [t("identity.passkey"), roles(of.identity.require_passkey_for)],
            [t("identity.stepUp"), t(of.identity.step_up_for_sensitive ? "yes" : "no")],
            [t("identity.idle"), t("identity.minutes", { count: of.identity.idle_minutes })],
            [t("identity.zones"), of.zones.length === 0 ? t("none") : of.zones.join(", ")],
          ]}
        />
      </div>
    </Panel>
  );
}

function StoragePanel({ of }: { of: Configuration }) {
  const { t } = useTranslation("system");
  return (
    <Panel title={t("kept.title")}>
      <div className="p-4">
        <Facts
          of={[
            [t("kept.replicas"), of.storage.replicas.map((replica) => `${replica.label} (${replica.failure_domain})`).join(", ")],
            [t("kept.offsite"), String(of.storage.offsite)],
            [t("kept.quorum"), String(of.storage.write_quorum)],
            [t("kept.domains"), of.storage.write_domains === null ? t("none") : String(of.storage.write_domains)],
            [t("kept.reserve"), bytes(of.storage.reserve_bytes)],
            [t("kept.largest"), bytes(of.storage.object_bytes_max)],
            [t("kept.scrub"), t("kept.days", { count: of.storage.scrub_days })],
          ]}
        />
      </div>
    </Panel>
  );
}

function Connected({ of }: { of: Configuration }) {
  const { t, i18n } = useTranslation("system");
  return (
    <Panel title={t("connected.title")}>
      <ul className="space-y-2 p-4">
        {Object.entries(of.connected).map(([name, on]) => (
          <li key={name} className="flex items-center gap-2">
            {on ? <CircleCheck size={16} aria-hidden className="text-good" /> : <CircleDashed size={16} aria-hidden className="text-soft" />}
            <span className="min-w-0 flex-1">{i18n.exists(`system:connected.${name}`) ? t(`connected.${name}`) : name}</span>
            <span className="text-soft">{t(on ? "connected.on" : "connected.off")}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
