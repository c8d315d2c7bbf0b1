// What hanging protocols are told of a study: its series, and of projections each picture, as its metadata say it.
import { queryOptions } from "@tanstack/react-query";
import { queryClient } from "../api/queries";
import { TAGS, text, texts, type DataSet } from "../lib/dicom";
import { PROJECTIONS, type Case, type Picture } from "./protocols";
import { stackQuery, type Stack, type Study } from "./study";

/** Of how many series the metadata are read before anything hangs. */
const SERIES_MAX = 12;

/** With more objects than this a series is no set of projections. */
const PROJECTIONS_MAX = 24;

/** A study as protocols see it. What cannot be read hangs by its words. */
export function caseQuery(study: Study | null) {
  const projected = (study?.series ?? []).filter((one) => PROJECTIONS.includes(one.modality) && one.instances <= PROJECTIONS_MAX).slice(0, SERIES_MAX);
  return queryOptions({
    queryKey: ["viewer", "case", study?.uid],
    enabled: study !== null,
    staleTime: Infinity,
    ...(study !== null && projected.length === 0 ? { initialData: caseOf(study, []) } : {}),
    queryFn: async (): Promise<Case> => {
      if (study === null) throw new Error("no study");
      const stacks = await Promise.allSettled(projected.map((one) => queryClient.fetchQuery(stackQuery(one))));
      return caseOf(study, stacks.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])));
    },
  });
}

export function caseOf(study: Study, stacks: readonly Stack[]): Case {
  return {
    description: text(study.about, TAGS.studyDescription),
    series: study.series.map((series) => {
      const stack = stacks.find((one) => one.series.uid === series.uid);
      return { ...series, pictures: stack ? picturesOf(stack) : [] };
    }),
  };
}

// === helpers ===

const VIEW_POSITION = "00185101";
const IMAGE_LATERALITY = "00200062";
const LATERALITY = "00200060";
const PATIENT_ORIENTATION = "00200020";

/** One by one; a series of one picture that says nothing of itself is told by its words. */
function picturesOf(stack: Stack): Picture[] {
  return stack.slices.map(({ data }, index) => ({
    index,
    view: text(data, VIEW_POSITION),
    laterality: sideOf(data),
    rows: texts(data, PATIENT_ORIENTATION)[0] ?? "",
  }));
}

function sideOf(data: DataSet): string {
  const said = text(data, IMAGE_LATERALITY) || text(data, LATERALITY);
  return said === "L" || said === "R" ? said : "";
}
