// The state of the log of this node: how long it is, its root, and whether the key that somebody brought signed it.
import { AlertTriangle, BadgeCheck, Download, KeyRound, Link2, RotateCw } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Badge, Button, Refused, When } from "../../components/basics";
import { base64 } from "../../lib/bytes";
import { save } from "../../lib/download";
import { moment } from "../../lib/time";
import { useHead, useJudgement, type Head } from "./checkpoint";
import { KeyDialog } from "./KeyDialog";
import { compareWithSeen, type Contradiction } from "./seen";
import { useTrusted } from "./trust";

export function ChainBanner() {
  const { t } = useTranslation("audit");
  const head = useHead();
  const [keys, setKeys] = useState(false);
  if (head.isError) return <Refused error={head.error} retry={() => void head.refetch()} />;
  const of = head.data;
  return (
    <section aria-label={t("chain.label")} className="space-y-2">
      <div className="flex min-h-14 flex-wrap items-center gap-x-5 gap-y-1 rounded-lg border bg-surface px-4 py-2 shadow-raised">
        <span className="grid size-9 place-items-center rounded-full bg-accent-wash text-accent">
          <Link2 size={18} aria-hidden />
        </span>
        {of && (
          <>
            <div className="leading-tight">
              <p className="font-semibold">{t("chain.size", { size: of.size.toLocaleString() })}</p>
              <p className="text-xs text-soft">{of.origin}</p>
            </div>
            <div className="min-w-0 leading-tight">
              <p className="text-xs text-soft">{t("chain.root")}</p>
              <p className="truncate font-mono text-xs" title={base64(of.root)}>
                {base64(of.root).slice(0, 20)}…
              </p>
            </div>
            <div className="leading-tight">
              <p className="text-xs text-soft">{t("chain.read")}</p>
              <When ms={of.read_ms} exact />
            </div>
            <Signed head={of} />
          </>
        )}
        <div className="ml-auto flex flex-wrap">
          <Button look="quiet" onClick={() => setKeys(true)} disabled={!of}>
            <KeyRound size={15} aria-hidden /> {t("chain.key")}
          </Button>
          <Button look="quiet" title={t("chain.keepHelp")} disabled={!of} onClick={() => of && save("checkpoint", "text/plain", of.text)}>
            <Download size={15} aria-hidden /> {t("chain.keep")}
          </Button>
          <Button look="quiet" aria-label={t("chain.refresh")} title={t("chain.refresh")} onClick={() => void head.refetch()}>
            <RotateCw size={15} className={head.isFetching ? "animate-spin" : ""} aria-hidden />
          </Button>
        </div>
      </div>
      {of && <Contradicted head={of} />}
      {keys && of && <KeyDialog head={of} onClose={() => setKeys(false)} />}
    </section>
  );
}

// === helpers ===

function Signed({ head }: { head: Head }) {
  const { t } = useTranslation("audit");
  const trusted = useTrusted(head.origin);
  const judged = useJudgement(head, trusted?.key ?? null);
  if (!trusted) return <Badge tone="warn" icon={<KeyRound size={12} aria-hidden />}>{t("chain.noKey")}</Badge>;
  if (judged === undefined) return null;
  const good = judged === "fits";
  const Icon = good ? BadgeCheck : AlertTriangle;
  return (
    <Badge tone={good ? "good" : judged === "unable" ? "warn" : "bad"} icon={<Icon size={12} aria-hidden />}>
      {t(`chain.${judged}`)}
    </Badge>
  );
}

/** What does not fit what this browser has seen before of the same log. */
function Contradicted({ head }: { head: Head }) {
  const { t } = useTranslation("audit");
  const [found, setFound] = useState<Contradiction | null>(null);
  useEffect(() => setFound(compareWithSeen(head)), [head]);
  if (!found) return null;
  return (
    <p role="alert" className="flex gap-3 rounded-lg bg-bad-wash p-4 font-medium text-bad">
      <AlertTriangle size={18} className="mt-0.5 shrink-0" aria-hidden />
      {found.kind === "shrunk"
        ? t("chain.shrunk", { before: found.size.toLocaleString(), now: head.size.toLocaleString(), at: moment(found.at_ms) })
        : t("chain.forked", { size: head.size.toLocaleString() })}
    </p>
  );
}
