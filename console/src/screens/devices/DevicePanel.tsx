// One device: its record, what it may do, how it differs, and whether it answers.
import { Ban, Pencil, RotateCcw, ShieldCheck, SlidersHorizontal } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { useMe } from "../../api/queries";
import { ActionDialog } from "../../components/ActionDialog";
import { Badge, Button, Facts, Panel } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { DeviceForm } from "./DeviceForm";
import { DeviceMembers } from "./DeviceMembers";
import { habitsOf, whole, type Device, type Habits } from "./devices";
import { EchoTest } from "./EchoTest";
import { HabitsDialog } from "./HabitsDialog";
import { ScopesDialog } from "./ScopesDialog";

export function DevicePanel({ device }: { device: Device }) {
  const { t } = useTranslation("devices");
  const actions = useMe().data?.actions ?? [];
  const accounts = actions.includes("manage-accounts");
  const [asked, setAsked] = useState<"change" | "scopes" | "habits" | "disable" | "enable" | null>(null);
  const close = () => setAsked(null);
  const set = (disabled: boolean) =>
    api.PUT("/api/v1/devices/{ae_title}", { params: { path: { ae_title: device.ae_title } }, body: { ...whole(device), disabled } });
  return (
    <>
      <Panel
        title={device.ae_title}
        actions={<Badge tone={device.disabled ? "bad" : "good"}>{t(device.disabled ? "standings.disabled" : "enabled")}</Badge>}
      >
        <div className="space-y-4 p-4">
          <Facts
            of={[
              [t("calledAe"), device.called_ae],
              [t("addresses"), device.addresses.length === 0 ? t("noAddress") : device.addresses.join(", ")],
              [
                t("certificate"),
                device.certificate_sha256 === null ? (
                  <span className="text-warn">{t("noCertificate")}</span>
                ) : (
                  <code className="font-mono text-xs break-all" title="SHA-256">
                    {device.certificate_sha256}
                  </code>
                ),
              ],
              [t("plain"), t(device.plain_allowed ? "plainAllowed" : "plainRefused")],
              [t("destination"), device.destination ?? <span className="text-soft">{t("noDestination")}</span>],
              [
                t("scopes.title"),
                <span key="scopes" className="flex flex-wrap gap-1">
                  {device.scopes.length === 0 ? t("scopes.none") : device.scopes.map((scope) => <Badge key={scope}>{t(`scopes.${scope}`)}</Badge>)}
                </span>,
              ],
            ]}
          />
          <div className="flex flex-wrap gap-2">
            {accounts && (
              <Button onClick={() => setAsked("change")}>
                <Pencil size={15} aria-hidden />
                {t("change.button")}
              </Button>
            )}
            {actions.includes("manage-rights") && (
              <Button onClick={() => setAsked("scopes")}>
                <ShieldCheck size={15} aria-hidden />
                {t("scopes.change")}
              </Button>
            )}
            {accounts &&
              (device.disabled ? (
                <Button onClick={() => setAsked("enable")}>
                  <RotateCcw size={15} aria-hidden />
                  {t("enable.button")}
                </Button>
              ) : (
                <Button look="danger" onClick={() => setAsked("disable")}>
                  <Ban size={15} aria-hidden />
                  {t("disable.button")}
                </Button>
              ))}
          </div>
        </div>
      </Panel>
      {actions.includes("echo") && <EchoTest device={device} />}
      <Panel
        title={t("habits.title")}
        actions={
          accounts && (
            <Button onClick={() => setAsked("habits")}>
              <SlidersHorizontal size={15} aria-hidden />
              {t("habits.change")}
            </Button>
          )
        }
      >
        <div className="p-4">
          <HabitsShown habits={device.habits} />
        </div>
      </Panel>
      <DeviceMembers device={device.ae_title} />
      {asked === "change" && <DeviceForm device={device} onClose={close} onDone={close} />}
      {asked === "scopes" && <ScopesDialog device={device} onClose={close} />}
      {asked === "habits" && <HabitsDialog device={device} onClose={close} />}
      {(asked === "disable" || asked === "enable") && (
        <ActionDialog
          action={{
            title: t(`${asked}.title`, { name: device.ae_title }),
            button: t(`${asked}.submit`),
            danger: asked === "disable",
            consequences: asked === "disable" ? [t("disable.now"), t("disable.back")] : [t("enable.what")],
            changes: ["devices"],
            perform: () => set(asked === "disable"),
            ...(asked === "disable" ? { aside: <CopyAs cli={`yingdun device disable ${device.ae_title} --called ${device.called_ae}`} /> } : {}),
          }}
          onClose={close}
        />
      )}
    </>
  );
}

// === helpers ===

function HabitsShown({ habits }: { habits: Habits }) {
  const { t } = useTranslation("devices");
  const present = habitsOf(habits);
  if (present.length === 0) return <p className="text-soft">{t("habits.none")}</p>;
  return (
    <ul className="list-disc space-y-1 pl-5">
      {present.map((name) => {
        const value = habits[name];
        return <li key={name}>{t(`habits.says.${name}`, { value: Array.isArray(value) ? value.length : value })}</li>;
      })}
    </ul>
  );
}
