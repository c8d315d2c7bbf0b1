// Key images of the open study: which slices are, which somebody has just marked, and the page that keeps those until they are saved.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Star } from "lucide-react";
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../api/queries";
import type { Slice, Stack, Study } from "../study";
import { markOf, means, type Marked } from "./key-objects";
import { NO_SELECTIONS, selectionsQuery } from "./selections";

export type State = "saved" | "marked" | null;

export interface KeyImages {
  /** What a slice is. */
  stateOf: (slice: Slice | undefined) => State;
  /** How many there are in a series, saved and not. */
  countOf: (series: string) => number;
  /** What was marked since the last saving. */
  marks: ReadonlyMap<string, Marked>;
  /** How many there are in all. */
  count: number;
  /** Marks a slice, or takes the mark back; says why it cannot. */
  toggle: (stack: Stack, slice: Slice) => "saved" | "forbidden" | "otherStudy" | null;
  forget: () => void;
  /** Where only key images are shown: which ones, as of when that was asked for. */
  only: ((slice: Slice) => boolean) | null;
  setOnly: (on: boolean) => void;
}

const NONE: KeyImages = {
  stateOf: () => null,
  countOf: () => 0,
  marks: new Map(),
  count: 0,
  toggle: () => "forbidden",
  forget: () => undefined,
  only: null,
  setOnly: () => undefined,
};

const Context = createContext<KeyImages>(NONE);
export const KeyImagesOf = Context.Provider;
export const useKeyImages = () => useContext(Context);

/** Key images of a study, and of another one beside it; `ready` once somebody sees a picture. */
export function useStudyKeyImages(study: Study, beside: Study | null, ready: boolean): KeyImages {
  const mayMark = useMe().data?.actions.includes("mark-key-images") === true;
  const own = useQuery(selectionsQuery(study, ready)).data ?? NO_SELECTIONS;
  const other = useQuery(selectionsQuery(beside ?? study, ready && beside !== null)).data ?? NO_SELECTIONS;
  const [marks, setMarks] = useState<ReadonlyMap<string, Marked>>(() => kept.get(study.uid) ?? new Map());
  useEffect(() => keep(study.uid, marks), [study.uid, marks]);
  const [only, setOnlyTo] = useState<((slice: Slice) => boolean) | null>(null);
  useLeaving(marks.size > 0);

  const isSaved = useCallback(
    (slice: Slice) => [...own.selections, ...(beside === null ? [] : other.selections)].some((selection) => means(selection, slice)),
    [own, other, beside],
  );
  return useMemo(() => {
    const stateOf = (slice: Slice | undefined): State => (slice === undefined ? null : isSaved(slice) ? "saved" : marks.has(markOf(slice)) ? "marked" : null);
    const saved = (series: string) => own.counts.get(series) ?? other.counts.get(series) ?? 0;
    return {
      stateOf,
      countOf: (series) => saved(series) + [...marks.values()].filter((mark) => mark.series === series).length,
      marks,
      count: [...own.counts.values()].reduce((sum, one) => sum + one, 0) + marks.size,
      toggle: (stack, slice) => {
        if (!mayMark) return "forbidden";
        if (stack.series.study !== study.uid) return "otherStudy";
        if (isSaved(slice)) return "saved";
        const name = markOf(slice);
        setMarks((present) => {
          const next = new Map(present);
          const of = stack.slices.filter((one) => one.instance === slice.instance).length;
          if (!next.delete(name)) next.set(name, { series: stack.series.uid, instance: slice.instance, frame: slice.frame, of });
          return next;
        });
        return null;
      },
      forget: () => setMarks(new Map()),
      only,
      setOnly: (on) => setOnlyTo(() => (on ? (slice: Slice) => stateOf(slice) !== null : null)),
    };
  }, [own, other, marks, only, isSaved, mayMark, study.uid]);
}

/** A stack as it is shown: all of it, or its key images. */
export function useShown(stack: Stack | undefined): Stack | undefined {
  const { only } = useKeyImages();
  return useMemo(() => (stack === undefined || only === null ? stack : narrowed(stack, only)), [stack, only]);
}

export function narrowed(stack: Stack, keeps: (slice: Slice) => boolean): Stack {
  const kept = stack.slices.map((slice, index) => ({ slice, at: stack.at?.[index] })).filter(({ slice }) => keeps(slice));
  return { ...stack, slices: kept.map(({ slice }) => slice), at: stack.at === null ? null : kept.map(({ at }) => at ?? 0) };
}

/** Beside the words over a picture. */
export function KeyMark({ slice }: { slice: Slice | undefined }): ReactNode {
  const { t } = useTranslation("objects");
  const state = useKeyImages().stateOf(slice);
  if (state === null) return null;
  return (
    <p data-key-image={state} className="viewer-overlay pointer-events-none absolute bottom-20 left-2.5 z-10 flex items-center gap-1 text-xs font-semibold">
      <Star size={14} aria-hidden fill={state === "saved" ? "currentColor" : "none"} />
      {t(state === "saved" ? "isKeyImage" : "isMarked")}
    </p>
  );
}

/** How many key images a series has, on its small picture. */
export function KeyCount({ series }: { series: string }): ReactNode {
  const { t } = useTranslation("objects");
  const count = useKeyImages().countOf(series);
  if (count === 0) return null;
  return (
    <span title={t("keyImages", { count })} className="inline-flex items-center gap-0.5 text-accent">
      <Star size={12} aria-hidden fill="currentColor" />
      <span className="sr-only">{t("keyImages", { count })}</span>
      <span aria-hidden>{count}</span>
    </span>
  );
}

/** Reads the study and its selections again, once there is another one. */
export function useReread(study: string): () => Promise<void> {
  const queries = useQueryClient();
  return async () => {
    await queries.invalidateQueries({ queryKey: ["viewer", "study", study] });
    await queries.invalidateQueries({ queryKey: ["viewer", "selections", study] });
  };
}

// === helpers ===

/** Studies whose unsaved marks are kept while somebody looks at others; who comes back finds them. */
const KEPT_MAX = 20;
const kept = new Map<string, ReadonlyMap<string, Marked>>();

function keep(study: string, marks: ReadonlyMap<string, Marked>): void {
  kept.delete(study);
  if (marks.size > 0) kept.set(study, marks);
  const [oldest] = kept.keys();
  if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
}

/** The browser asks before a page goes that has marks which nobody saved. */
function useLeaving(unsaved: boolean): void {
  useEffect(() => {
    if (!unsaved) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [unsaved]);
}
