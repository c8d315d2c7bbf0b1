// The one table of the console: virtual rows, the whole of it by keyboard, order, columns and density as one likes, and a file of exactly the
// rows that the filters leave.
import { useVirtualizer } from "@tanstack/react-virtual";
import { Menu } from "@base-ui/react/menu";
import { clsx } from "clsx";
import { ArrowDown, ArrowUp, Columns3, Rows3 } from "lucide-react";
import { useEffect, useId, useMemo, useRef, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { prefer, usePreferences } from "../app/preferences";
import { useNarrow, useRoom } from "../lib/narrow";
import { Button, Loading } from "./basics";
import { useHidden } from "./table/columns";
import { FileButtons, type Paged } from "./table/FileButtons";
import { narrowest } from "./table/widths";
import { rowAfter, useCursor } from "./table/cursor";
import { afterClick, ordered, orderOf } from "./table/order";

export interface Column<Row> {
  key: string;
  title: string;
  /** A track of a CSS grid in these forms: `10rem` or `minmax(8rem, 1fr)`. */
  width: string;
  cell: (row: Row) => ReactNode;
  /** The same as text, for files. */
  text: (row: Row) => string;
  /** What rows are ordered by, where that is not the text. */
  sort?: (row: Row) => string | number;
  /** Not shown until somebody asks for it. */
  spare?: boolean;
  /** The width on a telephone; `false` leaves it out there. */
  narrow?: string | false;
}

interface Shown<Row> {
  /** Names the table: for files, and for which columns of it somebody hides. */
  name: string;
  /** What it is, for who does not see it. */
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
  /** How many rows there are in all, where that is known. */
  total?: number | undefined;
  selected?: string | null | undefined;
  onSelect?: (row: Row) => void;
  onOpen?: (row: Row) => void;
  /** Another key, at the row where the keyboard is. */
  onKey?: ((event: KeyboardEvent, row: Row) => void) | undefined;
  /** By which column the rows are ordered, and how to order them by another; for tables whose rows are all here. */
  order?: [string | null, (order: string) => void] | undefined;
  /** Loads the rows that come behind. */
  more?: (() => void) | undefined;
  loadingMore?: boolean;
  /** Where rows come page by page: the pages, so that a file holds all of them. */
  paged?: Paged<Row> | undefined;
  empty: ReactNode;
  loading?: boolean;
  /** Stands at the left of the tools. */
  status?: ReactNode;
}

const HEIGHTS = { comfortable: 44, compact: 30 } as const;

export function DataTable<Row>(props: Shown<Row>) {
  const { t, i18n } = useTranslation("app");
  const { density } = usePreferences();
  const narrow = useNarrow();
  const room = useRoom();
  const [hidden, setHidden] = useHidden(props.name, props.columns);
  const offered = narrow ? props.columns.filter((column) => column.narrow !== false) : props.columns;
  const columns = offered.filter((column) => !hidden.includes(column.key));
  const order = orderOf(props.order?.[0] ?? null);
  const rows = useMemo(
    () => ordered(props.rows, props.columns, order, i18n.language),
    [props.rows, props.columns, order?.key, order?.down, i18n.language],
  );
  const frame = useRef<HTMLDivElement>(null);
  const id = useId();
  const height = HEIGHTS[density];
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => height,
    overscan: 12,
  });
  useEffect(() => virtual.measure(), [height, virtual]);
  const places = useMemo(() => new Map(rows.map((row, index) => [props.rowKey(row), index])), [rows]);
  const rowOf = (key: string | null) => (key === null ? undefined : rows[places.get(key) ?? -1]);
  const cursor = useCursor(props.selected ?? null, (key) => {
    const row = rowOf(key);
    if (row !== undefined) props.onSelect?.(row);
  });
  const at = places.get(cursor.at ?? "") ?? -1;
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  // Only a row that is drawn can be pointed at.
  const isDrawn = items.some((item) => item.index === at);
  const { more, loadingMore = false } = props;
  useEffect(() => {
    if (more && !loadingMore && rows.length > 0 && last >= rows.length - 8) more();
  }, [more, loadingMore, last, rows.length]);

  // Keys come faster than the page is drawn: each counts from where the last one led.
  const place = useRef(at);
  place.current = at;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((frame.current?.clientHeight ?? 400) / height) - 2);
    const to = rowAfter(event.key, place.current, rows.length, page);
    const row = to === null ? undefined : rows[to];
    if (to !== null && row !== undefined) {
      event.preventDefault();
      place.current = to;
      virtual.scrollToIndex(to);
      // Where a row takes the place of the list once it is chosen, keys only lead to it.
      cursor.move(props.rowKey(row), room ? "soon" : "never");
    } else if (event.key === "Enter" || event.key === " ") {
      const chosen = rows[place.current];
      if (chosen === undefined) return;
      event.preventDefault();
      cursor.move(props.rowKey(chosen), "now");
      if (event.key === "Enter") props.onOpen?.(chosen);
    } else {
      const row = rows[place.current];
      if (row !== undefined) props.onKey?.(event, row);
    }
  };
  const widths = columns.map((column) => (narrow && column.narrow ? column.narrow : column.width));
  const template = widths.join(" ");
  const total = props.total ?? (more ? null : rows.length);

  return (
    <div className="flex min-h-0 min-w-0 flex-1 flex-col overflow-hidden rounded-lg border bg-surface shadow-raised">
      <div className="flex flex-wrap items-center justify-between gap-x-2 border-b px-3 py-1.5">
        <div className="text-soft" aria-live="polite">
          {props.status ?? t("table.rows", { count: total ?? rows.length })}
        </div>
        <Tools {...props} rows={rows} columns={offered} hidden={hidden} setHidden={setHidden} shown={columns} />
      </div>
      <div
        ref={frame}
        role="grid"
        aria-label={props.label}
        aria-rowcount={total === null ? -1 : total + 1}
        aria-colcount={columns.length}
        aria-busy={(props.loading === true && rows.length === 0) || loadingMore === true}
        aria-activedescendant={isDrawn ? `${id}-${at}` : undefined}
        tabIndex={0}
        onKeyDown={onKeyDown}
        className="relative min-h-0 flex-1 overflow-auto focus-visible:outline-offset-[-2px]"
      >
        <div style={{ minWidth: `${narrowest(widths)}rem` }}>
          <div
            role="row"
            aria-rowindex={1}
            className="sticky top-0 z-10 grid border-b bg-raised text-xs font-medium text-soft"
            style={{ gridTemplateColumns: template }}
          >
            {columns.map((column) => (
              <Head key={column.key} title={column.title} sorted={order?.key === column.key ? (order.down ? "descending" : "ascending") : "none"}>
                {props.order && (() => props.order?.[1](afterClick(order, column.key)))}
              </Head>
            ))}
          </div>
          {props.loading === true && rows.length === 0 ? (
            <Loading inGrid />
          ) : rows.length === 0 ? (
            // Where the columns are wider than the window, this still stands in the middle of what is seen.
            <div className="sticky left-0 max-w-[calc(100vw-3rem)]">{props.empty}</div>
          ) : (
            <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
              {items.map((item) => {
                const row = rows[item.index];
                if (row === undefined) return null;
                const selected = item.index === at;
                const key = props.rowKey(row);
                return (
                  <div
                    key={key}
                    id={`${id}-${item.index}`}
                    role="row"
                    aria-rowindex={item.index + 2}
                    aria-selected={selected}
                    onClick={() => {
                      cursor.move(key, "now");
                      if (!props.onSelect) props.onOpen?.(row);
                    }}
                    onDoubleClick={() => props.onOpen?.(row)}
                    className={clsx(
                      "absolute inset-x-0 grid cursor-default items-center border-b",
                      selected ? "bg-accent-wash shadow-[inset_3px_0_0_var(--accent)]" : "hover:bg-raised",
                    )}
                    style={{ gridTemplateColumns: template, height, transform: `translateY(${item.start}px)` }}
                  >
                    {columns.map((column) => (
                      <div key={column.key} role="gridcell" className="truncate px-3">
                        {column.cell(row)}
                      </div>
                    ))}
                  </div>
                );
              })}
            </div>
          )}
        </div>
        {loadingMore && <Loading inGrid />}
      </div>
    </div>
  );
}

