// What a pane shows, in the words in which a copy of it is asked of the server: nothing that was drawn in the browser leaves it.
import { annotation } from "@cornerstonejs/tools";
import type { Types } from "@cornerstonejs/core";
import type { Slice } from "../study";
import { lieOf, partOf, type Lie } from "./orientation";

/** A line through points of the picture, and words beside it. */
export interface Drawing {
  points?: string;
  words?: string[];
  at?: string;
}

export interface Shot extends Lie {
  study: string;
  series: string;
  instance: string;
  frame: number;
  window?: string;
  region?: string;
  inverted: boolean;
  drawings: Drawing[];
}

/** As many as the server takes. */
const DRAWINGS_MAX = 64;
const POINTS_MAX = 96;
const WORDS_MAX = 48;
const LINES_MAX = 6;

/** Points of an ellipse. */
const ELLIPSE_POINTS = 48;

/** What a slice is called where a copy of it is asked for. */
export function frameOf({ address, instance, frame }: Slice): Pick<Shot, "study" | "series" | "instance" | "frame"> {
  const [, study = "", series = ""] = /studies\/([^/]+)\/series\/([^/]+)\//.exec(address) ?? [];
  return { study, series, instance, frame };
}

/** What the library shows of a slice now; nothing before there is a picture. */
export function shotOf(viewport: Types.IStackViewport, slice: Slice): Shot | null {
  const image = viewport.getCornerstoneImage();
  const place = viewport.getImageData()?.imageData;
  // Where the slice has not come yet, the one before it is still to be seen.
  if (!image || image.imageId !== slice.imageId || !place?.worldToIndex) return null;
  const worldToIndex = place.worldToIndex.bind(place);
  const { clientWidth: width, clientHeight: height } = viewport.element;
  const toIndex = (point: Types.Point3): readonly [number, number] => {
    const [x = NaN, y = NaN] = worldToIndex(point) as ArrayLike<number> & Iterable<number>;
    // The middle of the first pixel is 0 here, and its corner there.
    return [x + 0.5, y + 0.5];
  };
  const at = (x: number, y: number) => toIndex(viewport.canvasToWorld([x, y]));
  const [middle, right, down] = [at(width / 2, height / 2), at(width / 2 + 50, height / 2), at(width / 2, height / 2 + 50)];
  const lie = lieOf([right[0] - middle[0], right[1] - middle[1]], [down[0] - middle[0], down[1] - middle[1]]);
  const part = partOf(at(0, 0), at(width, height), image.columns, image.rows);
  const properties = viewport.getProperties();
  const range = image.color ? undefined : properties?.voiRange;
  const shownInverted = slice.data["00280004"]?.Value?.[0] === "MONOCHROME1";
  return {
    ...frameOf(slice),
    ...lie,
    ...(range && range.upper > range.lower ? { window: `${decimal((range.lower + range.upper + 1) / 2)},${decimal(range.upper - range.lower + 1)}` } : {}),
    region: part.join(","),
    inverted: (properties?.invert === true) !== shownInverted,
    drawings: drawingsOn(slice.imageId, toIndex),
  };
}

// === helpers ===

type Index = (point: Types.Point3) => readonly [number, number];

function drawingsOn(imageId: string, toIndex: Index): Drawing[] {
  const made = annotation.state.getAllAnnotations().filter((one) => one.metadata?.referencedImageId === imageId && one.isVisible !== false);
  return made.slice(-DRAWINGS_MAX).flatMap((one) => {
    const handles = (one.data?.handles?.points ?? []) as Types.Point3[];
    const points = outline(one.metadata?.toolName ?? "", handles.map(toIndex)).slice(0, POINTS_MAX);
    if (points.length === 0) return [];
    const words = wordsOf((one.data as { cachedStats?: Record<string, Statistics> }).cachedStats);
    const box = (one.data?.handles as { textBox?: { worldPosition?: Types.Point3 } } | undefined)?.textBox?.worldPosition;
    const place = box && box.some((value) => value !== 0) ? toIndex(box) : null;
    return [{ points: points.map(point).join(" "), words, ...(place ? { at: point(place) } : {}) }];
  });
}

/** The points of a measure as one line. */
export function outline(tool: string, points: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  if (tool.startsWith("Rectangle") && points.length >= 4) {
    const [one, two, three, four] = points;
    return [one!, two!, four!, three!, one!];
  }
  if (tool.startsWith("Elliptical") && points.length >= 4) {
    const [bottom, top, left, right] = points;
    const middle = [(bottom![0] + top![0]) / 2, (bottom![1] + top![1]) / 2] as const;
    const across = [(right![0] - left![0]) / 2, (right![1] - left![1]) / 2] as const;
    const up = [(top![0] - bottom![0]) / 2, (top![1] - bottom![1]) / 2] as const;
    return Array.from({ length: ELLIPSE_POINTS + 1 }, (_, step) => {
      const angle = (2 * Math.PI * step) / ELLIPSE_POINTS;
      const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
      return [middle[0] + across[0] * cosine + up[0] * sine, middle[1] + across[1] * cosine + up[1] * sine] as const;
    });
  }
  return points;
}

interface Statistics {
  length?: number;
  angle?: number;
  unit?: string;
  mean?: number;
  stdDev?: number;
  area?: number;
  areaUnit?: string;
  modalityUnit?: string;
}

/** What a measure says. Short, and in signs that both languages read. */
export function wordsOf(found: Record<string, Statistics> | undefined): string[] {
  const [said] = Object.values(found ?? {});
  if (!said) return [];
  const lines: string[] = [];
  const number = (value: number | undefined): value is number => typeof value === "number" && Number.isFinite(value);
  if (number(said.length)) lines.push(`${said.length.toFixed(1)} ${said.unit ?? "mm"}`);
  if (number(said.angle)) lines.push(`${said.angle.toFixed(1)}°`);
  if (number(said.mean)) lines.push(`${said.mean.toFixed(1)} ± ${(said.stdDev ?? 0).toFixed(1)} ${said.modalityUnit ?? ""}`.trim());
  if (number(said.area) && number(said.mean)) lines.push(`${said.area.toFixed(1)} ${said.areaUnit ?? ""}`.trim());
  return lines.slice(0, LINES_MAX).map((line) => line.slice(0, WORDS_MAX));
}

function point([x, y]: readonly [number, number]): string {
  return `${decimal(x)},${decimal(y)}`;
}

/** With two decimals at most, and as a plain number. */
function decimal(value: number): string {
  const bounded = Math.max(-99_999, Math.min(99_999, value));
  return String(Math.round(bounded * 100) / 100 + 0);
}
