// The picture of a frame, drawn by the page itself: there some tenths of a second before the library draws the same.
import { useLayoutEffect, useRef } from "react";
import type { Look } from "../controls";
import { firstPicture } from "../measure";
import { sidesOf } from "../rendered/sides";
import { UPRIGHT } from "../rendered/view";
import type { Slice, Stack } from "../study";
import { PRESETS, type Window } from "../windows";
import { frameAt } from "./frames";
import { stillOf, windowOf } from "./still";

export interface Dress {
  /** A preset by its name, or the window that the image asks for. */
  window: string | null;
  flipped: boolean;
}

export const PLAIN: Dress = { window: null, flipped: false };

/** Draws nothing where the frame is not there, or is not to be shown so simply. */
export function StillOf({ slice, dress, onDrawn }: { slice: Slice; dress: Dress; onDrawn?: () => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const frame = frameAt(slice.address);
    const still = frame ? stillOf(frame, slice.data, windowIn(dress)) : null;
    const context = canvas.current?.getContext("2d");
    if (!still || !canvas.current || !context) return;
    canvas.current.width = still.columns;
    canvas.current.height = still.rows;
    context.putImageData(new ImageData(still.values, still.columns, still.rows), 0, 0);
    firstPicture();
    onDrawn?.();
  }, [slice, dress.window, dress.flipped]);
  return <canvas ref={canvas} width={1} height={1} aria-hidden data-still className={`absolute inset-0 size-full object-contain p-0.5 ${dress.flipped ? "-scale-x-100" : ""}`} />;
}

/** What is said of it: as the library says it afterwards. */
export function lookOfStill(stack: Stack, index: number, dress: Dress): Look {
  const slice = stack.slices[index]!;
  return { index, count: stack.slices.length, window: windowIn(dress) ?? windowOf(slice.data), zoom: 1, edges: sidesOf(slice, { ...UPRIGHT, across: dress.flipped }) };
}

// === helpers ===

function windowIn({ window }: Dress): Window | null {
  return PRESETS.find((one) => one.name === window) ?? null;
}
