// The own long work, in the top bar: how far each is, how long it takes, what came of it. It is kept at the server, so it is here again after
// the page was left; it is asked for only while somebody is there.
import { Popover } from "@base-ui/react/popover";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ListChecks, LoaderCircle } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, body } from "../api/client";
import { useInterval, type Me } from "../api/queries";
import { clock, count, percent } from "../lib/amounts";
import { outcomeOf, paceOf, partOf, runningOf, TONES, tried, type Job } from "../lib/jobs";
import { Badge, Button, Refused, When } from "./basics";
import { CopyAs } from "./CopyAs";
import { Meter } from "./Meter";

/** So many are shown; the command line lists all. */
const SHOWN = 12;

/** A screen that begins a job says so: `queryClient.invalidateQueries({ queryKey: ["jobs"] })`. */
export function JobTray({ me }: { me: Me }) {
  const { t } = useTranslation("app");
  const [often, seldom] = [useInterval(1500), useInterval(20_000)];
  // Who opens no studies has none sent or brought either.
  const possible = me.actions.includes("view");
  const jobs = useQuery({
    queryKey: ["jobs"],
    queryFn: async () => (await body(api.GET("/api/v1/jobs"))) as unknown as Job[],
    enabled: possible,
    refetchInterval: (query) => (runningOf(query.state.data ?? []).length > 0 ? often : seldom),
  });
  const all = jobs.data ?? [];
  if (all.length === 0) return null;
  const running = runningOf(all).length;
  return (
    <Popover.Root onOpenChange={(open) => open && void jobs.refetch()}>
      <Popover.Trigger
        aria-label={t("jobs.tray", { count: running })}
        title={t("jobs.tray", { count: running })}
        className="inline-flex h-9 items-center gap-1.5 rounded-md px-2.5 hover:bg-accent-wash"
      >
        {running > 0 ? <LoaderCircle size={18} aria-hidden className="animate-spin text-accent" /> : <ListChecks size={18} aria-hidden />}
        {running > 0 && <span className="rounded-full bg-accent px-1.5 text-xs font-medium text-accent-ink">{running}</span>}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} align="end" className="z-40">
          <Popover.Popup className="flex max-h-[80vh] w-[min(94vw,27rem)] flex-col rounded-xl border bg-surface shadow-raised">
            <header className="flex items-center justify-between gap-2 border-b px-4 py-2">
              <Popover.Title className="font-semibold">{t("jobs.title")}</Popover.Title>
              <span className="-mr-2 flex">
                <CopyAs cli="yingdun job list" path="/api/v1/jobs" />
              </span>
            </header>
            <ul className="divide-y overflow-auto" aria-live="polite">
              {all.slice(0, SHOWN).map((job) => (
                <Entry key={job.job} job={job} />
              ))}
            </ul>
            {all.length > SHOWN && <p className="border-t px-4 py-2 text-xs text-soft">{t("jobs.more", { count: all.length - SHOWN })}</p>}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

// === helpers ===

function Entry({ job }: { job: Job }) {
  const { t } = useTranslation("app");
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => api.DELETE("/api/v1/jobs/{job}", { params: { path: { job: job.job } } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["jobs"] }),
  });
  const outcome = outcomeOf(job);
  const part = partOf(job);
  const { rate, seconds_left } = paceOf(job, Date.now());
  const title = t(`jobs.kinds.${job.kind}`, { device: job.device });
  return (
    <li className="space-y-2 px-4 py-3" title={job.job}>
      <div className="flex items-center justify-between gap-2">
        <p className="min-w-0 truncate font-medium">{title}</p>
        <Badge tone={TONES[outcome]}>{t(`jobs.outcomes.${outcome}`)}</Badge>
      </div>
      {part !== null && <Meter part={part} label={title} tone={TONES[outcome] === "neutral" ? "accent" : TONES[outcome]} />}
      <p className="flex flex-wrap gap-x-4 text-soft">
        {part !== null && (
          <span className="font-medium text-ink">
            {percent(tried(job), job.total)} · {t("jobs.counted", { done: count(tried(job)), total: count(job.total) })}
          </span>
        )}
        {rate !== null && <span>{t("jobs.rate", { rate: rate >= 10 ? count(Math.round(rate)) : rate.toFixed(1) })}</span>}
        {seconds_left !== null && <span>{t("jobs.left", { time: clock(seconds_left) })}</span>}
        {job.failed > 0 && <span className="text-bad">{t("jobs.failed", { count: job.failed })}</span>}
        <span className="ml-auto">
          <When ms={job.ended_ms ?? job.began_ms} />
        </span>
      </p>
      {job.fault !== null && (
        <p className="rounded-md bg-bad-wash p-2.5 break-words text-bad">
          {job.fault.came}
          {job.fault.do !== undefined && (
            <>
              <br />
              {t("refused.remedy")} {job.fault.do}
            </>
          )}
        </p>
      )}
      {job.failures.length > 0 && (
        <details>
          <summary className="text-accent">{t("jobs.failures", { count: job.failures.length })}</summary>
          <ul className="mt-1.5 max-h-40 space-y-1 overflow-auto text-xs">
            {job.failures.map((failure) => (
              <li key={failure.instance} className="break-all">
                <span className="font-mono text-soft">{failure.instance}</span> {String(failure.reason)}
              </li>
            ))}
          </ul>
        </details>
      )}
      {cancel.isError && <Refused error={cancel.error} />}
      <div className="-ml-1 flex flex-wrap items-center gap-1">
        {outcome === "running" && (
          <Button busy={cancel.isPending} onClick={() => cancel.mutate()}>
            {t("jobs.cancel")}
          </Button>
        )}
        {job.studies.length === 1 && job.state !== "running" && (
          <Link className="px-1 text-accent underline" to={`/studies?study=${job.studies[0]}`}>
            {t("jobs.study")}
          </Link>
        )}
      </div>
    </li>
  );
}
