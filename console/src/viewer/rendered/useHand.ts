// What a mouse does in a pane that the server fills: what it does in the others. The left button has the tool in hand, the middle one moves, the right one zooms,
// the wheel scrolls.
import { useRef, useState, type PointerEvent, type WheelEvent } from "react";
import type { Tool } from "../keys";
import type { Window } from "../windows";
import type { Kind, Measure } from "./measures";
import type { Screen } from "./screen";
import { moved, toPicture, zoomed, type Frame, type Point } from "./view";

/** Pixels in which a window becomes twice as wide, about. */
const WINDOW_PIXELS = 200;

/** The same for zooming. */
const ZOOM_PIXELS = 150;

/** A hand that moved less than this, in pixels, only clicked. */
const CLICK_PIXELS = 4;

interface Drag {
  tool: Tool;
  from: Point;
  last: Point;
  window: Window | null;
}

interface Of {
  screen: Screen<unknown>;
  tool: Tool;
  frame: Frame;
  /** The window that is shown, or with which dragging begins. */
  window: Window | null;
  onMeasure: (measure: Measure) => void;
}

export function useHand({ screen, tool, frame, window, onMeasure }: Of) {
  const drag = useRef<Drag | null>(null);
  // An angle of which the third point is not there yet follows the hand.
  const [draft, setDraft] = useState<Measure | null>(null);

  const pointOf = (at: Point): Point => {
    const { camera, lie } = screen.snapshot().want;
    const [x, y] = toPicture(at, frame, screen.paneSize, camera, lie);
    return [Math.max(0, Math.min(frame.columns, x)), Math.max(0, Math.min(frame.rows, y))];
  };

  const onPointerDown = (event: PointerEvent<HTMLElement>) => {
    if ((event.target as Element).closest("button") !== null || drag.current) return;
    const at = placeOf(event);
    if (draft?.kind === "angle" && event.button === 0) {
      onMeasure({ ...draft, points: [...draft.points.slice(0, 2), pointOf(at)] });
      return setDraft(null);
    }
    event.currentTarget.setPointerCapture(event.pointerId);
    const done = BUTTONS[event.button] ?? tool;
    drag.current = { tool: done, from: at, last: at, window };
    if (isKind(done)) setDraft({ kind: done, points: [pointOf(at), pointOf(at)] });
  };

  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    const at = placeOf(event);
    const held = drag.current;
    if (held === null) {
      if (draft?.kind === "angle") setDraft({ ...draft, points: [...draft.points.slice(0, 2), pointOf(at)] });
      return;
    }
    const step: Point = [at[0] - held.last[0], at[1] - held.last[1]];
    held.last = at;
    const { camera, lie } = screen.snapshot().want;
    if (isKind(held.tool)) setDraft((present) => present && { ...present, points: [present.points[0]!, pointOf(at)] });
    else if (held.tool === "zoom") screen.change({ camera: zoomed(camera, Math.exp(step[1] / ZOOM_PIXELS)) }, true);
    else if (held.tool === "pan") screen.change({ camera: moved(camera, step, frame, screen.paneSize, lie) }, true);
    else if (held.tool === "window" && held.window) screen.change({ window: dragged(held.window, [at[0] - held.from[0], at[1] - held.from[1]]) }, true);
  };

  const onPointerUp = (event: PointerEvent<HTMLElement>) => {
    const held = drag.current;
    drag.current = null;
    if (held === null || !isKind(held.tool) || !draft) return;
    const at = placeOf(event);
    if (Math.hypot(at[0] - held.from[0], at[1] - held.from[1]) < CLICK_PIXELS) return setDraft(null);
    const points = [draft.points[0]!, pointOf(at)];
    if (held.tool === "angle") return setDraft({ kind: "angle", points: [...points, points[1]!] });
    onMeasure({ kind: held.tool, points });
    setDraft(null);
  };

  const onPointerCancel = () => {
    drag.current = null;
    setDraft(null);
  };

  const onWheel = (event: WheelEvent<HTMLElement>) => {
    if (event.deltaY !== 0 && !event.ctrlKey) screen.change({ index: screen.snapshot().want.index + (event.deltaY > 0 ? 1 : -1) });
  };

  return { draft, forget: () => setDraft(null), handlers: { onPointerDown, onPointerMove, onPointerUp, onPointerCancel, onWheel } };
}

/** A window that a hand moved: to the right it is wider, down it lies higher. */
export function dragged(window: Window, [right, down]: Point): Window {
  const per = window.width / WINDOW_PIXELS;
  const width = Math.max(1, window.width + right * per);
  return { center: rounded(window.center + down * per, width), width: rounded(width, width) };
}

// === helpers ===

/** What a button does whatever tool is in hand: the middle one, and the right one. */
const BUTTONS: Record<number, Tool> = { 1: "pan", 2: "zoom" };

const KINDS: readonly string[] = ["length", "angle", "ellipse", "rectangle"] satisfies Kind[];

function isKind(tool: Tool): tool is Kind {
  return KINDS.includes(tool);
}

function placeOf(event: PointerEvent<HTMLElement>): Point {
  const { left, top } = event.currentTarget.getBoundingClientRect();
  return [event.clientX - left, event.clientY - top];
}

/** Whole where a window is wide, and otherwise with as much as matters. */
function rounded(value: number, width: number): number {
  const digits = width >= 20 ? 0 : 2;
  return Number(value.toFixed(digits));
}
