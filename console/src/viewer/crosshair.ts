// Crosshairs of cuts: where the others lie in one, and all of them moved to a point that somebody shows.
import type { RenderingEngine, Types } from "@cornerstonejs/core";
import { volumeOf } from "./engine";
import type { Vector } from "./geometry";
import { add, height, meet, type Plane } from "./planes";

export interface Line {
  of: string;
  from: Types.Point2;
  to: Types.Point2;
}

/** Longer than any patient, in millimetres. */
const FAR_MM = 4_000;

/** The lines in which other cuts go through one, in pixels of its pane. */
export function linesIn(engine: RenderingEngine, id: string, others: readonly string[]): Line[] {
  const viewport = drawn(engine, id);
  if (!viewport) return [];
  const own = planeOf(viewport);
  return others.flatMap((of) => {
    const other = drawn(engine, of);
    const line = other && meet(own, planeOf(other), own.point);
    if (!line) return [];
    const [from, to] = [-FAR_MM, FAR_MM].map((far) => viewport.worldToCanvas([...add(line.point, line.direction, far)]));
    return [{ of, from: from!, to: to! }];
  });
}

/** Moves the other cuts to what is at a pixel of one. */
export function showPoint(engine: RenderingEngine, id: string, others: readonly string[], at: Types.Point2): void {
  const viewport = drawn(engine, id);
  if (!viewport) return;
  const point = viewport.canvasToWorld(at);
  for (const of of others) {
    const other = drawn(engine, of);
    if (!other) continue;
    const plane = planeOf(other);
    const far = height(point, plane);
    const { focalPoint, position } = other.getCamera();
    if (!focalPoint || !position) continue;
    other.setCamera({ focalPoint: [...add(focalPoint, plane.normal, far)], position: [...add(position, plane.normal, far)] });
    other.render();
  }
}

// === helpers ===

function drawn(engine: RenderingEngine, id: string): Types.IVolumeViewport | null {
  const viewport = volumeOf(engine, id);
  return viewport && viewport.getActors().length > 0 ? viewport : null;
}

function planeOf(viewport: Types.IVolumeViewport): Plane {
  const { focalPoint = [0, 0, 0], viewPlaneNormal = [0, 0, 1] } = viewport.getCamera();
  return { point: focalPoint as Vector, normal: viewPlaneNormal as Vector };
}