// === helpers ===

/** The head of a column; where rows are ordered here, a button. */
function Head({ title, sorted, children }: { title: string; sorted: "none" | "ascending" | "descending"; children: (() => void) | undefined }) {
  const { t } = useTranslation("app");
  if (!children)
    return (
      <div role="columnheader" className="truncate px-3 py-2">
        {title}
      </div>
    );
  const Arrow = sorted === "descending" ? ArrowDown : ArrowUp;
  return (
    <div role="columnheader" aria-sort={sorted} className="flex min-w-0">
      <button
        type="button"
        onClick={children}
        title={t("table.sort", { column: title })}
        className={clsx("group flex min-w-0 flex-1 items-center gap-1 px-3 py-2 text-left hover:text-ink focus-visible:outline-offset-[-2px]", sorted !== "none" && "text-ink")}
      >
        <span className="truncate">{title}</span>
        <Arrow size={12} aria-hidden className={clsx("shrink-0", sorted === "none" && "opacity-0 group-hover:opacity-60 group-focus-visible:opacity-60")} />
      </button>
    </div>
  );
}

function Tools<Row>({
  hidden,
  setHidden,
  shown,
  ...table
}: Shown<Row> & { hidden: string[]; setHidden: (keys: string[]) => void; shown: Column<Row>[] }) {
  const { t } = useTranslation("app");
  const { density } = usePreferences();
  const toggle = (key: string) =>
    setHidden(hidden.includes(key) ? hidden.filter((other) => other !== key) : [...hidden, key]);
  return (
    <div className="-mr-2 flex items-center sm:gap-1">
      <Button
        look="quiet"
        aria-pressed={density === "compact"}
        title={t("table.density")}
        aria-label={t("table.density")}
        onClick={() => prefer({ density: density === "compact" ? "comfortable" : "compact" })}
      >
        <Rows3 size={16} aria-hidden />
      </Button>
      <Menu.Root>
        <Menu.Trigger
          aria-label={t("table.columns")}
          title={t("table.columns")}
          className="inline-flex h-8 items-center rounded-md px-2 hover:bg-accent-wash sm:px-3"
        >
          <Columns3 size={16} aria-hidden />
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner sideOffset={6} align="end" className="z-30">
            <Menu.Popup className="max-h-96 overflow-auto rounded-lg border bg-surface p-1 shadow-raised">
              {table.columns.map((column) => (
                <Menu.CheckboxItem
                  key={column.key}
                  checked={!hidden.includes(column.key)}
                  onCheckedChange={() => toggle(column.key)}
                  closeOnClick={false}
                  className="flex cursor-pointer items-center gap-2 rounded-md px-2.5 py-1.5 data-highlighted:bg-accent-wash"
                >
                  <span aria-hidden className="grid size-4 place-items-center rounded border text-xs">
                    <Menu.CheckboxItemIndicator>✓</Menu.CheckboxItemIndicator>
                  </span>
                  {column.title}
                </Menu.CheckboxItem>
              ))}
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      <FileButtons name={table.name} columns={shown} rows={table.rows} total={table.total ?? null} paged={table.paged} />
    </div>
  );
}
