// What is shown once and never again: a link, a secret. It can be copied; the page keeps nothing of it.
import { Check, Copy, TriangleAlert } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "./basics";
import { Dialog } from "./Dialog";

export function ShownOnce({
  title,
  values,
  children,
  onClose,
}: {
  title: string;
  values: [string, string][];
  children: ReactNode;
  onClose: () => void;
}) {
  const { t } = useTranslation("app");
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      footer={
        <Button look="primary" onClick={onClose}>
          {t("once.kept")}
        </Button>
      }
    >
      <div className="space-y-4">
        {values.map(([name, value]) => (
          <Value key={name} name={name} value={value} />
        ))}
        <p className="flex gap-2.5 rounded-md bg-warn-wash p-3 text-warn">
          <TriangleAlert size={16} aria-hidden className="mt-0.5 shrink-0" />
          {t("once.warning")}
        </p>
        <div className="text-soft">{children}</div>
      </div>
    </Dialog>
  );
}

// === helpers ===

function Value({ name, value }: { name: string; value: string }) {
  const { t } = useTranslation("app");
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
  };
  return (
    <div className="space-y-1">
      <p className="font-medium">{name}</p>
      <div className="flex items-start gap-2">
        <code className="min-w-0 flex-1 rounded-md border bg-raised px-2.5 py-1.5 font-mono text-[13px] break-all select-all">{value}</code>
        <Button onClick={() => void copy()} aria-label={`${t("copy.plain")} ${name}`}>
          {copied ? <Check size={15} aria-hidden /> : <Copy size={15} aria-hidden />}
          {copied ? t("copy.done") : t("copy.plain")}
        </Button>
      </div>
    </div>
  );
}
