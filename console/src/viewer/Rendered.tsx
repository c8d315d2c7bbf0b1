// A stack that the browser is not given, or cannot read, as pictures that the server renders (PS3.18 §8.3.5). It says so; what is measured in them, lengths and
// angles by the distance of their pixels, is measured in regions by the server.
import { Eye } from "lucide-react";
import { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { addTexts } from "../i18n";
import type { Control, Look } from "./controls";
import { frameOf } from "./copies/shot";
import { Failed, Waiting } from "./Instead";
import "./lines.css";
import { firstPicture } from "./measure";
import { KeyMark } from "./objects/KeyImages";
import { Overlay } from "./Overlay";
import type { PaneProps } from "./Pane";
import { failureOf, fetchPicture, measureRegion, type Decoded } from "./rendered/ask";
import { Desk } from "./rendered/desk";
import { Drawings } from "./rendered/Drawings";
import en from "./rendered/en.json";
import { boxOf, copiedOf, frameOfData, spacingOf, widestOfData, windowOfData, type Measure } from "./rendered/measures";
import "./rendered/rendered.css";
import { Screen, type Snapshot } from "./rendered/screen";
import { sidesOf } from "./rendered/sides";
import { useHand } from "./rendered/useHand";
import { matrixOf, UPRIGHT, whole, type Lie, type Size } from "./rendered/view";
import zh from "./rendered/zh-CN.json";
import type { Slice, Stack } from "./study";

addTexts("rendered", { "zh-CN": zh, en });

/** Told by the canvas whenever another picture is on it, for who measures the console. */
const PICTURE = "viewer:picture";

export function Rendered({ id, about, stack, start, onControl, onLook }: PaneProps) {
  const { t } = useTranslation("viewer");
  const { t: of } = useTranslation("rendered");
  const begin = useRef(start);
  const screen = useMemo(() => screenOf(stack, begin.current), [stack]);
  const now = useSyncExternalStore(screen.subscribe, screen.snapshot);
  const host = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  const { want, shown, failed } = now;
  const index = indexOf(now);
  const count = stack.slices.length;
  const slice = stack.slices[index]!;
  const frame = frameIn(slice);
  const spacing = spacingOf(slice.data, frameOf(slice).frame);
  const usual = windowOfData(slice.data);
  const present = (failed ?? shown)?.asked.window ?? usual;
  const { tool } = useContext(Desk);
  const { measures, add, remove } = useMeasures(slice);
  const hand = useHand({ screen, tool, frame, window: want.window ?? usual ?? widestOfData(slice.data), onMeasure: add });
  const look: Look = useMemo(
    () => ({ index, count, window: present, zoom: want.camera.zoom, edges: sidesOf(slice, want.lie) }),
    [index, count, present?.center, present?.width, want.camera.zoom, want.lie, slice],
  );

  useEffect(() => {
    screen.begin();
    return () => screen.end();
  }, [screen]);
  useEffect(() => {
    if (!host.current) return;
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      setSize({ width, height });
      screen.resize({ width, height });
    });
    observer.observe(host.current);
    return () => observer.disconnect();
  }, [screen]);
  // With what is said of it, in one frame.
  useLayoutEffect(() => {
    if (canvas.current && shown) put(canvas.current, shown.image, shown.asked.full);
  }, [shown]);
  useEffect(() => onLook(id, look), [id, look, onLook]);
  const taken = useRef<() => boolean>(() => false);
  taken.current = () => {
    if (hand.draft === null) return remove();
    hand.forget();
    return true;
  };
  const drawn = useRef(measures);
  drawn.current = measures;
  useEffect(() => {
    onControl(id, controlOf(screen, stack, () => taken.current(), () => drawn.current));
    return () => onControl(id, null);
  }, [id, screen, stack, onControl]);
  useEffect(() => hand.forget(), [slice]);

  return (
    <div ref={host} className="absolute inset-0 touch-none overflow-hidden" {...hand.handlers}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={t("renderedOf", { index: index + 1, count })}
        data-rendered={shown ? (shown.asked.full ? "full" : "half") : undefined}
        data-picture={shown ? shown.asked.index + 1 : undefined}
        className={`absolute top-0 left-0 origin-top-left ${failed || !shown ? "invisible" : ""}`}
        style={
          shown
            ? {
                transform: matrixOf(shown.asked.part, shown.image, frameIn(stack.slices[shown.asked.index]!), size, want.camera, want.lie),
                filter: want.inverted ? "invert(1)" : "none",
              }
            : {}
        }
      />
      {!failed && <Drawings measures={hand.draft ? [...measures, hand.draft] : measures} frame={frame} size={size} camera={want.camera} lie={want.lie} spacing={spacing} />}
      <Overlay about={about} series={stack.series} look={look} loaded={null} />
      <KeyMark slice={slice} />
      <p className="viewer-overlay pointer-events-none absolute inset-x-0 bottom-14 z-10 mx-auto flex w-max max-w-[80%] items-center gap-1.5 text-xs">
        <Eye size={14} className="shrink-0" aria-hidden />
        {of("note")}
      </p>
      {!failed && (!shown || now.late) && <Waiting />}
      {failed && <Failed failure={failureOf(failed.error)} again={() => screen.again()} />}
    </div>
  );
}

