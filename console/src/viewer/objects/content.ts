// The content tree of a structured report (PS3.3 C.17.3), from its metadata: only text, and no more of it than somebody can read.
import { text, texts, type DataSet } from "../../lib/dicom";

/** As deep as a report goes; TID 1500 nests six levels. */
export const DEPTH_MAX = 24;
/** Items of one report; what stands behind them is left out, and it is said. */
export const ITEMS_MAX = 3_000;
/** Characters of one text. */
export const TEXT_MAX = 20_000;

export interface Reference {
  instance: string;
  /** Those of several frames that are meant; all where none is named. */
  frames: number[];
}

export interface Coded {
  meaning: string;
  /** Code and scheme, as in `113000 DCM`. */
  code: string;
}

export type Value =
  | { is: "container" }
  | { is: "text"; text: string }
  | { is: "coded"; coded: Coded }
  | { is: "number"; number: string; unit: string; qualifier: string }
  | { is: "moment"; date: string; time: string }
  | { is: "images"; references: Reference[] }
  | { is: "objects"; references: Reference[] }
  | { is: "coordinates"; graphic: string; points: number }
  | { is: "elsewhere" }
  | { is: "unknown"; kind: string };

export interface Item {
  relation: string;
  name: Coded | null;
  value: Value;
  children: Item[];
}

export interface Content {
  root: Item;
  /** Whether all of it is here. */
  whole: boolean;
}

/** The tree of a data set that is one; nothing where it has no content. */
export function contentOf(data: DataSet): Content | null {
  if (first(data, VALUE_TYPE) !== "CONTAINER") return null;
  const bounds = { left: ITEMS_MAX, whole: true };
  return { root: itemOf(data, 0, bounds), whole: bounds.whole };
}

/** In which series of which study the objects are that a document names, by instance. */
export function placesOf(data: DataSet): Map<string, { study: string; series: string }> {
  const places = new Map<string, { study: string; series: string }>();
  for (const sequence of [PROCEDURE_EVIDENCE, OTHER_EVIDENCE]) {
    for (const study of itemsOf(data, sequence)) {
      for (const series of itemsOf(study, REFERENCED_SERIES)) {
        for (const object of itemsOf(series, REFERENCED_SOPS)) {
          if (places.size >= ITEMS_MAX) return places;
          places.set(first(object, REFERENCED_INSTANCE), { study: first(study, STUDY), series: first(series, SERIES) });
        }
      }
    }
  }
  return places;
}

/** Every item, from the top. */
export function* walk(item: Item): Generator<Item> {
  yield item;
  for (const child of item.children) yield* walk(child);
}

export function itemsOf(data: DataSet, tag: string): DataSet[] {
  const values = data[tag]?.Value;
  return Array.isArray(values) ? values.filter((value): value is DataSet => typeof value === "object" && value !== null) : [];
}

// === helpers ===

const STUDY = "0020000D";
const SERIES = "0020000E";
const CODE_VALUE = "00080100";
const CODE_SCHEME = "00080102";
const CODE_MEANING = "00080104";
const LONG_CODE = "00080119";
const URN_CODE = "00080120";
const REFERENCED_SERIES = "00081115";
const REFERENCED_INSTANCE = "00081155";
const REFERENCED_FRAMES = "00081160";
const REFERENCED_SOPS = "00081199";
const UNITS = "004008EA";
const RELATION = "0040A010";
const VALUE_TYPE = "0040A040";
const NAME = "0040A043";
const DATE_TIME = "0040A120";
const DATE = "0040A121";
const TIME = "0040A122";
const PERSON = "0040A123";
const UID = "0040A124";
const TEXT = "0040A160";
const CODE = "0040A168";
const MEASURED = "0040A300";
const QUALIFIER = "0040A301";
const NUMBER = "0040A30A";
const PROCEDURE_EVIDENCE = "0040A375";
const OTHER_EVIDENCE = "0040A385";
const CONTENT = "0040A730";
const BY_REFERENCE = "0040DB73";
const GRAPHIC_DATA = "00700022";
const GRAPHIC_TYPE = "00700023";

