// Where the pixels of a picture are in a pane that the server fills, and the other way round. Pure: from sizes and a camera to places.

export type Point = readonly [number, number];

export interface Size {
  width: number;
  height: number;
}

/** The picture: columns, rows, and how high a pixel is for its width. */
export interface Frame {
  columns: number;
  rows: number;
  aspect: number;
}

/** What is in the middle of the pane, in pixels of the picture, and how large: 1 fills the pane. */
export interface Camera {
  zoom: number;
  x: number;
  y: number;
}

/** How it lies: mirrored, and then turned by quarters to the right. */
export interface Lie {
  across: boolean;
  down: boolean;
  quarters: number;
}

/** Left, top, columns and rows, in whole pixels. */
export type Part = readonly [number, number, number, number];

export const UPRIGHT: Lie = { across: false, down: false, quarters: 0 };

const ZOOM_MIN = 0.25;
const ZOOM_MAX = 32;

export function whole(frame: Frame): Camera {
  return { zoom: 1, x: frame.columns / 2, y: frame.rows / 2 };
}

/** How wide a pixel of the picture is in the pane. */
export function scaleOf(frame: Frame, size: Size, lie: Lie, zoom: number): number {
  const high = frame.rows * frame.aspect;
  const [across, down] = lie.quarters % 2 === 0 ? [frame.columns, high] : [high, frame.columns];
  return Math.min(size.width / across, size.height / down) * zoom;
}

export function toPane([x, y]: Point, frame: Frame, size: Size, camera: Camera, lie: Lie): Point {
  const scale = scaleOf(frame, size, lie, camera.zoom);
  const [right, down] = ahead([(x - camera.x) * scale, (y - camera.y) * scale * frame.aspect], lie);
  return [size.width / 2 + right, size.height / 2 + down];
}

export function toPicture([x, y]: Point, frame: Frame, size: Size, camera: Camera, lie: Lie): Point {
  const scale = scaleOf(frame, size, lie, camera.zoom);
  const [right, down] = back([x - size.width / 2, y - size.height / 2], lie);
  return [camera.x + right / scale, camera.y + down / (scale * frame.aspect)];
}

/** A step in the pane as a step in the picture, in widths of its pixels: for directions. */
export function back([x, y]: Point, lie: Lie): Point {
  let step: Point = [x, y];
  for (let quarter = 0; quarter < lie.quarters; quarter += 1) step = [step[1], -step[0]];
  return [lie.across ? -step[0] : step[0], lie.down ? -step[1] : step[1]];
}

/** Zoomed so that what is in the middle stays there. */
export function zoomed(camera: Camera, by: number): Camera {
  return { ...camera, zoom: Math.max(ZOOM_MIN, Math.min(ZOOM_MAX, camera.zoom * by)) };
}

/** Moved by a step in the pane; the middle of the pane stays in the picture. */
export function moved(camera: Camera, step: Point, frame: Frame, size: Size, lie: Lie): Camera {
  const scale = scaleOf(frame, size, lie, camera.zoom);
  const [right, down] = back(step, lie);
  return { ...camera, x: within(camera.x - right / scale, frame.columns), y: within(camera.y - down / (scale * frame.aspect), frame.rows) };
}

/** What of the picture is in the pane; nothing where it is all of it. */
export function seen(frame: Frame, size: Size, camera: Camera, lie: Lie): Part | null {
  if (size.width === 0 || size.height === 0) return null;
  const one = toPicture([0, 0], frame, size, camera, lie);
  const other = toPicture([size.width, size.height], frame, size, camera, lie);
  const from = (axis: 0 | 1, most: number) => Math.max(0, Math.min(most - 1, Math.floor(Math.min(one[axis], other[axis]))));
  const until = (axis: 0 | 1, most: number) => Math.max(1, Math.min(most, Math.ceil(Math.max(one[axis], other[axis]))));
  const [left, top] = [from(0, frame.columns), from(1, frame.rows)];
  const [columns, rows] = [until(0, frame.columns) - left, until(1, frame.rows) - top];
  return left === 0 && top === 0 && columns === frame.columns && rows === frame.rows ? null : [left, top, columns, rows];
}

/** How a picture of a part is laid into the pane: the six numbers of CSS `matrix()`, from its own pixels. */
export function matrixOf(part: Part | null, pixels: Size, frame: Frame, size: Size, camera: Camera, lie: Lie): string {
  const [left, top, columns, rows] = part ?? [0, 0, frame.columns, frame.rows];
  const place = (x: number, y: number) => toPane([left + x * columns, top + y * rows], frame, size, camera, lie);
  const [corner, right, down] = [place(0, 0), place(1, 0), place(0, 1)];
  const per = (end: Point, of: number) => [(end[0] - corner[0]) / of, (end[1] - corner[1]) / of];
  return `matrix(${[...per(right, pixels.width), ...per(down, pixels.height), ...corner].join(",")})`;
}

// === helpers ===

function ahead([x, y]: Point, lie: Lie): Point {
  let step: Point = [lie.across ? -x : x, lie.down ? -y : y];
  for (let quarter = 0; quarter < lie.quarters; quarter += 1) step = [-step[1], step[0]];
  return step;
}

function within(value: number, most: number): number {
  return Math.max(0, Math.min(most, value));
}
