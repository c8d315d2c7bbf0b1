// Rules that somebody proposes: the text, whether it could be proposed at all, and what it is for.
import { CircleCheck } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { Button, Refused } from "../../components/basics";
import { ActionDialog } from "../../components/ActionDialog";
import { TextArea, TextField } from "../../components/forms";

const EXAMPLE = `@id("local-export-inside")
forbid (principal is Person, action == Action::"export", resource)
unless { context.address.isInRange(ip("10.20.0.0/16")) };`;

export function Propose({ onClose }: { onClose: (version: number | null) => void }) {
  const { t } = useTranslation("approvals");
  const [text, setText] = useState("");
  const [reason, setReason] = useState("");
  const [checked, setChecked] = useState<string | null>(null);
  const [fault, setFault] = useState<unknown>(null);
  const check = async () => {
    setFault(null);
    setChecked(null);
    try {
      await api.POST("/api/v1/policies/check", { body: { text } });
      setChecked(text);
    } catch (caught) {
      setFault(caught);
    }
  };
  const perform = async () => {
    const proposed = await body(api.POST("/api/v1/policies", { body: { text, reason } }));
    onClose(proposed.version);
  };
  return (
    <ActionDialog
      action={{ title: t("propose.title"), button: t("propose.do"), wide: true, consequences: [t("propose.what")], changes: ["policies"], perform }}
      onClose={() => onClose(null)}
      onDone={() => undefined}
    >
      <TextArea
        label={t("propose.text")}
        hint={t("propose.textHint")}
        rows={9}
        spellCheck={false}
        placeholder={EXAMPLE}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <div className="flex flex-wrap items-center gap-3">
        <Button onClick={() => void check()}>{t("propose.check")}</Button>
        {checked === text && checked !== null && (
          <span role="status" className="inline-flex items-center gap-1.5 text-good">
            <CircleCheck size={15} aria-hidden />
            {t("propose.good")}
          </span>
        )}
      </div>
      {fault !== null && <Refused error={fault} />}
      <TextField label={t("propose.reason")} required maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} />
    </ActionDialog>
  );
}
