// A list screen: what is searched and filtered for, the table, and beside it what is chosen. Every list of the console is one of these.
import type { ReactNode } from "react";
import { useChosen } from "../lib/chosen";
import { Refused } from "./basics";
import { CopyAs } from "./CopyAs";
import { DataTable, type Column } from "./DataTable";
import { FilterRow, SearchBox, SelectFilter, type ChangeFilters, type Filters } from "./Filters";
import { SavedFilters } from "./SavedFilters";
import { NothingChosen, SplitView } from "./SplitView";

interface Choice {
  /** Of the filter in the address. */
  name: string;
  label: string;
  /** What it says where all of them fit. */
  any: string;
  options: readonly (readonly [value: string, name: string])[];
}

interface Listed<Row> {
  /** Names the list: for files, columns and filters that are kept. */
  name: string;
  label: string;
  filters: Filters;
  change: ChangeFilters;
  search?: { label: string; placeholder: string };
  /** Filters by one of several words. */
  choices?: readonly Choice[];
  /** Other filters, and their names. */
  toggles?: ReactNode;
  also?: readonly string[];
  /** What is typed here may name a patient: it goes into a link, and is not kept. */
  patients?: boolean;
  /** What can be done here, such as to enter a new one. */
  actions?: ReactNode;
  /** What comes before the list, such as what waits to be on it. */
  above?: ReactNode;
  found: { isPending: boolean; isError: boolean; error: unknown; refetch: () => unknown };
  rows: Row[];
  columns: Column<Row>[];
  rowKey: (row: Row) => string;
  /** What is chosen, by the name that it has in the address; and what is shown of it. */
  chosen: string;
  side?: ReactNode;
  /** What stands beside the list until something is chosen; without it nothing stands beside it ever. */
  unchosen?: ReactNode;
  unchosenIcon?: ReactNode;
  empty: ReactNode;
  status?: ReactNode;
  cli?: string | undefined;
  path?: string | undefined;
  /** Dialogs. */
  children?: ReactNode;
}

/** The name of the order of rows in the address. */
const SORT = "sort";

export function ListScreen<Row>({ name, label, filters, change, search, choices = [], toggles, also = [], patients = false, actions, found, chosen: under, ...list }: Listed<Row>) {
  const [chosen, choose] = useChosen(under);
  const [sort, order] = useChosen(SORT);
  const typed = search ? ["text"] : [];
  const names = [...choices.map((choice) => choice.name), ...also, ...(patients ? [] : typed), SORT];
  // Nothing is to be chosen where there is nothing.
  const isBare = list.unchosen === undefined || (!found.isPending && list.rows.length === 0);
  return (
    <>
      <SplitView
        head={
          <>
            <FilterRow
              search={search && <SearchBox {...search} value={filters["text"] ?? ""} onChange={(text, onward) => change({ text }, onward)} />}
              actions={actions}
            >
              {toggles}
              {choices.map(({ name: of, ...choice }) => (
                <SelectFilter key={of} {...choice} value={filters[of] ?? ""} onChange={(value) => change({ [of]: value })} />
              ))}
              <SavedFilters table={name} names={names} only={patients ? typed : []} />
            </FilterRow>
            {found.isError && <Refused error={found.error} retry={() => void found.refetch()} />}
            {list.above}
          </>
        }
        title={label}
        chosen={chosen}
        side={list.side}
        unchosen={isBare ? null : <NothingChosen icon={list.unchosenIcon}>{list.unchosen}</NothingChosen>}
        onLeave={() => choose("")}
      >
        <DataTable
          name={name}
          label={label}
          columns={list.columns}
          rows={list.rows}
          rowKey={list.rowKey}
          selected={chosen}
          onSelect={(row) => choose(list.rowKey(row))}
          order={[sort, order]}
          loading={found.isPending}
          empty={list.empty}
          status={list.status}
        />
        <div className="-mb-2 hidden flex-wrap sm:flex">
          <CopyAs {...(list.cli === undefined ? {} : { cli: list.cli })} {...(list.path === undefined ? {} : { path: list.path })} />
        </div>
      </SplitView>
      {list.children}
    </>
  );
}
