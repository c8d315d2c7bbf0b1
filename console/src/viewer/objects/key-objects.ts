// Key images: what selections of a study say (PS3.3 A.35.4), and what is asked of the server to make another one.
import { text, type DataSet } from "../../lib/dicom";
import { dicomDate, dicomTime } from "../../lib/time";
import type { Slice } from "../study";
import { contentOf, walk } from "./content";

/** One selection. */
export interface Selection {
  instance: string;
  /** Why, as a code of CID 7010, and in words. */
  code: string;
  title: string;
  description: string;
  author: string;
  at: string;
  /** By instance: the frames that are meant; all where none is named. */
  images: Map<string, number[]>;
}

/** Why images are key images: the codes of CID 7010 that say nothing against them. */
export const TITLES = ["113000", "113013", "113002", "113020", "113005", "113004", "113003", "113006", "113008"] as const;
export type Title = (typeof TITLES)[number];

/** Titles by which images are rejected: no reason to look at them. */
const REJECTED = new Set(["113001", "113037", "113038", "113039"]);

/** What a selection says; nothing where it is none, or takes images away. */
export function selectionOf(data: DataSet): Selection | null {
  const content = text(data, SOP_CLASS) === KEY_OBJECT_SELECTION ? contentOf(data) : null;
  const [code = ""] = content?.root.name?.code.split(" ") ?? [];
  if (content === null || REJECTED.has(code)) return null;
  const images = new Map<string, number[]>();
  let [description, author] = ["", ""];
  for (const { name, value } of walk(content.root)) {
    if (value.is === "images") for (const { instance, frames } of value.references) images.set(instance, frames);
    else if (value.is === "text" && name?.code === DESCRIPTION) description = value.text;
    else if (value.is === "text" && name?.code === OBSERVER) author = value.text;
  }
  return {
    instance: text(data, SOP_INSTANCE),
    code,
    title: content.root.name?.meaning ?? "",
    description,
    author,
    at: `${dicomDate(text(data, CONTENT_DATE))} ${dicomTime(text(data, CONTENT_TIME))}`.trim(),
    images,
  };
}

/** What a slice is called among marks. */
export function markOf(slice: Slice): string {
  return `${slice.instance}/${slice.frame}`;
}

/** Whether a selection means this slice. */
export function means(selection: Selection, slice: Slice): boolean {
  const frames = selection.images.get(slice.instance);
  return frames !== undefined && (frames.length === 0 || frames.includes(slice.frame));
}

/** A slice that is marked and not saved yet. */
export interface Marked {
  series: string;
  instance: string;
  frame: number;
  /** Whether its object has several frames. */
  of: number;
}

export interface Asked {
  images: { instance: string; frames?: number[] }[];
  title: Title;
  description?: string;
}

/** What is asked of the server for these marks: each object once, its frames in order where it has several. */
export function askFor(marks: Iterable<Marked>, title: Title, description: string): Asked {
  const images = new Map<string, number[]>();
  for (const { instance, frame, of } of marks) images.set(instance, [...(images.get(instance) ?? []), ...(of > 1 ? [frame] : [])]);
  const said = description.trim();
  return {
    title,
    images: [...images].map(([instance, frames]) => (frames.length > 0 ? { instance, frames: frames.sort((one, other) => one - other) } : { instance })),
    ...(said === "" ? {} : { description: said }),
  };
}

// === helpers ===

const KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59";
const SOP_CLASS = "00080016";
const SOP_INSTANCE = "00080018";
const CONTENT_DATE = "00080023";
const CONTENT_TIME = "00080033";
const DESCRIPTION = "113012 DCM";
const OBSERVER = "121008 DCM";
