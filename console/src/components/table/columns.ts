// Which columns of a table somebody hides, kept in this browser.
import { keep, useKept } from "../../lib/kept";
import type { Column } from "../DataTable";

export function useHidden<Row>(name: string, columns: Column<Row>[]): [string[], (keys: string[]) => void] {
  const [kept, set] = useKept(keptAs(name));
  return [wordsOf(kept) ?? columns.filter((column) => column.spare === true).map((column) => column.key), set];
}

/** What is hidden of a table, where somebody said so. */
export function useHiddenWords(name: string): string[] | null {
  return wordsOf(useKept(keptAs(name))[0]);
}

/** Hides these columns of a table; `null` shows it as it comes. */
export function hide(name: string, keys: string[] | null): void {
  keep(keptAs(name), keys ?? undefined);
}

// === helpers ===

function keptAs(name: string): string {
  return `columns.${name}`;
}

function wordsOf(kept: unknown): string[] | null {
  return Array.isArray(kept) ? kept.filter((word): word is string => typeof word === "string") : null;
}
