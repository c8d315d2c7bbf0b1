// A frame as a picture, by the simple part of the grayscale pipeline (PS3.4 §N.2): rescale, window, nothing else. What needs more waits for the
// library, so that a still never differs from what comes after it.
import { numbers, text, type DataSet } from "../../lib/dicom";
import { rangeOf, type Window } from "../windows";
import type { Frame } from "./part";

export interface Still {
  rows: number;
  columns: number;
  /** Red, green, blue and opacity of each pixel. */
  values: Uint8ClampedArray<ArrayBuffer>;
}

const OPAQUE = 255;

/** Little endian, neither compressed nor turned round: each frame is its pixels (PS3.5 §A.1, §A.2, §A.5). */
const NATIVE = new Set(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"]);

/** Their values mean something else before they are shown: uptake, counts, dose. */
const OTHER_VALUES = new Set(["PT", "NM", "RTDOSE"]);

const TAGS = {
  modality: "00080060",
  samples: "00280002",
  photometric: "00280004",
  rows: "00280010",
  columns: "00280011",
  spacing: "00280030",
  aspect: "00280034",
  allocated: "00280100",
  stored: "00280101",
  highBit: "00280102",
  signed: "00280103",
  center: "00281050",
  width: "00281051",
  intercept: "00281052",
  slope: "00281053",
  shape: "00281056",
  modalityTable: "00283000",
  windowTable: "00283010",
  presentationShape: "20500020",
  functionalGroups: "52009229",
} as const;

/** The picture of a frame in a window, or in the one that it asks for; nothing where it takes more than this to show it right. */
export function stillOf(frame: Frame, data: DataSet, window: Window | null): Still | null {
  const [rows = 0, columns = 0] = [number(data, TAGS.rows), number(data, TAGS.columns)];
  const allocated = number(data, TAGS.allocated);
  const stored = number(data, TAGS.stored);
  const shown = window ?? windowOf(data);
  if (!isSimple(frame, data) || shown === null || allocated === undefined || stored === undefined) return null;
  const count = rows * columns;
  if (count === 0 || frame.bytes.length < (count * allocated) / 8) return null;
  const signed = number(data, TAGS.signed) === 1;
  const { lower, upper } = rangeOf(shown);
  const gain = ((number(data, TAGS.slope) ?? 1) * 255) / (upper - lower);
  const base = (((number(data, TAGS.intercept) ?? 0) - lower) * 255) / (upper - lower);
  const inverse = text(data, TAGS.photometric) === "MONOCHROME1";
  const unused = 32 - stored;
  const view = new DataView(frame.bytes.buffer, frame.bytes.byteOffset, frame.bytes.byteLength);
  const values = new Uint8ClampedArray(count * 4);
  const pixels = new DataView(values.buffer);
  for (let at = 0; at < count; at += 1) {
    const bits = (allocated === 16 ? view.getUint16(2 * at, true) : view.getUint8(at)) << unused;
    const value = Math.round(Math.max(0, Math.min(255, (signed ? bits >> unused : bits >>> unused) * gain + base)));
    pixels.setUint32(4 * at, (inverse ? 255 - value : value) * 0x01010100 + OPAQUE);
  }
  return { rows, columns, values };
}

/** The window that an image asks for. */
export function windowOf(data: DataSet): Window | null {
  const [center, width] = [number(data, TAGS.center), number(data, TAGS.width)];
  return center === undefined || width === undefined || width <= 1 ? null : { center, width };
}

// === helpers ===

function isSimple({ transferSyntax }: Frame, data: DataSet): boolean {
  const allocated = number(data, TAGS.allocated) ?? 0;
  const stored = number(data, TAGS.stored) ?? 0;
  const across = numbers(data, TAGS.spacing);
  const aspect = numbers(data, TAGS.aspect);
  return (
    NATIVE.has(transferSyntax) &&
    !OTHER_VALUES.has(text(data, TAGS.modality)) &&
    number(data, TAGS.samples) === 1 &&
    ["MONOCHROME1", "MONOCHROME2"].includes(text(data, TAGS.photometric)) &&
    (allocated === 8 || allocated === 16) &&
    stored > 0 &&
    stored <= allocated &&
    number(data, TAGS.highBit) === stored - 1 &&
    across[0] === across[1] &&
    aspect[0] === aspect[1] &&
    ["", "LINEAR"].includes(text(data, TAGS.shape)) &&
    ["", "IDENTITY"].includes(text(data, TAGS.presentationShape)) &&
    ![TAGS.modalityTable, TAGS.windowTable, TAGS.functionalGroups].some((tag) => tag in data)
  );
}

function number(data: DataSet, tag: string): number | undefined {
  return numbers(data, tag)[0];
}
