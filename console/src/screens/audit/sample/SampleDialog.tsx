// Draws a sample by chance, and says how.
import { Dices } from "lucide-react";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Button, Refused } from "../../../components/basics";
import { Dialog } from "../../../components/Dialog";
import { Choice } from "../../../components/forms";
import type { Head } from "../checkpoint";
import { isFiltered, type AuditFilters } from "../query";
import { drawSample, READ_MAX, type Sample } from "./read";

const COUNTS = [5, 10, 20, 50];

export function SampleDialog({ filters, head, onDrawn, onClose }: { filters: AuditFilters; head: Head; onDrawn: (sample: Sample) => void; onClose: () => void }) {
  const { t } = useTranslation("audit");
  const [count, setCount] = useState(50);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [none, setNone] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const sample = await drawSample(filters, count, head.origin, head.size, new AbortController().signal);
      setNone(sample.rows.length === 0);
      if (sample.rows.length > 0) onDrawn(sample);
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("sample.title")}
      footer={
        <Button look="primary" type="submit" form="audit-sample" busy={busy}>
          <Dices size={15} aria-hidden /> {t("sample.draw")}
        </Button>
      }
    >
      <form id="audit-sample" className="space-y-4" onSubmit={(event) => void submit(event)}>
        <Choice
          label={t("sample.count")}
          value={count}
          onChange={(event) => setCount(Number(event.target.value))}
          options={COUNTS.map((number) => [String(number), String(number)])}
        />
        <p>
          {isFiltered(filters)
            ? t("sample.howFiltered", { max: READ_MAX.toLocaleString() })
            : t("sample.howAll", { log: head.origin, size: head.size.toLocaleString() })}
        </p>
        <p className="text-soft">{t("sample.leavesTrace")}</p>
        {none && <p className="text-warn">{t("sample.none")}</p>}
        {error !== null && <Refused error={error} />}
      </form>
    </Dialog>
  );
}
