// Evidence about something that was asked for, in one move: made, checked here, and kept as a file unless something of it does not hold.
import { FileArchive } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../../api/queries";
import { Button, Refused } from "../../../components/basics";
import { addTexts } from "../../../i18n";
import { useHead } from "../checkpoint";
import en from "../en.json";
import { useTrusted } from "../trust";
import zh from "../zh-CN.json";
import { check } from "./answer";
import { ask, type Question } from "./ask";
import { pack } from "./pack";

addTexts("audit", { "zh-CN": zh, en });

interface Told {
  tone: string;
  text: string;
}

export function EvidenceButton({ question, name }: { question: Question; name: string }) {
  const { t } = useTranslation("audit");
  const me = useMe().data;
  const trusted = useTrusted(useHead().data?.origin ?? "");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [told, setTold] = useState<Told | null>(null);
  const make = async () => {
    setBusy(true);
    setError(null);
    setTold(null);
    try {
      const answer = await ask(question);
      if (answer.leaves.length === 0) return setTold({ tone: "bg-warn-wash text-warn", text: t("bundle.nothing") });
      const checked = await check(answer, trusted?.key ?? null);
      if (checked.broken > 0) return setTold({ tone: "bg-bad-wash text-bad", text: t("bundle.broken", { count: checked.broken }) });
      const packed = await pack(answer, `evidence-${name}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.zip`, me?.version ?? "");
      packed.keep();
      const text = t(checked.signed ? "bundle.proved" : "bundle.unsigned", { count: checked.holds });
      setTold({
        tone: checked.signed ? "bg-good-wash text-good" : "bg-warn-wash text-warn",
        text: [packed.name, text, answer.next === null ? "" : t("bundle.cut")].filter(Boolean).join(" · "),
      });
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button look="primary" busy={busy} onClick={() => void make()}>
        <FileArchive size={15} aria-hidden /> {t("bundle.export")}
      </Button>
      {told && (
        <p role="status" className={`min-w-0 basis-full rounded-md px-3 py-2 break-words ${told.tone}`}>
          {told.text}
        </p>
      )}
      {error !== null && <Refused error={error} />}
    </>
  );
}
