// Wrapping keys again under the newest versions: how far it is, how fast, how long it takes, and stopping it.
import { useQuery } from "@tanstack/react-query";
import { Play, Square } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { Badge, Button, Loading, Panel, Refused, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { Meter } from "../../components/Meter";
import { clock, count, percent } from "../../lib/amounts";
import type { Keys, KeyVersion } from "./keys";

export function RewrapPanel({ keys }: { keys: Keys }) {
  const { t } = useTranslation("keys");
  const [asked, setAsked] = useState<"begin" | "stop" | null>(null);
  const job = keys.rewrap;
  const runs = job?.state === "running";
  const retired = keys.keks.some((version) => version.state === "retired");
  // Nothing to wrap again, and nothing that was.
  if (job === null && keys.keys_left === 0 && !retired) return null;
  const close = () => setAsked(null);
  return (
    <Panel
      className="shrink-0"
      title={t("rewrap.title")}
      actions={
        <>
          {job && <Badge tone={runs ? "accent" : job.state === "done" ? "good" : "warn"}>{t(`rewrap.states.${job.state}`)}</Badge>}
          {runs ? (
            <Button look="danger" onClick={() => setAsked("stop")}>
              <Square size={14} aria-hidden />
              {t("rewrap.stop")}
            </Button>
          ) : (
            (keys.keys_left > 0 || retired) && (
              <Button onClick={() => setAsked("begin")}>
                <Play size={15} aria-hidden />
                {t(job?.state === "stopped" ? "rewrap.resume" : "rewrap.begin")}
              </Button>
            )
          )}
        </>
      }
    >
      <div className="space-y-2 p-4">
        {job === null ? (
          <p className="text-soft">{t("rewrap.waits", { left: count(keys.keys_left) })}</p>
        ) : (
          <>
            <Meter part={job.keys_total === 0 ? 1 : job.keys_done / job.keys_total} label={t("rewrap.title")} tone={job.state === "done" ? "good" : "accent"} />
            <p className="flex flex-wrap gap-x-5 gap-y-1 text-soft" aria-live="polite">
              <span className="font-medium text-ink">
                {job.state === "done" ? "100%" : percent(job.keys_done, job.keys_total)} · {t("rewrap.done", { done: count(job.keys_done), total: count(job.keys_total) })}
              </span>
              {job.keys_per_second !== null && <span>{t("rewrap.rate", { rate: count(job.keys_per_second) })}</span>}
              {runs && job.seconds_left !== null && <span>{t("rewrap.left", { time: clock(job.seconds_left) })}</span>}
              <span>
                {t("rewrap.begun")} <When ms={job.begun_ms} />
              </span>
            </p>
          </>
        )}
      </div>
      {asked === "begin" && <BeginRewrap onClose={close} />}
      {asked === "stop" && (
        <ActionDialog
          action={{
            title: t("rewrap.stopTitle"),
            button: t("rewrap.stop"),
            consequences: [t("rewrap.stopWhat"), t("rewrap.stopAgain")],
            changes: ["keys"],
            perform: () => api.DELETE("/api/v1/keys/rewrap", {}),
            aside: <CopyAs cli="yingdun keys rewrap --stop" />,
          }}
          onClose={close}
        />
      )}
    </Panel>
  );
}

// === helpers ===

function BeginRewrap({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("keys");
  const outlook = useQuery({
    queryKey: ["rewrap"],
    queryFn: () => body(api.POST("/api/v1/keys/rewrap", { body: { dry_run: true } })),
    gcTime: 0,
    staleTime: 0,
  });
  const destroys = (outlook.data?.destroys ?? []) as unknown as KeyVersion[];
  return (
    <ActionDialog
      action={{
        title: t("rewrap.beginTitle"),
        button: t("rewrap.begin"),
        danger: destroys.length > 0,
        consequences: [t("rewrap.what"), t("rewrap.restart"), t("rewrap.destroys")],
        incomplete: !outlook.data,
        changes: ["keys"],
        perform: () => api.POST("/api/v1/keys/rewrap", { body: { dry_run: false } }),
        aside: <CopyAs cli="yingdun keys rewrap" />,
      }}
      onClose={onClose}
    >
      {outlook.isPending && <Loading />}
      {outlook.isError && <Refused error={outlook.error} />}
      {outlook.data && (
        <ul className="space-y-1 rounded-md border bg-raised p-3">
          <li>{t("rewrap.wouldWrap", { left: count(outlook.data.keys_left) })}</li>
          {destroys.map((one) => (
            <li key={`${one.grade}-${one.suite}-${one.version}`}>{t("rewrap.wouldDestroy", { grade: one.grade, version: one.version })}</li>
          ))}
        </ul>
      )}
    </ActionDialog>
  );
}
