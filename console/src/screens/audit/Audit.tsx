// The audit log: the state of the chain, the records that fit, and the one that is chosen beside them, with its proof.
import { useQuery } from "@tanstack/react-query";
import { Dices, FileArchive } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../api/queries";
import { useSearchParams } from "../../lib/address";
import { Button, Empty, Refused } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { DataTable } from "../../components/DataTable";
import { useFilters } from "../../components/Filters";
import { SavedFilters } from "../../components/SavedFilters";
import { SplitView } from "../../components/SplitView";
import { addTexts } from "../../i18n";
import { hasRoom } from "../../lib/narrow";
import { BundleDialog } from "./bundle/BundleDialog";
import { ChainBanner } from "./ChainBanner";
import { useHead } from "./checkpoint";
import { useColumns } from "./columns";
import en from "./en.json";
import { FilterBar } from "./FilterBar";
import { MissingLogs } from "./leaf/MissingLogs";
import { countOf } from "./leaf/page";
import { ProofView } from "./proof/ProofView";
import { addressOf, commandOf, FILTERS, PAGE_ROWS, PAGE_ROWS_MAX, type AuditFilters } from "./query";
import { RecordPanel } from "./RecordPanel";
import { SampleBar } from "./sample/SampleBar";
import { SampleDialog } from "./sample/SampleDialog";
import { SampleReview } from "./sample/SampleReview";
import { useSample } from "./sample/useSample";
import { fetchLeaf, fetchPage, keyOf, useSearch, type Row } from "./search";
import { useTrusted } from "./trust";
import zh from "./zh-CN.json";

addTexts("audit", { "zh-CN": zh, en });

/** Filters that are not kept in a browser: they name one patient. */
const ABOUT_PATIENTS: readonly string[] = ["patient", "study", "study_uid"];

