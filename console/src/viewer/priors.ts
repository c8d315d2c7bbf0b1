// Other studies of a patient, in their order, and the one that is best compared with.
import { TAGS, text, texts, type DataSet } from "../lib/dicom";
import { modalityOf, regionOf, type Case } from "./protocols";
import type { Study } from "./study";

/** The study to put beside: an earlier one of the same kind and part of the body, else of the same kind, else the latest. */
export function priorFor(study: Study, seen: Case, others: readonly DataSet[]): DataSet | null {
  const [modality, region] = [modalityOf(seen), regionOf(seen)];
  const points = (row: DataSet) =>
    (texts(row, TAGS.modalitiesInStudy).includes(modality) ? 4 : 0) +
    (region !== null && regionOf({ description: text(row, TAGS.studyDescription), series: [] }) === region ? 2 : 0) +
    (isEarlier(row, study.about) ? 1 : 0);
  return [...others].sort((one, other) => points(other) - points(one) || momentOf(other).localeCompare(momentOf(one)))[0] ?? null;
}

/** Whether one was made before the other. */
export function isEarlier(one: DataSet, than: DataSet): boolean {
  return momentOf(one) < momentOf(than);
}

/** The next one of these, later (1) or earlier (-1) than a study. */
export function beyond(others: readonly DataSet[], about: DataSet, by: 1 | -1): DataSet | null {
  const at = momentOf(about);
  return (
    others
      .filter((row) => momentOf(row).localeCompare(at) * by > 0)
      .sort((one, other) => momentOf(one).localeCompare(momentOf(other)) * by)[0] ?? null
  );
}

// === helpers ===

/** With the UID, so that studies of the same moment have an order. */
function momentOf(row: DataSet): string {
  return `${text(row, TAGS.studyDate)} ${text(row, TAGS.studyTime)} ${text(row, TAGS.studyInstanceUid)}`;
}
