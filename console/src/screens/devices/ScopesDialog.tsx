// What a device may do: the half of the security administrator.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { CheckList } from "../../components/CheckList";
import { CopyAs } from "../../components/CopyAs";
import { SCOPES, type Device, type Scope } from "./devices";

export function ScopesDialog({ device, onClose }: { device: Device; onClose: () => void }) {
  const { t } = useTranslation("devices");
  const [scopes, setScopes] = useState(device.scopes);
  return (
    <ActionDialog
      action={{
        title: t("scopes.of", { name: device.ae_title }),
        button: t("scopes.submit"),
        consequences: [t("scopes.now"), t("scopes.bound")],
        changes: ["devices"],
        perform: () =>
          api.PUT("/api/v1/devices/{ae_title}/scopes", {
            params: { path: { ae_title: device.ae_title } },
            body: { called_ae: device.called_ae, scopes: scopes as Scope[] },
          }),
        aside: <CopyAs cli={`yingdun device grant ${[device.ae_title, ...scopes].join(" ")} --called ${device.called_ae}`} />,
      }}
      onClose={onClose}
    >
      <CheckList
        label={t("scopes.title")}
        options={SCOPES.map((scope) => ({ value: scope, name: t(`scopes.${scope}`), hint: t(`scopesHelp.${scope}`) }))}
        chosen={scopes}
        onChange={setScopes}
      />
    </ActionDialog>
  );
}
