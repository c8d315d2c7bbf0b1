// What the viewer knows of a study: whose it is, its series by QIDO-RS, and of a series the slices by their metadata (WADO-RS).
import { queryOptions } from "@tanstack/react-query";
import { request } from "../api/client";
import { numbers, TAGS, text, type DataSet } from "../lib/dicom";
import { DOCUMENTS } from "./objects/modalities";
import { depths, type Place, type Vector } from "./geometry";

export interface Study {
  uid: string;
  /** As the search for studies gives it. */
  about: DataSet;
  /** Those with pictures, by their numbers. */
  series: Series[];
  /** Those with documents: reports, PDFs, selections of key images. */
  documents: Series[];
}

export interface Series {
  study: string;
  uid: string;
  number: number;
  modality: string;
  description: string;
  bodyPart: string;
  /** How many objects it has; one of them may have several frames. */
  instances: number;
}

export interface Slice {
  /** What the image loader calls it. */
  imageId: string;
  /** Its address without what is asked of it. */
  address: string;
  instance: string;
  /** Which of the frames of its object. */
  frame: number;
  data: DataSet;
  place: Place | null;
}

export interface Stack {
  series: Series;
  slices: Slice[];
  /** Where each slice lies, in millimetres, if that is known of all. */
  at: number[] | null;
  frameOfReference: string;
}

/** Objects of these modalities have no pictures of their own. */
const WITHOUT_PICTURES = new Set(["SR", "PR", "KO", "DOC", "SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "REG", "FID", "PLAN", "AU", "ECG"]);

/** How many earlier studies of a patient are offered. */
const EARLIER_MAX = 20;

const JSON_MODEL = { headers: { Accept: "application/dicom+json" } };

export function studyQuery(uid: string) {
  return queryOptions({
    queryKey: ["viewer", "study", uid],
    staleTime: Infinity,
    queryFn: async ({ signal }): Promise<Study | null> => {
      const [studies, series] = await Promise.all([
        rows(`/dicom-web/studies?${new URLSearchParams({ StudyInstanceUID: uid, includefield: "StudyDescription" })}`, signal),
        rows(`/dicom-web/studies/${encodeURIComponent(uid)}/series?includefield=BodyPartExamined`, signal),
      ]);
      const [about] = studies;
      const all = series.map((row) => seriesOf(uid, row)).sort(byNumber);
      return about === undefined ? null : { uid, about, series: all.filter(hasPictures), documents: all.filter((one) => DOCUMENTS.has(one.modality)) };
    },
  });
}

/** Earlier and later studies of the same patient that one may see, the newest first. */
export function othersQuery(study: Study | null) {
  const patient = study ? text(study.about, TAGS.patientId) : "";
  return queryOptions({
    queryKey: ["viewer", "others", study?.uid, patient],
    enabled: patient !== "",
    staleTime: Infinity,
    queryFn: async ({ signal }): Promise<DataSet[]> => {
      const asked = new URLSearchParams({ PatientID: patient, limit: String(EARLIER_MAX), includefield: "StudyDescription" });
      const found = await rows(`/dicom-web/studies?${asked}`, signal);
      return found
        .filter((row) => text(row, TAGS.studyInstanceUid) !== study?.uid && text(row, TAGS.patientId) === patient)
        .sort((one, other) => moment(other).localeCompare(moment(one)));
    },
  });
}

export function stackQuery(series: Series | null) {
  return queryOptions({
    queryKey: ["viewer", "stack", series?.uid],
    enabled: series !== null,
    staleTime: Infinity,
    queryFn: async ({ signal }): Promise<Stack> => {
      if (series === null) throw new Error("no series");
      const found = await rows(`/dicom-web/studies/${series.study}/series/${series.uid}/metadata`, signal);
      return stackOf(series, found);
    },
  });
}

/** The slices of a series in the order of their numbers, every frame of an object on its own. */
export function stackOf(series: Series, objects: DataSet[]): Stack {
  const pictures = objects.filter((object) => numbers(object, ROWS)[0] !== undefined);
  pictures.sort((one, other) => (numbers(one, INSTANCE_NUMBER)[0] ?? 0) - (numbers(other, INSTANCE_NUMBER)[0] ?? 0));
  const slices = pictures.flatMap((data) => {
    const instance = text(data, SOP_INSTANCE);
    const address = `/dicom-web/studies/${series.study}/series/${series.uid}/instances/${instance}`;
    const frames = numbers(data, FRAMES)[0] ?? 1;
    return Array.from({ length: frames }, (_, index): Slice => {
      const of = `${address}/frames/${index + 1}`;
      return { imageId: `wadors:${of}`, address: of, instance, frame: index + 1, data, place: frames === 1 ? placeOf(data) : null };
    });
  });
  return { series, slices, at: depths(slices.map((slice) => slice.place)), frameOfReference: text(pictures[0] ?? {}, FRAME_OF_REFERENCE) };
}

// === helpers ===

const SOP_INSTANCE = "00080018";
const SERIES_DESCRIPTION = "0008103E";
const MODALITY = "00080060";
const BODY_PART = "00180015";
const SERIES_INSTANCE = "0020000E";
const SERIES_NUMBER = "00200011";
const INSTANCE_NUMBER = "00200013";
const POSITION = "00200032";
const ORIENTATION = "00200037";
const FRAME_OF_REFERENCE = "00200052";
const SERIES_INSTANCES = "00201209";
const FRAMES = "00280008";
const ROWS = "00280010";

async function rows(address: string, signal: AbortSignal): Promise<DataSet[]> {
  const answer = await request(address, { signal, ...JSON_MODEL });
  return answer.status === 204 ? [] : ((await answer.json()) as DataSet[]);
}

function seriesOf(study: string, row: DataSet): Series {
  return {
    study,
    uid: text(row, SERIES_INSTANCE),
    number: numbers(row, SERIES_NUMBER)[0] ?? 0,
    modality: text(row, MODALITY),
    description: text(row, SERIES_DESCRIPTION),
    bodyPart: text(row, BODY_PART),
    instances: numbers(row, SERIES_INSTANCES)[0] ?? 0,
  };
}

function hasPictures(series: Series): boolean {
  return !WITHOUT_PICTURES.has(series.modality);
}

function byNumber(one: Series, other: Series): number {
  return one.number - other.number || one.uid.localeCompare(other.uid);
}

function moment(row: DataSet): string {
  return `${text(row, TAGS.studyDate)} ${text(row, TAGS.studyTime)}`;
}

function placeOf(data: DataSet): Place | null {
  const [x, y, z] = numbers(data, POSITION);
  const along = numbers(data, ORIENTATION);
  if (x === undefined || y === undefined || z === undefined || along.length !== 6) return null;
  return { position: [x, y, z], row: along.slice(0, 3) as unknown as Vector, column: along.slice(3) as unknown as Vector };
}
