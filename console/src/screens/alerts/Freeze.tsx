// Freezing the person of an alert: what ends, who lifts it, and why it is done.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { CopyAs } from "../../components/CopyAs";
import { TextArea } from "../../components/forms";
import { useChosen } from "../../lib/chosen";
import type { Alert } from "./alert";

const CHARACTERS_MAX = 500;

export function Freeze({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  const { t } = useTranslation("alerts");
  const [, choose] = useChosen("alert");
  const [reason, setReason] = useState("");
  return (
    <ActionDialog
      action={{
        title: t("freeze.title", { name: alert.name }),
        button: t("freeze.submit"),
        danger: true,
        consequences: [t("freeze.now", { name: alert.name }), t("freeze.emergency"), t("freeze.lift")],
        incomplete: reason.trim() === "",
        changes: ["alerts"],
        perform: async () => {
          const frozen = await body(api.POST("/api/v1/alerts/{alert}/freeze", { params: { path: { alert: alert.alert } }, body: { reason: reason.trim() } }));
          choose(String(frozen.alert));
        },
        aside: <CopyAs cli={`yingdun monitor freeze ${alert.alert} --reason "…"`} />,
      }}
      onClose={onClose}
    >
      <TextArea label={t("freeze.reason")} hint={t("freeze.reasonHint")} autoFocus required rows={3} maxLength={CHARACTERS_MAX} value={reason} onChange={(event) => setReason(event.target.value)} />
    </ActionDialog>
  );
}