function itemOf(data: DataSet, depth: number, bounds: { left: number; whole: boolean }): Item {
  const item: Item = { relation: first(data, RELATION), name: coded(itemsOf(data, NAME)[0]), value: valueOf(data), children: [] };
  for (const child of itemsOf(data, CONTENT)) {
    if (depth >= DEPTH_MAX || bounds.left <= 0) {
      bounds.whole = false;
      break;
    }
    bounds.left -= 1;
    item.children.push(itemOf(child, depth + 1, bounds));
  }
  return item;
}

function valueOf(data: DataSet): Value {
  if (data[BY_REFERENCE] !== undefined) return { is: "elsewhere" };
  const kind = first(data, VALUE_TYPE);
  switch (kind) {
    case "CONTAINER":
      return { is: "container" };
    case "TEXT":
      return { is: "text", text: first(data, TEXT) };
    case "PNAME":
      return { is: "text", text: first(data, PERSON) };
    case "UIDREF":
      return { is: "text", text: first(data, UID) };
    case "CODE":
      return { is: "coded", coded: coded(itemsOf(data, CODE)[0]) ?? { meaning: "", code: "" } };
    case "NUM": {
      const measured = itemsOf(data, MEASURED)[0] ?? {};
      const unit = coded(itemsOf(measured, UNITS)[0]);
      return { is: "number", number: first(measured, NUMBER), unit: unitOf(unit), qualifier: coded(itemsOf(data, QUALIFIER)[0])?.meaning ?? "" };
    }
    case "DATE":
      return { is: "moment", date: first(data, DATE), time: "" };
    case "TIME":
      return { is: "moment", date: "", time: first(data, TIME) };
    case "DATETIME":
      return { is: "moment", date: first(data, DATE_TIME).slice(0, 8), time: first(data, DATE_TIME).slice(8, 14) };
    case "IMAGE":
      return { is: "images", references: referencesOf(data) };
    case "COMPOSITE":
    case "WAVEFORM":
      return { is: "objects", references: referencesOf(data) };
    case "SCOORD":
    case "SCOORD3D":
    case "TCOORD": {
      const graphic = first(data, GRAPHIC_TYPE);
      return { is: "coordinates", graphic, points: Math.floor(numbers(data, GRAPHIC_DATA).length / (kind === "SCOORD3D" ? 3 : 2)) };
    }
    default:
      return { is: "unknown", kind };
  }
}

function referencesOf(data: DataSet): Reference[] {
  return itemsOf(data, REFERENCED_SOPS).map((one) => ({ instance: first(one, REFERENCED_INSTANCE), frames: numbers(one, REFERENCED_FRAMES) }));
}

function numbers(data: DataSet, tag: string): number[] {
  return texts(data, tag).map(Number).filter((value) => Number.isFinite(value));
}

function coded(of: DataSet | undefined): Coded | null {
  if (of === undefined) return null;
  const value = first(of, CODE_VALUE) || first(of, LONG_CODE) || first(of, URN_CODE);
  return { meaning: first(of, CODE_MEANING) || value, code: `${value} ${first(of, CODE_SCHEME)}`.trim() };
}

/** The unit as it is written: `mm` of UCUM, and nothing for what is only counted. */
function unitOf(unit: Coded | null): string {
  if (unit === null) return "";
  const [value = "", scheme = ""] = unit.code.split(" ");
  if (value === "1" || value === "{}" || unit.meaning === "no units") return "";
  return scheme === "UCUM" && /^[\x21-\x7e]+$/.test(value) ? value : unit.meaning;
}

function first(data: DataSet, tag: string): string {
  const found = text(data, tag);
  return found.length > TEXT_MAX ? `${found.slice(0, TEXT_MAX)}…` : found;
}
