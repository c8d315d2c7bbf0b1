// Room that destroyed studies still take, and giving it back. What is removed cannot be brought back.
import { PackageMinus, ScanSearch } from "lucide-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { Badge, Button, Facts, Panel, Refused, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { bytes, count } from "../../lib/amounts";
import { useCompaction } from "./queries";
import type { Compaction } from "./storage";

export function CompactionPanel({ manages }: { manages: boolean }) {
  const { t } = useTranslation("storage");
  const queries = useQueryClient();
  const compaction = useCompaction();
  const [asked, setAsked] = useState(false);
  const plan = useMutation({
    mutationFn: () => api.POST("/api/v1/system/compaction", { body: { dry_run: true } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["compaction"] }),
  });
  const run = compaction.data;
  const runs = run?.state === "running";
  return (
    <Panel
      title={t("compact.title")}
      actions={
        manages && (
          <>
            <Button busy={plan.isPending} disabled={runs} onClick={() => plan.mutate()}>
              {!plan.isPending && <ScanSearch size={15} aria-hidden />}
              {t("compact.plan")}
            </Button>
            <Button look="danger" disabled={runs} onClick={() => setAsked(true)}>
              <PackageMinus size={15} aria-hidden />
              {t("compact.run")}
            </Button>
          </>
        )
      }
    >
      <div className="space-y-3 p-4" aria-live="polite">
        <p className="text-soft">{t("compact.what")}</p>
        {compaction.isError && <Refused error={compaction.error} retry={() => void compaction.refetch()} />}
        {plan.isError && <Refused error={plan.error} />}
        {run && run.begun_ms !== null && <Told run={run} />}
        <div className="-ml-3 flex flex-wrap">
          <CopyAs cli="yingdun compact plan" path="/api/v1/system/compaction" />
        </div>
      </div>
      {asked && (
        <ActionDialog
          action={{
            title: t("compact.title"),
            button: t("compact.run"),
            danger: true,
            consequences: [t("compact.removes"), t("compact.copies"), t("compact.never"), t("compact.planFirst")],
            typed: t("compact.word"),
            changes: ["compaction", "replicas", "status"],
            perform: () => api.POST("/api/v1/system/compaction", { body: { dry_run: false } }),
            aside: <CopyAs cli="yingdun compact run" />,
          }}
          onClose={() => setAsked(false)}
        />
      )}
    </Panel>
  );
}

// === helpers ===

function Told({ run }: { run: Compaction }) {
  const { t } = useTranslation("storage");
  return (
    <div className="space-y-3">
      <p className="flex flex-wrap items-center gap-2">
        <Badge tone={run.state === "running" ? "accent" : run.failure === null ? "good" : "bad"}>
          {t(run.state === "running" ? "compact.running" : run.failure === null ? "compact.done" : "compact.failed")}
        </Badge>
        <span>{t(run.dry_run ? "compact.wasPlan" : "compact.wasRun")}</span>
        <span className="text-soft">{run.ended_ms === null ? run.begun_ms !== null && <When ms={run.begun_ms} /> : <When ms={run.ended_ms} />}</span>
        {run.state === "running" && <span className="text-soft">{t("compact.left", { packs: count(run.packs_left) })}</span>}
      </p>
      {run.failure !== null && <p className="rounded-md bg-bad-wash p-2.5 text-bad">{run.failure}</p>}
      {run.waits_for !== null && <p className="text-warn">{run.waits_for}</p>}
      <Facts
        of={[
          [t("compact.dead"), bytes(run.dead_bytes)],
          [t("compact.deadPacks"), t("compact.packsOf", { packs: count(run.dead_packs), amount: bytes(run.dead_packs_bytes) })],
          [t("compact.sparse", { percent: run.dead_percent }), t("compact.packsOf", { packs: count(run.sparse_packs), amount: bytes(run.sparse_packs_bytes) })],
          ...(run.dry_run
            ? []
            : [[t("compact.removed"), t("compact.packsOf", { packs: count(run.removed_packs), amount: bytes(run.removed_bytes) })] as [string, string]]),
        ]}
      />
      {run.kept.length > 0 && (
        <ul className="list-disc space-y-1 pl-5 text-soft">
          {run.kept.map((kept) => (
            <li key={kept.pack}>
              {t("compact.stays", { pack: kept.pack })} {kept.why}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
