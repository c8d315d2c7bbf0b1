// The public key of a log: brought from elsewhere, or asked of the server and compared. Which of both it was is said wherever it counts.
import { useQuery } from "@tanstack/react-query";
import { FileKey } from "lucide-react";
import { useState, type ChangeEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { useMe } from "../../api/queries";
import { Badge, Button, Facts, Refused, When } from "../../components/basics";
import { Dialog } from "../../components/Dialog";
import { TextArea } from "../../components/forms";
import { fingerprint, judge, readKey, type LogKey } from "../../lib/note";
import type { Head } from "./checkpoint";
import { forget, trust, useTrusted } from "./trust";

export function KeyDialog({ head, onClose }: { head: Head; onClose: () => void }) {
  const { t } = useTranslation("audit");
  return (
    <Dialog open wide onClose={onClose} title={t("key.title")}>
      <div className="space-y-5">
        <p>{t("key.why")}</p>
        <Present log={head.origin} />
        <Brought head={head} />
        <Asked head={head} />
        <p className="text-soft">{t("key.kept")}</p>
      </div>
    </Dialog>
  );
}

// === helpers ===

function Present({ log }: { log: string }) {
  const { t } = useTranslation("audit");
  const trusted = useTrusted(log);
  const digits = useFingerprint(trusted?.key ?? null);
  return (
    <section className="rounded-lg border bg-raised p-4">
      <h3 className="mb-2 font-semibold">{t("key.present")}</h3>
      {trusted ? (
        <div className="space-y-3">
          <Facts
            of={[
              [t("key.text"), <span key="text" className="font-mono text-xs break-all">{trusted.key.text}</span>],
              [t("key.fingerprint"), <span key="print" className="font-mono text-xs">{digits}</span>],
              [t("key.since"), <span key="at"><When ms={trusted.at_ms} exact /> · {t(`key.${trusted.source}`)}</span>],
            ]}
          />
          <Button onClick={() => forget(log)}>{t("key.forget")}</Button>
        </div>
      ) : (
        <p className="text-soft">{t("key.empty")}</p>
      )}
    </section>
  );
}

/** A key that somebody has. */
function Brought({ head }: { head: Head }) {
  const { t } = useTranslation("audit");
  const [text, setText] = useState("");
  const [fault, setFault] = useState<string>();
  const use = async (candidate: string) => {
    const key = await readKey(candidate);
    const wrong = await faultOf(key, head);
    setFault(wrong && t(wrong, { name: key?.name ?? "", log: head.origin }));
    if (key && !wrong) {
      trust(key, "brought");
      setText("");
    }
  };
  const onFile = async (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0];
    if (file && file.size < 4096) await use(await file.text());
    else if (file) setFault(t("key.wrongForm"));
    event.target.value = "";
  };
  return (
    <section className="space-y-3">
      <label className="inline-flex h-9 cursor-pointer items-center gap-2 rounded-md border bg-surface px-3 font-medium focus-within:outline-2 focus-within:outline-offset-2 focus-within:outline-accent hover:bg-raised">
        <FileKey size={16} aria-hidden /> {t("key.file")}
        <input type="file" accept=".vkey,text/plain" onChange={(event) => void onFile(event)} className="sr-only" />
      </label>
      <TextArea label={t("key.paste")} rows={2} spellCheck={false} fault={fault} value={text} onChange={(event) => setText(event.target.value)} />
      <Button look="primary" disabled={text.trim() === ""} onClick={() => void use(text)}>
        {t("key.use")}
      </Button>
    </section>
  );
}

/** The key as the server has it, which a person has to compare. */
function Asked({ head }: { head: Head }) {
  const { t } = useTranslation("audit");
  const me = useMe().data;
  const [key, setKey] = useState<LogKey | null>(null);
  const [compared, setCompared] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [fault, setFault] = useState<string>();
  const digits = useFingerprint(key);
  const ask = async () => {
    setBusy(true);
    setError(null);
    try {
      const answer = await body(api.POST("/api/v1/audit/bundle", { body: { actor: me?.name ?? "", limit: 1 } }));
      const asked = await readKey(answer.public_key);
      const wrong = await faultOf(asked, head);
      setFault(wrong && t(wrong, { name: asked?.name ?? "", log: head.origin }));
      setKey(wrong ? null : asked);
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="space-y-3 rounded-lg border border-dashed p-4">
      <div className="flex flex-wrap items-center gap-3">
        <Button busy={busy} onClick={() => void ask()}>
          {t("key.server")}
        </Button>
        {key && <Badge tone="warn">{t("chain.noKey")}</Badge>}
      </div>
      <p className="text-soft">{t("key.serverHelp")}</p>
      {error !== null && <Refused error={error} />}
      {fault !== undefined && <p className="text-bad">{fault}</p>}
      {key && (
        <>
          <Facts
            of={[
              [t("key.text"), <span key="text" className="font-mono text-xs break-all">{key.text}</span>],
              [t("key.fingerprint"), <strong key="print" className="font-mono text-sm">{digits}</strong>],
            ]}
          />
          <label className="flex items-start gap-2">
            <input type="checkbox" className="mt-0.5 size-4 accent-current" checked={compared} onChange={(event) => setCompared(event.target.checked)} />
            {t("key.ticked")}
          </label>
          <Button disabled={!compared} onClick={() => trust(key, "compared")}>
            {t("key.useCompared")}
          </Button>
        </>
      )}
    </section>
  );
}

/** What is against a key for a log, as the key of a text; nothing where it signed the present head, or nobody can tell. */
async function faultOf(key: LogKey | null, head: Head): Promise<"key.wrongForm" | "key.wrongLog" | "key.doesNotFit" | undefined> {
  if (!key) return "key.wrongForm";
  if (key.name !== head.origin) return "key.wrongLog";
  const judged = await judge(head.note, key);
  return judged === "fits" || judged === "unable" ? undefined : "key.doesNotFit";
}

function useFingerprint(key: LogKey | null): string {
  const asked = useQuery({ queryKey: ["fingerprint", key?.text ?? null], queryFn: () => (key ? fingerprint(key) : ""), staleTime: Infinity });
  return asked.data ?? "";
}
