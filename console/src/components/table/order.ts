// The order of rows: by one column, up or down, as the address says it: `name` or `-name`.
import type { Column } from "../DataTable";

interface Order {
  key: string;
  down: boolean;
}

export function orderOf(text: string | null): Order | null {
  if (text === null || text === "" || text === "-") return null;
  return text.startsWith("-") ? { key: text.slice(1), down: true } : { key: text, down: false };
}

/** What a click on the head of a column makes of it: up, then down, then as the rows came. */
export function afterClick(order: Order | null, key: string): string {
  if (order?.key !== key) return key;
  return order.down ? "" : `-${key}`;
}

/** The rows in that order; those that are equal stay as they came. Names are ordered as the language does, numbers by their size. */
export function ordered<Row>(rows: Row[], columns: Column<Row>[], order: Order | null, language: string): Row[] {
  const column = columns.find((one) => one.key === order?.key);
  if (column === undefined || order === null) return rows;
  const of = column.sort ?? column.text;
  const collator = new Intl.Collator(language, { numeric: true });
  const compare = (one: string | number, other: string | number) =>
    typeof one === "number" && typeof other === "number" ? one - other : collator.compare(String(one), String(other));
  return rows
    .map((row) => ({ row, by: of(row) }))
    .sort((one, other) => (order.down ? -compare(one.by, other.by) : compare(one.by, other.by)))
    .map(({ row }) => row);
}
