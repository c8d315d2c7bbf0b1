// One replica: its state in a word, how full it is, what it lacks, and taking it out of service or into it.
import { Cloud, HardDrive, RefreshCw, Unplug } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { Badge, Button, Facts, Panel } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { Meter } from "../../components/Meter";
import { bytes, clock, count, percent } from "../../lib/amounts";
import { listed } from "../../lib/words";
import { fillPart, lostTogether, TONES, type Replica } from "./storage";

export function ReplicaCard({ replica, all, whole_bytes, manages }: { replica: Replica; all: Replica[]; whole_bytes: number; manages: boolean }) {
  const { t, i18n } = useTranslation("storage");
  const [asked, setAsked] = useState<"drain" | "replace" | null>(null);
  const offsite = replica.mode === "async";
  const fills = fillPart(replica, whole_bytes);
  const together = lostTogether(replica, all);
  const free = replica.free_bytes;
  const used = replica.bytes;
  const close = () => setAsked(null);
  const target = { params: { path: { replica: replica.label } } };
  const Icon = offsite ? Cloud : HardDrive;
  return (
    <Panel
      title={
        <span className="flex items-center gap-2">
          <Icon size={17} aria-hidden />
          {t("replica", { label: replica.label })}
        </span>
      }
      actions={<Badge tone={TONES[replica.state] ?? "neutral"}>{t(`states.${replica.state}`)}</Badge>}
    >
      <div className="space-y-4 p-4">
        {replica.reason !== undefined && <p className="rounded-md bg-bad-wash p-2.5 break-words text-bad">{replica.reason}</p>}
        {free !== undefined && (
          <div className="space-y-1.5">
            <Meter
              part={used + free === 0 ? 0 : used / (used + free)}
              label={t("full", { label: replica.label })}
              tone={replica.state === "full" ? "bad" : free < used / 10 ? "warn" : "accent"}
            />
            <p className="flex justify-between gap-2 text-soft">
              <span>{t("used", { amount: bytes(used) })}</span>
              <span>{t("free", { amount: bytes(free) })}</span>
            </p>
          </div>
        )}
        {fills !== null && (
          <div className="space-y-1.5">
            <Meter part={fills} label={t("fills")} tone="warn" />
            <p className="text-warn">{t("filling", { percent: percent(fills, 1), missing: bytes(replica.bytes_awaiting_repair ?? 0) })}</p>
          </div>
        )}
        {replica.state === "draining" && <p className="text-warn">{t("draining", { packs: count(replica.needed_packs ?? 0) })}</p>}
        {replica.state === "drained" && <p>{t("drained")}</p>}
        <Facts
          of={[
            [t("domain"), replica.failure_domain],
            [t("wholePacks"), count(replica.packs)],
            ...(replica.address === undefined ? [] : [[t("address"), replica.address] as [string, string]]),
            ...(offsite
              ? [[t("behind"), replica.lag_bytes === 0 ? t("current") : t("behindBy", { amount: bytes(replica.lag_bytes), time: clock(replica.lag_seconds ?? 0) })] as [string, string]]
              : [[t("repairs"), t("repairsOf", { awaiting: count(replica.awaiting_repair ?? 0), quarantined: count(replica.quarantined ?? 0) })] as [string, string]]),
            ...(together.length === 0 ? [] : [[t("together"), <span key="together" className="text-warn">{listed(together, i18n.language)}</span>] as [string, ReactNode]]),
          ]}
        />
        {manages && (
          <div className="flex flex-wrap gap-2">
            {!offsite && ["ready", "full", "missing", "failed"].includes(replica.state) && (
              <Button onClick={() => setAsked("drain")}>
                <Unplug size={15} aria-hidden />
                {t("drain.button")}
              </Button>
            )}
            {replica.state !== "ready" && (
              <Button onClick={() => setAsked("replace")}>
                <RefreshCw size={15} aria-hidden />
                {t("replace.button")}
              </Button>
            )}
          </div>
        )}
      </div>
      {asked === "drain" && (
        <ActionDialog
          action={{
            title: t("drain.title", { label: replica.label }),
            button: t("drain.submit"),
            danger: true,
            consequences: [t("drain.writes"), t("drain.waits"), t("drain.quorum"), t("drain.back")],
            changes: ["replicas", "status"],
            perform: () => api.POST("/api/v1/system/replicas/{replica}/drain", target),
            aside: <CopyAs cli={`yingdun replica drain ${replica.label}`} />,
          }}
          onClose={close}
        />
      )}
      {asked === "replace" && (
        <ActionDialog
          action={{
            title: t("replace.title", { label: replica.label }),
            button: t("replace.submit"),
            consequences: [t("replace.folder"), t("replace.fills"), t("replace.refused")],
            changes: ["replicas", "status"],
            perform: () => api.POST("/api/v1/system/replicas/{replica}/replace", target),
            aside: <CopyAs cli={`yingdun replica replace ${replica.label}`} />,
          }}
          onClose={close}
        />
      )}
    </Panel>
  );
}
