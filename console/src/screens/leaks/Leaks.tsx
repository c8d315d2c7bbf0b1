// A picture was found outside: whose opening it may be of, by the mark that is hidden in it or by the number that is read on it.
import { ScanSearch, Search } from "lucide-react";
import { useEffect, useRef, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, request } from "../../api/client";
import { Button, Empty, Panel, Refused } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { TextField } from "../../components/forms";
import { addTexts } from "../../i18n";
import { isUid } from "../audit/query";
import en from "./en.json";
import { isNumber, quoted, type Looked, type Traced } from "./leaks";
import { Picture } from "./Picture";
import { NumberResult, TraceResult } from "./Result";
import zh from "./zh-CN.json";

addTexts("leaks", { "zh-CN": zh, en });

/** What there is to show of the last question. */
type Answer = { traced: Traced } | { looked: Looked } | { error: unknown } | null;

export default function Leaks() {
  const { t } = useTranslation("leaks");
  const [answer, setAnswer] = useState<Answer>(null);
  const shown = useRef<HTMLDivElement>(null);
  // On a telephone it stands below the questions.
  useEffect(() => {
    if (answer !== null) shown.current?.scrollIntoView({ block: "nearest" });
  }, [answer]);
  return (
    <div className="grid items-start gap-4 xl:grid-cols-2">
      <div className="min-w-0 space-y-4">
        <Trace onAnswer={setAnswer} />
        <ByNumber onAnswer={setAnswer} />
        <p className="text-soft">{t("asked")}</p>
      </div>
      <div ref={shown} className="min-w-0">
        {answer === null ? (
          <div className="rounded-lg border bg-surface">
            <Empty title={t("none")}>{t("noneHelp")}</Empty>
          </div>
        ) : "error" in answer ? (
          <Refused error={answer.error} />
        ) : "traced" in answer ? (
          <TraceResult of={answer.traced} />
        ) : (
          <NumberResult of={answer.looked} />
        )}
      </div>
    </div>
  );
}

// === helpers ===

function Trace({ onAnswer }: { onAnswer: (answer: Answer) => void }) {
  const { t } = useTranslation("leaks");
  const [file, setFile] = useState<File | null>(null);
  const [study, setStudy] = useState("");
  const [series, setSeries] = useState("");
  const [faulty, setFaulty] = useState(false);
  const running = useRef<AbortController | null>(null);
  const [began, setBegan] = useState<number | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const wrong = (uid: string) => (faulty && !isUid(uid) ? t("wrongUid") : undefined);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (file === null || began !== null) return;
    const [of, within] = [study.trim(), series.trim()];
    if (!isUid(of) || (within !== "" && !isUid(within))) return setFaulty(true);
    setFaulty(false);
    onAnswer(null);
    const query = new URLSearchParams({ study_uid: of, ...(within === "" ? {} : { series_uid: within }) });
    const controller = new AbortController();
    running.current = controller;
    setBegan(Date.now());
    try {
      const response = await request(`/api/v1/leaks/trace?${query}`, { method: "POST", headers: { "Content-Type": file.type }, body: file, signal: controller.signal });
      onAnswer({ traced: (await response.json()) as Traced });
    } catch (error) {
      if (!controller.signal.aborted) onAnswer({ error });
    } finally {
      setBegan(null);
    }
  };
  const cli = `yingdun leak trace ${quoted(file?.name ?? "FILE")} --study ${isUid(study.trim()) ? study.trim() : "UID"}${isUid(series.trim()) ? ` --series ${series.trim()}` : ""}`;
  return (
    <Panel title={t("found")}>
      <form onSubmit={(event) => void submit(event)} className="space-y-3 p-4">
        <Picture file={file} onFile={setFile} />
        <TextField label={t("study")} hint={t("studyHint")} fault={wrong(study.trim())} required autoComplete="off" spellCheck={false} maxLength={64} value={study} onChange={(event) => setStudy(event.target.value)} />
        <TextField label={t("series")} hint={t("narrow")} fault={series.trim() === "" ? undefined : wrong(series.trim())} autoComplete="off" spellCheck={false} maxLength={64} value={series} onChange={(event) => setSeries(event.target.value)} />
        <div className="flex flex-wrap items-center gap-2">
          <Button type="submit" look="primary" busy={began !== null} disabled={file === null || study.trim() === ""}>
            <ScanSearch size={15} aria-hidden />
            {t("trace")}
          </Button>
          {began !== null && <Button onClick={() => running.current?.abort()}>{t("stop")}</Button>}
          <CopyAs cli={cli} />
        </div>
        {began !== null && <Working since_ms={began} />}
      </form>
    </Panel>
  );
}

/** That something goes on, and for how long: the server says nothing of how far it is. */
function Working({ since_ms }: { since_ms: number }) {
  const { t } = useTranslation("leaks");
  const [now, setNow] = useState(since_ms);
  useEffect(() => {
    const ticking = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(ticking);
  }, []);
  return (
    <p role="status" className="text-soft">
      {t("working", { seconds: Math.max(0, Math.round((now - since_ms) / 1000)) })}
    </p>
  );
}

function ByNumber({ onAnswer }: { onAnswer: (answer: Answer) => void }) {
  const { t } = useTranslation("leaks");
  const [number, setNumber] = useState("");
  const [faulty, setFaulty] = useState(false);
  const [busy, setBusy] = useState(false);
  const typed = number.trim();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setFaulty(!isNumber(typed));
    if (!isNumber(typed)) return;
    setBusy(true);
    try {
      onAnswer({ looked: (await body(api.GET("/api/v1/leaks/marks/{number}", { params: { path: { number: typed } } }))) as Looked });
    } catch (error) {
      onAnswer({ error });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Panel title={t("number")}>
      <form onSubmit={(event) => void submit(event)} className="space-y-3 p-4">
        <p className="text-soft">{t("numberHelp")}</p>
        <TextField
          label={t("numberLabel")}
          fault={faulty && !isNumber(typed) ? t("wrongNumber") : undefined}
          placeholder="WM-V07S-1TC3-63AY"
          autoComplete="off"
          spellCheck={false}
          maxLength={32}
          value={number}
          onChange={(event) => setNumber(event.target.value)}
        />
        <div className="flex flex-wrap gap-2">
          <Button type="submit" look="primary" busy={busy}>
            <Search size={15} aria-hidden />
            {t("look")}
          </Button>
          <CopyAs cli={`yingdun leak mark ${isNumber(typed) ? quoted(typed) : "NUMBER"}`} />
        </div>
      </form>
    </Panel>
  );
}
