// All rows that the filters of a list leave, page by page: what a file of it holds. Pure but for what it is given to ask with.

/** One page of a list. */
export interface Part<Row> {
  rows: readonly Row[];
  next: string | null;
  /** Whether everything that fits is in the pages; not where a log did not answer, or where the server stopped looking. */
  whole: boolean;
}

export interface Gathered<Row> {
  rows: Row[];
  /** `all`: exactly what the filters leave. `bound`: there is more than a file takes. `cut`: the server could not give all of it. */
  end: "all" | "bound" | "cut";
}

/** Rows of one file. More than this nobody reads in a spreadsheet, and each page that is asked for is a record of the audit log. */
export const FILE_ROWS_MAX = 20_000;

/** The rows of the pages that are there, and of all that come behind. `told` hears how many there are so far. */
export async function gather<Row>(loaded: readonly Part<Row>[], ask: (cursor: string) => Promise<Part<Row>>, told: (rows: number) => void, rowsMax = FILE_ROWS_MAX): Promise<Gathered<Row>> {
  const rows: Row[] = [];
  let whole = true;
  const take = (part: Part<Row>) => {
    rows.push(...part.rows);
    whole &&= part.whole;
    told(rows.length);
  };
  for (const part of loaded) take(part);
  let next = loaded.at(-1)?.next ?? null;
  const seen = new Set<string>();
  while (next !== null && rows.length < rowsMax) {
    // A server that leads in a circle would lead for ever.
    if (seen.has(next)) return { rows, end: "cut" };
    seen.add(next);
    const part = await ask(next);
    take(part);
    next = part.next;
  }
  if (next !== null || rows.length > rowsMax) return { rows: rows.slice(0, rowsMax), end: "bound" };
  return { rows, end: whole ? "all" : "cut" };
}
