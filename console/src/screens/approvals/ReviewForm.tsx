// An opinion about what somebody did: justified or not, and why.
import { Gavel } from "lucide-react";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Button, Refused } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { TextArea } from "../../components/forms";
import type { Case } from "./cases";
import { doingOf, type Opinion } from "./doing";
import { carryOut } from "./rows";

const VERDICTS: readonly Opinion["verdict"][] = ["justified", "not-justified"];

export function ReviewForm({ of, onDone }: { of: Case; onDone: () => void }) {
  const { t } = useTranslation("approvals");
  const [verdict, setVerdict] = useState<Opinion["verdict"] | null>(null);
  const [words, setWords] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const doing = verdict === null ? null : doingOf(of, "review", { verdict, words, minutes: 0 });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!doing) return;
    setBusy(true);
    setError(null);
    try {
      await carryOut(doing);
      onDone();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-3">
      <fieldset>
        <legend className="mb-1 font-medium">{t("verdict")}</legend>
        <div className="flex flex-wrap gap-2">
          {VERDICTS.map((word) => (
            <label
              key={word}
              className="flex h-9 cursor-pointer items-center gap-2 rounded-md border px-3 has-checked:border-accent has-checked:bg-accent-wash has-checked:text-accent"
            >
              <input type="radio" name="verdict" required checked={verdict === word} onChange={() => setVerdict(word)} className="accent-accent" />
              {t(`verdicts.${word}`)}
            </label>
          ))}
        </div>
        {verdict === "not-justified" && <p className="mt-1 text-xs text-warn">{t(`notJustified.${of.kind}`)}</p>}
      </fieldset>
      <TextArea
        label={t("opinion")}
        hint={t("opinionHint")}
        required
        maxLength={500}
        value={words}
        onChange={(event) => setWords(event.target.value)}
      />
      {error !== null && <Refused error={error} />}
      <div className="flex flex-wrap items-center gap-2">
        <Button look="primary" type="submit" busy={busy}>
          <Gavel size={15} aria-hidden />
          {t("acts.review")}
        </Button>
        {doing && <CopyAs cli={doing.cli} />}
      </div>
    </form>
  );
}
