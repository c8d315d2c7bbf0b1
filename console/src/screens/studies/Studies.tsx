// The list of studies: one box to type into, filters in the address, and the study that is chosen beside it.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, body } from "../../api/client";
import { useMe } from "../../api/queries";
import { Empty, Refused } from "../../components/basics";
import { BreakGlass } from "../../components/BreakGlass";
import { CopyAs } from "../../components/CopyAs";
import { DataTable } from "../../components/DataTable";
import { FilterRow, SearchBox, SelectFilter, Toggle, useFilters } from "../../components/Filters";
import { SavedFilters } from "../../components/SavedFilters";
import { NothingChosen, SplitView } from "../../components/SplitView";
import { addTexts } from "../../i18n";
import { useChosen } from "../../lib/chosen";
import type { Part } from "../../lib/gather";
import { viewer, viewerOf, workspace } from "../../viewer/load";
import { useColumns } from "./columns";
import en from "./en.json";
import { addressOf, exactPatientId, FILE_PAGE_ROWS, queryOf, type Study, type StudyFilters, type StudyPage } from "./query";
import { StudyPreview } from "./StudyPreview";
import zh from "./zh-CN.json";

addTexts("studies", { "zh-CN": zh, en });

const FILTERS = ["text", "modality", "date", "mine"] as const;
const MODALITIES = ["CT", "MR", "CR", "DX", "US", "MG", "XA", "PT", "NM"];

export default function Studies() {
  const { t } = useTranslation("studies");
  const [filters, change] = useFilters(FILTERS);
  const [chosen, choose] = useChosen("study");
  const found = useStudies(filters);
  const rows = useMemo(() => found.data?.pages.flatMap((page) => page.studies) ?? [], [found.data]);
  const cut = found.data?.pages.at(-1)?.whole === false;
  const study = rows.find((row) => row.study_uid === chosen);
  const columns = useColumns();
  const [wanted, setWanted] = useState<{ text: string; open: boolean } | null>(null);
  const exact = exactPatientId(filters["text"] ?? "");
  // After an emergency the patient is chosen at once: in the list and beside it.
  const showPatient = (patientId: string) => {
    change({ text: patientId, date: "", modality: "", mine: "" });
    setWanted({ text: patientId, open: false });
  };
  const navigate = useNavigate();
  const mayView = useMe().data?.actions.includes("view") === true;
  const open = (row: Study) => void navigate(viewerOf(row.study_uid));
  // As in the viewer: the study at which the keyboard is, beside an earlier one.
  const compareByKey = (event: KeyboardEvent, row: Study) => {
    if (event.code === "KeyC" && !event.shiftKey) void navigate(viewerOf(row.study_uid, { compared: true }));
  };
  // Enter opens what was found when it is the only one; otherwise it leads into the table.
  const searched = filters["text"] ?? "";
  useEffect(() => {
    const [first] = rows;
    if (wanted === null || wanted.text !== searched || found.isFetching || first === undefined) return;
    setWanted(null);
    if (wanted.open && mayView && rows.length === 1) open(first);
    else {
      choose(first.study_uid);
      document.querySelector<HTMLElement>("[role=grid]")?.focus();
    }
  });

  return (
    <SplitView
      head={
        <>
          <FilterRow
            search={
              <SearchBox
                label={t("search")}
                placeholder={t("placeholder")}
                value={filters["text"] ?? ""}
                onChange={(value, onward) => change({ text: value }, onward)}
                onEnter={(value, key) => {
                  if (value !== (filters["text"] ?? "")) change({ text: value });
                  setWanted({ text: value, open: key === "Enter" });
                }}
                autoFocus
              />
            }
          >
            <Toggle on={filters["date"] === "today"} onChange={(on) => change({ date: on ? "today" : "" })}>
              {t("today")}
            </Toggle>
            <Toggle on={filters["date"] === "week"} onChange={(on) => change({ date: on ? "week" : "" })}>
              {t("week")}
            </Toggle>
            <Toggle on={filters["mine"] === "true"} onChange={(on) => change({ mine: on ? "true" : "" })}>
              {t("mine")}
            </Toggle>
            <SelectFilter
              label={t("modality")}
              any={t("anyModality")}
              options={MODALITIES.map((modality) => [modality, modality])}
              value={filters["modality"] ?? ""}
              onChange={(modality) => change({ modality })}
            />
            <SavedFilters table="studies" names={["modality", "date", "mine"]} only={["text"]} />
            {/* On a telephone it is at the top of the page anyway. */}
            <span className="max-sm:hidden">
              <BreakGlass onOpened={showPatient} />
            </span>
          </FilterRow>
          {found.isError && <Refused error={found.error} retry={() => void found.refetch()} />}
        </>
      }
      title={t("search")}
      chosen={chosen}
      side={study && <StudyPreview study={study} />}
      unchosen={!found.isPending && rows.length === 0 ? null : <NothingChosen>{t("select")}</NothingChosen>}
      onLeave={() => choose("")}
    >
      <DataTable
        name="studies"
        label={t("search")}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.study_uid}
        selected={chosen}
        onSelect={(row) => {
          choose(row.study_uid);
          if (mayView) void Promise.all([viewer(), workspace()]);
        }}
        {...(mayView ? { onOpen: open, onKey: compareByKey } : {})}
        loading={found.isPending}
        loadingMore={found.isFetchingNextPage}
        more={found.hasNextPage && !found.isFetchNextPageError ? () => void found.fetchNextPage() : undefined}
        paged={{ loaded: found.data?.pages.map(partOf) ?? [], ask: async (cursor, signal) => partOf(await ask(filters, cursor, signal, FILE_PAGE_ROWS)) }}
        status={t(cut ? "statusCut" : found.hasNextPage ? "statusMore" : "status", { count: rows.length })}
        empty={
          <Empty title={t("empty")}>
            <p>{t("emptyHelp")}</p>
            {exact !== "" && (
              <div className="mt-4">
                <BreakGlass patientId={exact} onOpened={showPatient} />
              </div>
            )}
          </Empty>
        }
      />
      <div className="-mb-2 hidden flex-wrap sm:flex">
        <CopyAs path={addressOf(filters, new Date())} />
      </div>
    </SplitView>
  );
}

// === helpers ===

function useStudies(filters: StudyFilters) {
  return useInfiniteQuery({
    queryKey: ["studies", filters],
    queryFn: ({ pageParam, signal }) => ask(filters, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last: StudyPage) => last.next,
    placeholderData: (before) => before,
  });
}

function ask(filters: StudyFilters, cursor: string | null, signal: AbortSignal, limit?: number): Promise<StudyPage> {
  return body<StudyPage>(api.GET("/api/v1/studies/search", { params: { query: queryOf(filters, cursor, new Date(), limit) }, signal }));
}

function partOf({ studies, next, whole }: StudyPage): Part<Study> {
  return { rows: studies, next, whole };
}