export default function Audit() {
  const { t } = useTranslation("audit");
  const [filters, change] = useFilters(FILTERS) as [AuditFilters, (next: AuditFilters) => void];
  const [place, put] = usePlace();
  const [typed, setTyped] = useState<ReadonlyMap<string, string>>(new Map());
  const [dialog, setDialog] = useState<"sample" | "bundle" | null>(null);
  const [only, setOnly] = useState(true);
  const head = useHead().data;
  const trusted = useTrusted(head?.origin ?? "");
  const found = useSearch(filters);
  const sample = useSample();
  const me = useMe().data?.name;
  const listed = useMemo(() => found.data?.pages.flatMap((page) => page.rows) ?? [], [found.data]);
  const sampled = useMemo(() => new Set(sample.rows?.map(keyOf)), [sample.rows]);
  const onlySample = sample.present && only;
  const rows = onlySample ? (sample.rows ?? []) : listed;
  const row = useRow(place.record, [...listed, ...(sample.rows ?? [])], found.isPending);
  const columns = useColumns(typed, { sampled, checked: sample.present ? sample.checked : null });
  const count = countOf(found.data?.pages[0]?.count ?? null);
  const names = useMemo(() => [...new Set(listed.filter((one) => one.leaf.actor_kind === "person").map((one) => one.leaf.actor))].sort(), [listed]);
  const onFilter = (next: AuditFilters) => change({ ...Object.fromEntries(FILTERS.map((name) => [name, ""])), ...next });

  if (place.view === "proof" && row.data) {
    return <ProofView key={keyOf(row.data)} row={row.data} typed={typed} onBack={() => put({ view: null })} />;
  }
  return (
    <>
      <SplitView
        head={
          <>
            <ChainBanner />
            <FilterBar
              filters={filters}
              change={change}
              names={names}
              typed={typed}
              onTyped={(reference, text) => setTyped((before) => new Map(before).set(reference, text))}
              onRefresh={() => void found.refetch()}
              refreshing={found.isFetching}
            >
              <SavedFilters table="audit" names={FILTERS.filter((name) => !ABOUT_PATIENTS.includes(name))} only={ABOUT_PATIENTS} />
              <Button className="h-10 rounded-lg" disabled={!head} onClick={() => setDialog("sample")}>
                <Dices size={16} aria-hidden /> {t("sample.open")}
              </Button>
              <Button className="h-10 rounded-lg" disabled={!head} onClick={() => setDialog("bundle")}>
                <FileArchive size={16} aria-hidden /> {t("bundle.open")}
              </Button>
            </FilterBar>
            {sample.present && (
              <SampleBar
                drawn={sample.drawn}
                log={head?.origin ?? ""}
                count={sample.rows?.length ?? 0}
                checked={sample.checked}
                running={sample.running}
                only={only}
                onOnly={setOnly}
                onCheck={() => void sample.check(sample.rows ?? [], head?.origin ?? "", trusted?.key ?? null)}
                onStop={sample.stop}
                onRemove={() => sample.put(null)}
              >
                {sample.drawn && <SampleReview drawn={sample.drawn} records={sample.names} own={(sample.rows ?? []).filter((one) => one.leaf.actor === me).length} />}
              </SampleBar>
            )}
            <MissingLogs page={found.data?.pages.at(-1)} />
            {found.isError && <Refused error={found.error} retry={() => void found.refetch()} />}
            {sample.error && <Refused error={sample.error} />}
            {row.isError && <Refused error={row.error} />}
          </>
        }
        title={row.data ? t("record.title", { index: row.data.index.toLocaleString() }) : t("table")}
        chosen={place.record}
        side={
          row.data && (
            <RecordPanel
              row={row.data}
              typed={typed}
              onFilter={onFilter}
              onProve={row.data.log === head?.origin ? () => put({ view: "proof" }) : undefined}
            />
          )
        }
        onLeave={() => put({ record: null })}
      >
        <DataTable
          key={onlySample ? "sample" : "all"}
          name={onlySample ? "audit-sample" : "audit"}
          label={t("table")}
          columns={columns}
          rows={rows}
          rowKey={keyOf}
          total={!onlySample && count?.exact === true ? count.number : undefined}
          selected={place.record}
          onSelect={(one: Row) => put({ record: keyOf(one) })}
          onOpen={(one: Row) => put({ record: keyOf(one), ...(one.log === head?.origin ? { view: "proof" } : {}) })}
          loading={onlySample ? sample.rows === undefined : found.isPending}
          loadingMore={found.isFetchingNextPage}
          more={!onlySample && found.hasNextPage && !found.isFetchNextPageError ? () => void found.fetchNextPage() : undefined}
          paged={onlySample ? undefined : { loaded: found.data?.pages ?? [], ask: (cursor, signal) => fetchPage(addressOf(filters, new Date(), cursor, PAGE_ROWS_MAX), signal) }}
          status={onlySample ? t("statusSample", { count: rows.length }) : count && t(count.exact ? "status" : "statusAtLeast", { count: count.number, shown: rows.length })}
          empty={<Empty title={t("empty")}>{t("emptyHelp")}</Empty>}
        />
        <div className="-mb-2 hidden flex-wrap sm:flex">
          <CopyAs {...commandIn(filters)} path={addressOf(filters, new Date(), null, PAGE_ROWS)} />
        </div>
      </SplitView>
      {dialog === "sample" && head && (
        <SampleDialog
          filters={filters}
          head={head}
          onClose={() => setDialog(null)}
          onDrawn={(drawn) => {
            setOnly(true);
            sample.put(drawn);
            setDialog(null);
          }}
        />
      )}
      {dialog === "bundle" && head && <BundleDialog filters={filters} log={head.origin} onClose={() => setDialog(null)} />}
    </>
  );
}

// === helpers ===

interface Place {
  record: string | null;
  view: string | null;
}

/** Which record is looked at, and how, in the address. Looking at a proof is a step that one goes back from. */
function usePlace(): [Place, (change: Partial<Place>) => void] {
  const [parameters, setParameters] = useSearchParams();
  const put = (change: Partial<Place>) =>
    setParameters(
      (present) => {
        const changed = new URLSearchParams(present);
        for (const [name, value] of Object.entries(change)) {
          if (value === null) changed.delete(name);
          else changed.set(name, value as string);
        }
        return changed;
      },
      // As in `useChosen`: what takes the place of the list is a step that one goes back from.
      { replace: change.view !== "proof" && (change.record == null || hasRoom()) },
    );
  return [{ record: parameters.get("record"), view: parameters.get("view") }, put];
}

/** The record of a key: of those that are here, or read by its number. */
function useRow(key: string | null, here: Row[], pending: boolean) {
  const present = here.find((row) => keyOf(row) === key);
  const parts = /^(\d{1,15})@(\S+)$/.exec(key ?? "");
  const asked = useQuery({
    queryKey: ["audit", "record", key],
    queryFn: async ({ signal }) => (parts ? await fetchLeaf(parts[2] ?? "", Number(parts[1]), signal) : null),
    enabled: parts !== null && present === undefined && !pending,
    staleTime: Infinity,
  });
  return { data: present ?? asked.data ?? undefined, isError: asked.isError, error: asked.error };
}

function commandIn(filters: AuditFilters): { cli?: string } {
  const cli = commandOf(filters, new Date());
  return cli === undefined ? {} : { cli };
}
