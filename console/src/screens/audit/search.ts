// The rows of the log, a page at a time, each with the spelling that was hashed.
import { useInfiniteQuery } from "@tanstack/react-query";
import { request } from "../../api/client";
import { spellings } from "../../lib/json";
import { cursorBefore } from "../../lib/note";
import type { Leaf } from "./leaf/words";
import { pageOf, type Page } from "./leaf/page";
import { addressOf, PAGE_ROWS, type AuditFilters } from "./query";

export interface Row {
  log: string;
  index: number;
  /** As the list says it; what the leaf gives is computed from `spelling`. */
  leafHash: string;
  leaf: Leaf;
  spelling: string;
}

/** What stands for one leaf in an address. */
export const keyOf = (row: { log: string; index: number }): string => `${row.index}@${row.log}`;

export function useSearch(filters: AuditFilters) {
  return useInfiniteQuery({
    queryKey: ["audit", "search", filters],
    queryFn: ({ pageParam, signal }) => fetchPage(addressOf(filters, new Date(), pageParam, PAGE_ROWS), signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    // Each asking is a leaf of its own: the list is asked for anew when somebody wants it.
    staleTime: Infinity,
  });
}

/** One leaf by its number; nothing where there is none of this institution under it. */
export async function fetchLeaf(log: string, index: number, signal?: AbortSignal): Promise<Row | null> {
  const cursor = await cursorBefore(log, index + 1);
  const page = await fetchPage(addressOf({ log }, new Date(), cursor, 1), signal);
  return page.rows.find((row) => row.index === index) ?? null;
}

export async function fetchPage(address: string, signal?: AbortSignal): Promise<Page<Row>> {
  const answer = await request(address, signal ? { signal } : {});
  return pageOf(answer.headers, rowsOf(await answer.text()));
}

/** Rows with their leaves as they are spelt. */
function rowsOf(text: string): Row[] {
  const read = JSON.parse(text) as { log: string; index: number; leaf_hash: string; leaf: Leaf }[];
  const spelt = spellings(text, "leaf");
  return read.map(({ log, index, leaf_hash, leaf }, place) => ({ log, index, leafHash: leaf_hash, leaf, spelling: spelt[place] ?? "" }));
}
