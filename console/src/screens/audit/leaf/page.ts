// What answers about the logs of an installation have beside their rows: how many there are, where the next ones begin, and which logs are
// not in it (docs: audit, "One search over all logs").

interface Missing {
  log: string;
  why: string;
  last_seen_ms: number | null;
}

export interface Page<Row> {
  rows: Row[];
  /** `12` or `at least 12`; in the first page only. */
  count: string | null;
  next: string | null;
  whole: boolean;
  missing: Missing[];
  /** The log of the node that answered. */
  own: string;
  /** How many logs there are. */
  logs: number;
  /** Whether the archive knows the patient or study that was asked for; nothing where it cannot say. */
  known: boolean | null;
}

export function pageOf<Row>(headers: Headers, rows: Row[]): Page<Row> {
  const known = headers.get("yingdun-known");
  return {
    rows,
    count: headers.get("yingdun-count"),
    next: headers.get("yingdun-next"),
    whole: headers.get("yingdun-whole") !== "false",
    missing: missingOf(headers.get("yingdun-logs-missing")),
    own: headers.get("yingdun-log") ?? "",
    logs: Number(headers.get("yingdun-logs") ?? 1),
    known: known === null ? null : known === "true",
  };
}

/** How many rows there are in all: the number, and whether there may be more. */
export function countOf(text: string | null): { number: number; exact: boolean } | null {
  const found = /^(at least )?(\d+)$/.exec(text ?? "");
  return found ? { number: Number(found[2]), exact: found[1] === undefined } : null;
}

// === helpers ===

function missingOf(text: string | null): Missing[] {
  try {
    const read: unknown = JSON.parse(text ?? "[]");
    if (Array.isArray(read)) return read as Missing[];
  } catch {
    // Told as one that nobody can name.
  }
  return [{ log: "?", why: "not-believed", last_seen_ms: null }];
}
