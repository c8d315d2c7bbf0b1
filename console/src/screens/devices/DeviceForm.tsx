// Registering a device, or changing its record. All four have to fit, or there is no association: the title that it uses, the title that it
// calls, its certificate, and the addresses that it may come from.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { CheckList } from "../../components/CheckList";
import { TextArea, TextField } from "../../components/forms";
import { digestOf, draftOf, losesScopes, recordOf, type Device, type Draft } from "./devices";

export function DeviceForm({
  device,
  draft: filled,
  onClose,
  onDone,
}: {
  device: Device | null;
  /** What is filled in at first; the record of the device, unless something else is said. */
  draft?: Draft;
  onClose: () => void;
  onDone: (title: string, called: string) => void;
}) {
  const { t } = useTranslation("devices");
  const [draft, setDraft] = useState<Draft>(filled ?? draftOf(device));
  const [digest, setDigest] = useState<string | null>(device?.certificate_sha256 ?? null);
  const type = (change: Partial<Draft>) => setDraft((present) => ({ ...present, ...change }));
  useEffect(() => {
    let current = true;
    void digestOf(draft.certificate).then((found) => current && setDigest(found));
    return () => {
      current = false;
    };
  }, [draft.certificate]);
  const typed = draft.certificate.trim() !== "";
  const record = recordOf(draft, digest, device);
  const name = device?.ae_title ?? record.ae_title;
  const consequences = device
    ? [t("change.now"), ...(losesScopes(device, record) ? [t("change.loses")] : [])]
    : [t("registerWhat"), t("registerScopes")];
  return (
    <ActionDialog
      action={{
        title: device ? t("change.title", { name }) : t("register"),
        button: device ? t("change.submit") : t("registerSubmit"),
        consequences,
        danger: device !== null && losesScopes(device, record),
        wide: true,
        incomplete:
          record.ae_title === "" ||
          record.called_ae === "" ||
          record.addresses.length === 0 ||
          (typed && digest === null) ||
          (!typed && !record.plain_allowed),
        changes: ["devices", "waiting-devices"],
        perform: () =>
          device
            ? api.PUT("/api/v1/devices/{ae_title}", { params: { path: { ae_title: device.ae_title } }, body: record })
            : api.POST("/api/v1/devices", { body: record }),
      }}
      onClose={onClose}
      onDone={() => onDone(record.ae_title, record.called_ae)}
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label={t("aeTitle")}
          hint={t("aeTitleHint")}
          autoFocus={device === null}
          required
          readOnly={device !== null}
          autoComplete="off"
          spellCheck={false}
          maxLength={16}
          placeholder="CT01"
          value={draft.ae_title}
          onChange={(event) => type({ ae_title: event.target.value })}
        />
        <TextField
          label={t("calledAe")}
          hint={t("calledAeHint")}
          required
          readOnly={device !== null}
          autoComplete="off"
          spellCheck={false}
          maxLength={16}
          value={draft.called_ae}
          onChange={(event) => type({ called_ae: event.target.value })}
        />
        <TextArea
          label={t("addresses")}
          hint={t("addressesHint")}
          required
          rows={3}
          spellCheck={false}
          placeholder={"10.1.20.0/24\n10.1.21.7"}
          value={draft.addresses}
          onChange={(event) => type({ addresses: event.target.value })}
        />
        <TextArea
          label={t("certificate")}
          hint={typed && digest !== null && digest !== draft.certificate.trim() ? `SHA-256 ${digest.slice(0, 16)}…` : t(draft.plain_allowed ? "certificateHint" : "certificateNeeded")}
          fault={typed && digest === null ? t("certificateFault") : undefined}
          rows={3}
          spellCheck={false}
          placeholder="-----BEGIN CERTIFICATE-----"
          value={draft.certificate}
          onChange={(event) => type({ certificate: event.target.value })}
        />
      </div>
      <TextField
        label={t("destination")}
        hint={t("destinationHint")}
        autoComplete="off"
        spellCheck={false}
        placeholder="ws07.example:2762"
        value={draft.destination}
        onChange={(event) => type({ destination: event.target.value })}
      />
      <CheckList
        label={t("plain")}
        options={[{ value: "plain", name: t("plainAllowed"), hint: t("plainHint") }]}
        chosen={draft.plain_allowed ? ["plain"] : []}
        onChange={(chosen) => type({ plain_allowed: chosen.length > 0 })}
      />
    </ActionDialog>
  );
}
