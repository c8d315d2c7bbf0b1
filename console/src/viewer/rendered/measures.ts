// Measures in pictures of the server: lengths and angles by what the metadata say of the distance of pixels, regions in whole pixels, whose values the
// server measures. Pure.
import { numbers, type DataSet } from "../../lib/dicom";
import type { Frame, Point } from "./view";

export type Kind = "length" | "angle" | "ellipse" | "rectangle";

/** What the server says of a region; the lowest and the highest not of small ones. */
export interface Values {
  pixels: number;
  mean: number;
  deviation: number;
  lowest: number | null;
  highest: number | null;
  unit: string | null;
}

export interface Measure {
  kind: Kind;
  /** In pixels of the picture, from its corner: two of a length or of a box, three of an angle, with its vertex second. */
  points: readonly Point[];
  /** Of a region: what came, that it is on its way, or why it does not come. */
  values?: Values | "asked" | "small" | "often" | "failed";
}

/** Millimetres from a pixel to the next one, to the right and down. */
export interface Spacing {
  across_mm: number;
  down_mm: number;
  /** Whether that is so in the patient, or only where the rays arrive, behind the patient. */
  at: "patient" | "detector";
}

export interface Box {
  left: number;
  top: number;
  columns: number;
  rows: number;
}

/** As far apart as pixels are, by the metadata of an image and the number of a frame of it. */
export function spacingOf(data: DataSet, frame: number): Spacing | null {
  const groups = [item(data, PER_FRAME, frame - 1), item(data, SHARED, 0)];
  for (const group of groups) {
    const found = pair(item(group, PIXEL_MEASURES, 0), PIXEL_SPACING, "patient");
    if (found) return found;
  }
  return pair(data, PIXEL_SPACING, "patient") ?? pair(data, IMAGER_PIXEL_SPACING, "detector");
}

/** The size of a picture, and how high its pixels are for their width. */
export function frameOfData(data: DataSet, frame: number): Frame {
  const spacing = spacingOf(data, frame);
  const [down, across] = numbers(data, PIXEL_ASPECT_RATIO);
  const aspect = spacing ? spacing.down_mm / spacing.across_mm : down !== undefined && across !== undefined && down > 0 && across > 0 ? down / across : 1;
  return { columns: numbers(data, COLUMNS)[0] ?? 1, rows: numbers(data, ROWS)[0] ?? 1, aspect };
}

/** How far two points are apart: in millimetres, or in pixels where nobody knows how large these are. */
export function lengthOf([from, to]: readonly Point[], spacing: Spacing | null): number {
  const [right, down] = step(from!, to!, spacing);
  return Math.hypot(right, down);
}

/** The angle at the second of three points, in degrees. */
export function angleOf([one, vertex, other]: readonly Point[], spacing: Spacing | null): number {
  const [a, b] = [step(vertex!, one!, spacing), step(vertex!, other!, spacing)];
  const size = Math.hypot(...a) * Math.hypot(...b);
  return size === 0 ? 0 : (Math.acos(Math.max(-1, Math.min(1, (a[0] * b[0] + a[1] * b[1]) / size))) * 180) / Math.PI;
}

/** The box of a region between two points: whole pixels, inside the picture. An ellipse is drawn from its middle. */
export function boxOf(kind: Kind, [from, to]: readonly Point[], frame: Frame): Box {
  const side = (start: number, end: number, most: number): readonly [number, number] => {
    const half = Math.min(Math.abs(end - start), start, most - start);
    const [low, high] = kind === "ellipse" ? [start - half, start + half] : [Math.min(start, end), Math.max(start, end)];
    const first = Math.max(0, Math.min(most - 1, Math.round(low)));
    return [first, Math.max(1, Math.min(most, Math.round(high)) - first)];
  };
  const [[left, columns], [top, rows]] = [side(from![0], to![0], frame.columns), side(from![1], to![1], frame.rows)];
  return { left, top, columns, rows };
}

/** How large a region is: in square millimetres, or in pixels. */
export function areaOf(kind: Kind, { columns, rows }: Box, spacing: Spacing | null): number {
  const size = columns * rows * (spacing ? spacing.across_mm * spacing.down_mm : 1);
  return kind === "ellipse" ? (size * Math.PI) / 4 : size;
}

/** The line around a measure. */
export function outlineOf({ kind, points }: Measure, frame: Frame): readonly Point[] {
  if (kind !== "ellipse" && kind !== "rectangle") return points;
  const { left, top, columns, rows } = boxOf(kind, points, frame);
  if (kind === "rectangle") return [[left, top], [left + columns, top], [left + columns, top + rows], [left, top + rows], [left, top]];
  return Array.from({ length: ELLIPSE_POINTS + 1 }, (_, at): Point => {
    const angle = (2 * Math.PI * at) / ELLIPSE_POINTS;
    return [left + (columns * (1 + Math.cos(angle))) / 2, top + (rows * (1 + Math.sin(angle))) / 2];
  });
}

