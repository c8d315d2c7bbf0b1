// Lines over pictures: where the slice of the active pane goes through the one of another, and crosshairs over cuts.
import type { RenderingEngine } from "@cornerstonejs/core";
import { linesIn } from "./crosshair";
import { stackOf } from "./engine";
import "./lines.css";
import { corners, cut, planeOf } from "./planes";
import { numbers } from "../lib/dicom";
import type { Slice, Stack } from "./study";

/** A slice of a stack. */
export interface At {
  stack: Stack;
  index: number;
}

export function ReferenceLine({ engine, id, own, leader }: { engine: RenderingEngine; id: string; own: At; leader: At }) {
  const line = lineBetween(own, leader);
  const viewport = stackOf(engine, id);
  if (!line || !viewport) return null;
  const [from, to] = line.map((point) => viewport.worldToCanvas([...point]));
  return (
    <svg aria-hidden className="viewer-lines">
      <line data-testid="reference-line" x1={from![0]} y1={from![1]} x2={to![0]} y2={to![1]} className="viewer-line" />
    </svg>
  );
}

export function Crosshair({ engine, id, others }: { engine: RenderingEngine; id: string; others: readonly string[] }) {
  return (
    <svg aria-hidden className="viewer-lines">
      {linesIn(engine, id, others).map(({ of, from, to }) => (
        <line key={of} data-of={of} x1={from[0]} y1={from[1]} x2={to[0]} y2={to[1]} className={`viewer-line viewer-line-${of}`} />
      ))}
    </svg>
  );
}

// === helpers ===

/** Only within one frame of reference: elsewhere nobody knows where slices lie to each other. */
function lineBetween(own: At, leader: At) {
  const [mine, theirs] = [own.stack.slices[own.index], leader.stack.slices[leader.index]];
  if (!mine?.place || !theirs?.place || own.stack.frameOfReference === "" || own.stack.frameOfReference !== leader.stack.frameOfReference) return null;
  const around = cornersOf(theirs);
  return around && cut(around, planeOf(mine.place));
}

function cornersOf({ place, data }: Slice) {
  const [row, column] = numbers(data, "00280030");
  const [rows, columns] = [numbers(data, "00280010")[0], numbers(data, "00280011")[0]];
  return place && row !== undefined && column !== undefined && rows !== undefined && columns !== undefined ? corners(place, [row, column], rows, columns) : null;
}
