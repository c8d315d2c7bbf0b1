// Who opened images, when, why and with what outcome, a page at a time.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { request } from "../../api/client";
import { Refused, When } from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import type { paths } from "../../api/schema";
import { moment } from "../../lib/time";
import { MissingLogs } from "../audit/leaf/MissingLogs";
import { countOf, pageOf, type Page } from "../audit/leaf/page";
import { Actor, Outcome, Pseudonym, useWord } from "../audit/leaf/words";
import { PAGE_ROWS, PAGE_ROWS_MAX } from "../audit/query";

type Access = paths["/api/v1/me/accesses"]["get"]["responses"][200]["content"]["application/json"][number];

/** Asks for the page behind a cursor, of so many rows. */
type Ask = (cursor: string | null, limit: number) => [address: string, init: RequestInit];

/** Where the record of a row is, with its proof. */
export const recordOf = (row: Access): string => `/audit?record=${encodeURIComponent(keyOf(row))}`;

const keyOf = (row: Access): string => `${row.index}@${row.log}`;

export function AccessTable({ name, label, ask, queryKey, typed, own, empty, placeOf, unknown }: {
  name: string;
  label: string;
  ask: Ask;
  queryKey: readonly unknown[];
  typed: ReadonlyMap<string, string>;
  /** All rows are of one person, who need not be named. */
  own: boolean;
  empty: ReactNode;
  /** Where the record of a row is, for who may read it. */
  placeOf?: ((row: Access) => string) | undefined;
  /** Stands there where the archive does not know what was asked for. */
  unknown?: ReactNode;
}) {
  const { t } = useTranslation("accesses");
  const go = useNavigate();
  const [selected, setSelected] = useState<string | null>(null);
  const found = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => fetchPage(ask(pageParam, PAGE_ROWS), signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    // Each asking is a leaf of its own.
    staleTime: Infinity,
  });
  const rows = useMemo(() => found.data?.pages.flatMap((page) => page.rows) ?? [], [found.data]);
  const columns = useColumns(own, typed, placeOf);
  const first = found.data?.pages[0];
  const count = countOf(first?.count ?? null);
  const people = new Set(rows.map((row) => row.actor)).size;
  const refused = rows.filter((row) => row.outcome === "refused").length;
  return (
    <>
      <MissingLogs page={found.data?.pages.at(-1)} />
      {found.isError && <Refused error={found.error} retry={() => void found.refetch()} />}
      {first?.known === false && unknown}
      <div className="flex min-h-96 flex-1">
        <DataTable
          name={name}
          label={label}
          columns={columns}
          rows={rows}
          rowKey={keyOf}
          total={count?.exact === true ? count.number : undefined}
          selected={selected}
          onSelect={(row) => setSelected(keyOf(row))}
          {...(placeOf ? { onOpen: (row: Access) => void go(placeOf(row)) } : {})}
          loading={found.isPending}
          loadingMore={found.isFetchingNextPage}
          more={found.hasNextPage && !found.isFetchNextPageError ? () => void found.fetchNextPage() : undefined}
          paged={{ loaded: found.data?.pages ?? [], ask: (cursor, signal) => fetchPage(ask(cursor, PAGE_ROWS_MAX), signal) }}
          status={
            count && (
              <>
                {t(count.exact ? "status" : "statusAtLeast", { count: count.number, shown: rows.length })}
                {!own && rows.length > 0 && <span className="ml-3">{t("people", { people, refused })}</span>}
              </>
            )
          }
          empty={empty}
        />
      </div>
    </>
  );
}

// === helpers ===

async function fetchPage([address, init]: ReturnType<Ask>, signal: AbortSignal): Promise<Page<Access>> {
  const answer = await request(address, { ...init, signal });
  return pageOf(answer.headers, (await answer.json()) as Access[]);
}

function useColumns(own: boolean, typed: ReadonlyMap<string, string>, placeOf: ((row: Access) => string) | undefined): Column<Access>[] {
  const { t, i18n } = useTranslation("accesses");
  const word = useWord();
  return useMemo(
    () => {
      const worded = (key: "reason" | "purpose" | "action" | "role", width: string): Column<Access> => ({
        key,
        title: t(`columns.${key}`),
        width,
        narrow: key === "action" ? "4.5rem" : false,
        cell: (row) => <span title={row[key] ?? ""}>{word(key, row[key])}</span>,
        text: (row) => word(key, row[key]),
      });
      const reference = (key: "patient" | "study"): Column<Access> => ({
        key,
        title: t(`columns.${key}`),
        width: "6.5rem",
        narrow: own && key === "patient" ? "minmax(5rem, 1fr)" : false,
        cell: (row) => typed.get(row[key] ?? "") ?? <Pseudonym of={row[key]} />,
        text: (row) => row[key] ?? "",
      });
      const who: Column<Access> = {
        key: "who",
        title: t("columns.who"),
        width: "minmax(13rem, 1.2fr)",
        narrow: "minmax(5rem, 1fr)",
        cell: (row) => <Actor name={row.actor} kind={row.actor_kind} role={row.role} />,
        text: (row) => row.actor,
      };
      const numberOf = (row: Access) =>
        placeOf ? (
          <Link to={placeOf(row)} className="text-accent underline">
            #{row.index}
          </Link>
        ) : (
          `#${row.index}`
        );
      return [
        { key: "time", title: t("columns.time"), width: "11rem", narrow: "7.2rem", cell: (row) => <When ms={row.time_ms} exact />, text: (row) => moment(row.time_ms) },
        own ? worded("role", "9rem") : who,
        worded("action", "6.5rem"),
        { key: "outcome", title: t("columns.outcome"), width: "8.25rem", narrow: "5.5rem", cell: (row) => <Outcome of={row.outcome} />, text: (row) => word("outcome", row.outcome) },
        worded("reason", "minmax(10rem, 1fr)"),
        worded("purpose", "6.5rem"),
        reference("patient"),
        reference("study"),
        { key: "node", title: t("columns.node"), width: "8rem", narrow: false, cell: (row) => row.node ?? "", text: (row) => row.node ?? "", spare: true },
        { key: "log", title: t("columns.log"), width: "10rem", narrow: false, cell: (row) => row.log, text: (row) => row.log, spare: true },
        { key: "number", title: t("columns.number"), width: "5.5rem", narrow: false, cell: (row) => numberOf(row), text: (row) => String(row.index) },
      ];
    },
    // The words change with the language.
    [i18n.language, own, typed, placeOf],
  );
}