interface Words {
  mean: string;
  deviation: string;
  range: string;
  area: string;
  detector: string;
  asked: string;
  small: string;
  often: string;
  failed: string;
}

/** What stands beside a measure. */
export function wordsOf(measure: Measure, frame: Frame, spacing: Spacing | null, words: Words): string[] {
  const { kind, points, values } = measure;
  if (kind === "angle") return points.length === 3 ? [`${angleOf(points, spacing).toFixed(1)}°`] : [];
  const unit = spacing ? "mm" : "px";
  const behind = spacing?.at === "detector" ? ` ${words.detector}` : "";
  if (kind === "length") return [`${lengthOf(points, spacing).toFixed(1)} ${unit}${behind}`];
  const area = `${words.area} ${areaOf(kind, boxOf(kind, points, frame), spacing).toFixed(1)} ${unit}²${behind}`;
  if (values === undefined) return [area];
  if (typeof values === "string") return [words[values], area];
  const range = values.lowest === null || values.highest === null ? [] : [`${words.range} ${values.lowest} … ${values.highest}`];
  return [`${words.mean} ${values.mean} ${values.unit ?? ""}`.trim(), `${words.deviation} ${values.deviation}`, ...range, area];
}

/** A measure on a copy, in signs that both languages read. */
export function copiedOf(measure: Measure, frame: Frame, spacing: Spacing | null): { points: string; words: string[] }[] {
  const { kind, points, values } = measure;
  if (kind === "angle" && points.length < 3) return [];
  const line = outlineOf(measure, frame).map((point) => point.map((value) => value.toFixed(2)).join(",")).join(" ");
  const unit = spacing ? "mm" : "px";
  if (kind === "length") return [{ points: line, words: [`${lengthOf(points, spacing).toFixed(1)} ${unit}`] }];
  if (kind === "angle") return [{ points: line, words: [`${angleOf(points, spacing).toFixed(1)}°`] }];
  const found = typeof values === "object" ? [`${values.mean} ± ${values.deviation} ${values.unit ?? ""}`.trim()] : [];
  return [{ points: line, words: [...found, `${areaOf(kind, boxOf(kind, points, frame), spacing).toFixed(1)} ${unit}²`] }];
}

/** The window that an image asks for; nothing where that is a table, or it asks for none. */
export function windowOfData(data: DataSet): { center: number; width: number } | null {
  const [center] = numbers(data, WINDOW_CENTER);
  const [width] = numbers(data, WINDOW_WIDTH);
  return center === undefined || width === undefined || VOI_LUT in data || !isGrey(data) ? null : { center, width };
}

/** The window with which dragging begins where an image asks for none: all that its values can be. */
export function widestOfData(data: DataSet): { center: number; width: number } | null {
  const [bits] = numbers(data, BITS_STORED);
  if (bits === undefined || !isGrey(data)) return null;
  const signed = numbers(data, PIXEL_REPRESENTATION)[0] === 1;
  const [slope, intercept] = [numbers(data, RESCALE_SLOPE)[0] ?? 1, numbers(data, RESCALE_INTERCEPT)[0] ?? 0];
  const width = 2 ** bits * Math.abs(slope);
  return { center: intercept + (signed ? 0 : (2 ** bits / 2) * slope), width: Math.max(1, width) };
}

// === helpers ===

const ELLIPSE_POINTS = 48;

const PIXEL_SPACING = "00280030";
const IMAGER_PIXEL_SPACING = "00181164";
const PIXEL_ASPECT_RATIO = "00280034";
const PIXEL_MEASURES = "00289110";
const SHARED = "52009229";
const PER_FRAME = "52009230";
const ROWS = "00280010";
const COLUMNS = "00280011";
const WINDOW_CENTER = "00281050";
const WINDOW_WIDTH = "00281051";
const VOI_LUT = "00283010";
const BITS_STORED = "00280101";
const PIXEL_REPRESENTATION = "00280103";
const RESCALE_INTERCEPT = "00281052";
const RESCALE_SLOPE = "00281053";
const PHOTOMETRIC = "00280004";

function isGrey(data: DataSet): boolean {
  return String(data[PHOTOMETRIC]?.Value?.[0] ?? "").startsWith("MONOCHROME");
}

function item(of: DataSet | null, sequence: string, index: number): DataSet | null {
  return ((of?.[sequence]?.Value ?? [])[index] as DataSet | undefined) ?? null;
}

function pair(of: DataSet | null, tag: string, at: Spacing["at"]): Spacing | null {
  const [down_mm, across_mm] = of ? numbers(of, tag) : [];
  return down_mm !== undefined && across_mm !== undefined && down_mm > 0 && across_mm > 0 ? { across_mm, down_mm, at } : null;
}

function step(from: Point, to: Point, spacing: Spacing | null): Point {
  return [(to[0] - from[0]) * (spacing?.across_mm ?? 1), (to[1] - from[1]) * (spacing?.down_mm ?? 1)];
}
