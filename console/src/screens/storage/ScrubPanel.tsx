// Every byte of every replica is read and checked again and again: how far that is, and what it found.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { SearchCheck } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { Badge, Button, Panel, Refused, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { Meter } from "../../components/Meter";
import { bytes, clock, count, percent } from "../../lib/amounts";
import { scrubPart, scrubSeconds, type Replica } from "./storage";

export function ScrubPanel({ replicas, manages }: { replicas: Replica[]; manages: boolean }) {
  const { t } = useTranslation("storage");
  const queries = useQueryClient();
  const begin = useMutation({
    mutationFn: () => api.POST("/api/v1/system/scrub", {}),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["replicas"] }),
  });
  const runs = replicas.some((replica) => replica.scrub.state === "running");
  return (
    <Panel
      title={t("scrub.title")}
      actions={
        <>
          <CopyAs cli="yingdun scrub --now" />
          {manages && (
            <Button busy={begin.isPending} disabled={runs} onClick={() => begin.mutate()}>
              {!begin.isPending && <SearchCheck size={15} aria-hidden />}
              {t(runs ? "scrub.runs" : "scrub.begin")}
            </Button>
          )}
        </>
      }
    >
      {begin.isError && (
        <div className="p-4">
          <Refused error={begin.error} />
        </div>
      )}
      <ul className="divide-y" aria-live="polite">
        {replicas.map((replica) => (
          <ScrubRow key={replica.label} replica={replica} />
        ))}
      </ul>
    </Panel>
  );
}

// === helpers ===

function ScrubRow({ replica }: { replica: Replica }) {
  const { t } = useTranslation("storage");
  const { scrub } = replica;
  const seconds = scrubSeconds(scrub);
  return (
    <li className="grid items-center gap-x-6 gap-y-1.5 px-4 py-3 md:grid-cols-[7rem_1fr_1fr]">
      <span className="font-medium">{t("replica", { label: replica.label })}</span>
      {scrub.state === "running" ? (
        <div className="space-y-1">
          <Meter part={scrubPart(scrub)} label={t("scrub.of", { label: replica.label })} />
          <p className="flex flex-wrap gap-x-4 text-soft">
            <span className="font-medium text-ink">{percent(scrub.checked_bytes, scrub.checked_bytes + scrub.bytes_left)}</span>
            <span>{t("scrub.left", { amount: bytes(scrub.bytes_left) })}</span>
            {seconds !== null && <span>{t("scrub.time", { time: clock(seconds) })}</span>}
          </p>
        </div>
      ) : (
        <p className="text-soft">
          {scrub.last === null ? (
            t("scrub.never")
          ) : (
            <>
              {t("scrub.last")} <When ms={scrub.last.ended_ms} /> · {t("scrub.read", { records: count(scrub.last.records), amount: bytes(scrub.last.bytes) })}
            </>
          )}
        </p>
      )}
      <Found of={scrub.state === "running" ? scrub : (scrub.last ?? scrub)} never={scrub.state === "resting" && scrub.last === null} />
    </li>
  );
}

function Found({ of, never }: { of: { found: number; lost: number }; never: boolean }) {
  const { t } = useTranslation("storage");
  if (never) return <span />;
  return (
    <span className="flex flex-wrap gap-1.5 md:justify-end">
      <Badge tone={of.found === 0 ? "good" : "warn"}>{t("scrub.found", { found: count(of.found) })}</Badge>
      <Badge tone={of.lost === 0 ? "good" : "bad"}>{t("scrub.lost", { lost: count(of.lost) })}</Badge>
    </span>
  );
}