// === helpers ===

function screenOf(stack: Stack, start: number): Screen<Decoded> {
  return new Screen<Decoded>({
    count: stack.slices.length,
    start,
    addressOf: (index) => stack.slices[index]!.address,
    frameOf: (index) => frameIn(stack.slices[index]!),
    fetch: fetchPicture,
  });
}

function frameIn(slice: Slice) {
  return frameOfData(slice.data, frameOf(slice).frame);
}

/** Which slice is seen, or is not seen and should be. */
function indexOf({ want, shown, failed }: Snapshot<unknown>): number {
  return (failed ?? shown)?.asked.index ?? want.index;
}

function put(canvas: HTMLCanvasElement, { bitmap, width, height }: Decoded, full: boolean): void {
  // What was drawn before has nothing left.
  if (bitmap.width === 0) return;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
  firstPicture();
  canvas.dispatchEvent(new CustomEvent(PICTURE, { bubbles: true, detail: { full } }));
}

function controlOf(screen: Screen<Decoded>, stack: Stack, remove: () => boolean, measures: () => readonly Measure[]): Control {
  const want = () => screen.snapshot().want;
  const lie = (by: Partial<Lie>) => screen.change({ lie: { ...want().lie, ...by } });
  return {
    count: () => stack.slices.length,
    index: () => indexOf(screen.snapshot()),
    go: (next) => screen.change({ index: next }),
    move: (slices) => screen.change({ index: want().index + slices }),
    show: (window) => screen.change({ window }),
    invert: () => screen.change({ inverted: !want().inverted }),
    flip: (across) => lie(across ? { across: !want().lie.across } : { down: !want().lie.down }),
    rotate: () => lie({ quarters: (want().lie.quarters + 1) % 4 }),
    fit: () => screen.change({ camera: whole(frameIn(stack.slices[want().index]!)) }),
    reset: () => screen.change({ window: null, camera: whole(frameIn(stack.slices[want().index]!)), lie: UPRIGHT, inverted: false }),
    remove,
    shot: () => {
      const { shown, failed, want: wanted } = screen.snapshot();
      const slice = shown && !failed ? stack.slices[shown.asked.index] : undefined;
      if (!shown || !slice) return null;
      // Turned, and mirrored before that: upside down is mirrored and turned by half.
      const quarters = (wanted.lie.quarters + (wanted.lie.down ? 2 : 0)) % 4;
      const { window, part } = shown.asked;
      return {
        ...frameOf(slice),
        ...(window ? { window: `${window.center},${window.width}` } : {}),
        ...(part ? { region: part.join(",") } : {}),
        mirrored: wanted.lie.across !== wanted.lie.down,
        turned: quarters as 0 | 1 | 2 | 3,
        inverted: wanted.inverted,
        drawings: measures().flatMap((measure) => copiedOf(measure, frameIn(slice), spacingOf(slice.data, frameOf(slice).frame))),
      };
    },
  };
}

/** What is measured in a slice; the values of regions come later. */
function useMeasures(slice: Slice) {
  const { imageId } = slice;
  const { measures } = useContext(Desk);
  const here = useSyncExternalStore(measures.subscribe, () => measures.in(imageId));
  const ending = useRef(new AbortController());
  useEffect(() => {
    const own = (ending.current = new AbortController());
    return () => own.abort();
  }, []);
  const add = (measure: Measure) => {
    if (measure.kind !== "ellipse" && measure.kind !== "rectangle") return measures.set(imageId, [...here, measure]);
    const asked: Measure = { ...measure, values: "asked" };
    measures.set(imageId, [...here, asked]);
    void measureRegion(slice, measure.kind, boxOf(measure.kind, measure.points, frameIn(slice)), ending.current.signal).then((values) => {
      // It may have been taken away meanwhile.
      measures.set(imageId, measures.in(imageId).map((one) => (one === asked ? { ...asked, values } : one)));
    });
  };
  const remove = () => {
    if (here.length === 0) return false;
    measures.set(imageId, here.slice(0, -1));
    return true;
  };
  return { measures: here, add, remove };
}

