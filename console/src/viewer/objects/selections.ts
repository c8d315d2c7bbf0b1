// What the selections of a study say together: which slices are key images, and of how many in which series.
import { queryOptions } from "@tanstack/react-query";
import { request } from "../../api/client";
import type { DataSet } from "../../lib/dicom";
import type { Study } from "../study";
import { placesOf } from "./content";
import { selectionOf, type Selection } from "./key-objects";
import { bounded } from "./paper";

/** Series of selections that are read of one study; what a reader marks in one sitting is one. */
const SERIES_MAX = 40;

/** Bytes of the metadata of one such series. */
const SERIES_BYTES_MAX = 4 * 1024 * 1024;

interface Selections {
  selections: Selection[];
  /** How many images are marked in a series. */
  counts: Map<string, number>;
  /** Whether all selections of the study were read. */
  whole: boolean;
}

export const NO_SELECTIONS: Selections = { selections: [], counts: new Map(), whole: true };

export function selectionsQuery(study: Study, enabled: boolean) {
  const series = study.documents.filter((one) => one.modality === "KO");
  return queryOptions({
    queryKey: ["viewer", "selections", study.uid, series.map((one) => one.uid).join(" ")],
    enabled: enabled && series.length > 0,
    staleTime: Infinity,
    queryFn: async ({ signal }): Promise<Selections> => {
      const read = series.slice(-SERIES_MAX).map(async (one) => {
        const answer = await request(`/dicom-web/studies/${study.uid}/series/${one.uid}/metadata`, { signal, headers: { Accept: "application/dicom+json" } });
        return JSON.parse(await bounded(answer, SERIES_BYTES_MAX)) as DataSet[];
      });
      const settled = await Promise.allSettled(read);
      const objects = settled.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
      const failed = settled.find((one) => one.status === "rejected");
      if (objects.length === 0 && failed) throw failed.reason;
      return { ...together(objects), whole: failed === undefined && series.length <= SERIES_MAX };
    },
  });
}

/** What these selections say together; an image that several name counts once. */
export function together(objects: DataSet[]): Omit<Selections, "whole"> {
  const selections: Selection[] = [];
  const marked = new Map<string, Set<string>>();
  for (const object of objects) {
    const selection = selectionOf(object);
    if (selection === null) continue;
    selections.push(selection);
    const places = placesOf(object);
    for (const [instance, frames] of selection.images) {
      const series = places.get(instance)?.series;
      if (series === undefined) continue;
      const names = marked.get(series) ?? new Set();
      for (const name of frames.length === 0 ? [instance] : frames.map((frame) => `${instance}/${frame}`)) names.add(name);
      marked.set(series, names);
    }
  }
  return { selections, counts: new Map([...marked].map(([series, names]) => [series, names.size])) };
}
