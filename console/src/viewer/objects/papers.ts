// Which documents a series has, and what one of them says. Their metadata come by WADO-RS, and no more of them than can be read.
import { queryOptions } from "@tanstack/react-query";
import { request } from "../../api/client";
import { numbers, text, type DataSet } from "../../lib/dicom";
import type { Series } from "../study";
import { addressOf, bounded, kindOf, type Paper } from "./paper";

/** Documents of one series that are offered; a series of reports has a few. */
const PAPERS_MAX = 50;

/** Bytes of the metadata of one document. A report with a thousand measurements has about one million. */
const METADATA_BYTES_MAX = 8 * 1024 * 1024;

export function papersQuery(series: Series) {
  return queryOptions({
    queryKey: ["viewer", "papers", series.uid],
    staleTime: Infinity,
    queryFn: async ({ signal }): Promise<Paper[]> => {
      const asked = new URLSearchParams({ limit: String(PAPERS_MAX), includefield: "00080016,00200013" });
      const answer = await request(`/dicom-web/studies/${series.study}/series/${series.uid}/instances?${asked}`, { signal, headers: JSON_MODEL });
      const rows = answer.status === 204 ? [] : ((await answer.json()) as DataSet[]);
      const papers = rows.map((row) => ({
        study: series.study,
        series: series.uid,
        instance: text(row, "00080018"),
        kind: kindOf(text(row, "00080016")),
        number: numbers(row, "00200013")[0] ?? 0,
      }));
      return papers.sort((one, other) => one.number - other.number);
    },
  });
}

export function metadataQuery(paper: Paper | null) {
  return queryOptions({
    queryKey: ["viewer", "paper", paper?.instance],
    enabled: paper !== null,
    staleTime: Infinity,
    queryFn: async ({ signal }): Promise<DataSet> => {
      if (paper === null) throw new Error("no document");
      const answer = await request(`${addressOf(paper)}/metadata`, { signal, headers: JSON_MODEL });
      const [found] = JSON.parse(await bounded(answer, METADATA_BYTES_MAX)) as DataSet[];
      if (found === undefined) throw new Error("the document has no metadata");
      return found;
    },
  });
}

// === helpers ===

const JSON_MODEL = { Accept: "application/dicom+json" };
