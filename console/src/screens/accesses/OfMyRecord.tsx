// Who looked at the images of the patient who asks: each look, or those at one study, with the role and reason of who looked, and no name.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { request } from "../../api/client";
import type { paths } from "../../api/schema";
import { Badge, Empty, Refused, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { DataTable, type Column } from "../../components/DataTable";
import { Chip } from "../../components/Filters";
import { useSearchParams } from "../../lib/address";
import { moment } from "../../lib/time";
import { pageOf, type Page } from "../audit/leaf/page";
import { Pseudonym, useWord } from "../audit/leaf/words";
import { isUid, PAGE_ROWS, PAGE_ROWS_MAX } from "../audit/query";

type Look = paths["/api/v1/me/record/accesses"]["get"]["responses"][200]["content"]["application/json"][number];

const ADDRESS = "/api/v1/me/record/accesses";

/** With a name of its own for the table. */
type Row = Look & { key: string };

export function OfMyRecord() {
  const { t } = useTranslation("accesses");
  const [parameters, setParameters] = useSearchParams();
  const asked = parameters.get("study_uid") ?? "";
  const study = isUid(asked) ? asked : "";
  const found = useInfiniteQuery({
    queryKey: ["accesses", "record", study],
    queryFn: ({ pageParam, signal }) => fetchPage(study, pageParam, PAGE_ROWS, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    // Each asking is a leaf of its own.
    staleTime: Infinity,
  });
  const rows = useMemo(() => found.data?.pages.flatMap((page) => page.rows) ?? [], [found.data]);
  const columns = useColumns();
  return (
    <>
      {study !== "" && (
        <div className="flex flex-wrap gap-2">
          <Chip onRemove={() => setParameters({ of: "record" })}>
            <span className="max-w-72 truncate" title={study}>
              {t("ofStudy", { name: study })}
            </span>
          </Chip>
        </div>
      )}
      {found.isError && <Refused error={found.error} retry={() => void found.refetch()} />}
      {found.data?.pages.some((page) => !page.whole) && (
        <p role="alert" className="rounded-lg bg-warn-wash p-4 text-warn">
          {t("record.notWhole")}
        </p>
      )}
      <div className="flex min-h-96 flex-1">
        <DataTable
          name="record-accesses"
          label={t("record.title")}
          columns={columns}
          rows={rows}
          rowKey={(row) => row.key}
          loading={found.isPending}
          loadingMore={found.isFetchingNextPage}
          more={found.hasNextPage && !found.isFetchNextPageError ? () => void found.fetchNextPage() : undefined}
          paged={{ loaded: found.data?.pages ?? [], ask: (cursor, signal) => fetchPage(study, cursor, PAGE_ROWS_MAX, signal) }}
          empty={<Empty title={t("emptyOthers")}>{t("record.emptyHelp")}</Empty>}
        />
      </div>
      <div className="flex flex-wrap items-center gap-3 text-soft">
        {t("record.names")}
        <CopyAs {...(study === "" ? { cli: "yingdun patient-account accesses" } : {})} path={study === "" ? ADDRESS : `${ADDRESS}?${new URLSearchParams(ofStudy(study))}`} />
      </div>
    </>
  );
}

// === helpers ===

async function fetchPage(study: string, cursor: string | null, limit: number, signal: AbortSignal): Promise<Page<Row>> {
  const query = new URLSearchParams({ limit: String(limit), ...ofStudy(study), ...(cursor === null ? {} : { cursor }) });
  const answer = await request(`${ADDRESS}?${query}`, { signal });
  const page = pageOf(answer.headers, (await answer.json()) as Look[]);
  // Rows have no number here: a patient is told of no others.
  return { ...page, rows: page.rows.map((row, index) => ({ ...row, key: `${page.next ?? ""}${index}` })) };
}

function ofStudy(study: string): Record<string, string> {
  return study === "" ? {} : { study_uid: study };
}

function useColumns(): Column<Row>[] {
  const { t, i18n } = useTranslation("accesses");
  const word = useWord();
  return useMemo(() => {
    const worded = (key: "role" | "action" | "reason" | "purpose", width: string): Column<Row> => ({
      key,
      title: t(`columns.${key}`),
      width,
      cell: (row) => <span title={row[key] ?? ""}>{word(key, row[key])}</span>,
      text: (row) => word(key, row[key]),
    });
    return [
      { key: "time", title: t("columns.time"), width: "11rem", cell: (row) => <When ms={row.time_ms} exact />, text: (row) => moment(row.time_ms) },
      {
        key: "who",
        title: t("columns.who"),
        width: "8rem",
        cell: (row) => (row.oneself ? <Badge tone="accent">{t("record.oneself")}</Badge> : <Pseudonym of={row.who} />),
        text: (row) => (row.oneself ? t("record.oneself") : row.who),
      },
      worded("role", "9rem"),
      {
        key: "departments",
        title: t("record.departments"),
        width: "minmax(8rem, 1fr)",
        cell: (row) => row.departments.join(" · "),
        text: (row) => row.departments.join(" "),
      },
      worded("action", "6.5rem"),
      worded("reason", "minmax(10rem, 1fr)"),
      worded("purpose", "6.5rem"),
      { key: "study", title: t("columns.study"), width: "6.5rem", cell: (row) => <Pseudonym of={row.study ?? undefined} />, text: (row) => row.study ?? "" },
    ];
    // The words change with the language.
  }, [i18n.language]);
}
