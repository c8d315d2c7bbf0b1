// The question of the monitor: who opens many patients for whom no reason is known is asked for one, before the next of them opens.
import { MessageCircleQuestion } from "lucide-react";
import { useId, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../api/client";
import { Button, Refused } from "../components/basics";
import { CopyAs } from "../components/CopyAs";
import { Dialog } from "../components/Dialog";
import { Choice, TextArea } from "../components/forms";
import { addTexts } from "../i18n";
import { quoted } from "../lib/words";
import en from "./say-why.en.json";
import zh from "./say-why.zh-CN.json";

addTexts("sayWhy", { "zh-CN": zh, en });

const CODES = ["follow-up", "reporting", "asked-for-opinion", "standing-in", "conference", "quality", "teaching", "other"] as const;
type Code = (typeof CODES)[number];

/** As the server takes them. */
const WORDS_MAX = 500;

export function SayWhy({ study, onAnswer }: { study: string; onAnswer: (said: boolean) => void }) {
  const { t } = useTranslation("sayWhy");
  const { t: common } = useTranslation("app");
  const id = useId();
  const [code, setCode] = useState<Code | "">("");
  const [words, setWords] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const incomplete = code === "" || words.trim() === "";
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (code === "" || incomplete || busy) return;
    setBusy(true);
    setError(null);
    try {
      await api.POST("/api/v1/me/reasons", { body: { study, code, reason: words.trim() } });
      onAnswer(true);
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      onClose={() => onAnswer(false)}
      title={t("title")}
      footer={
        <>
          <span className="mr-auto hidden sm:flex">
            <CopyAs cli={`yingdun monitor reason --study ${study} --code ${code || "CODE"} --reason ${quoted(words.trim() || "…")}`} />
          </span>
          <Button onClick={() => onAnswer(false)}>{common("cancel")}</Button>
          <Button look="primary" type="submit" form={id} busy={busy} disabled={incomplete}>
            {t("submit")}
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={(event) => void submit(event)} className="space-y-4">
        <p className="flex gap-2.5">
          <MessageCircleQuestion size={17} aria-hidden className="mt-0.5 shrink-0 text-accent" />
          <span>{t("why")}</span>
        </p>
        <Choice
          label={t("code")}
          autoFocus
          required
          value={code}
          onChange={(event) => setCode(event.target.value as Code | "")}
          options={[["", t("choose")], ...CODES.map((one): [string, string] => [one, t(`codes.${one}`)])]}
        />
        <TextArea label={t("words")} hint={t("wordsHint")} required maxLength={WORDS_MAX} value={words} onChange={(event) => setWords(event.target.value)} />
        {error !== null && <Refused error={error} />}
        <ul className="list-disc space-y-1 pl-5 text-soft">
          <li>{t("holds")}</li>
          <li>{t("cancelled")}</li>
          <li>{t("emergency")}</li>
        </ul>
      </form>
    </Dialog>
  );
}
