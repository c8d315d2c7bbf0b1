// What can be done with the picture in a pane, whoever draws it: the library, or the server.
import { utilities, type Types } from "@cornerstonejs/core";
import { numbers, texts } from "../lib/dicom";
import { shotOf, type Shot } from "./copies/shot";
import { letters, lettersBy, type Vector } from "./geometry";
import type { Slice } from "./study";
import { rangeOf, windowOf, type Window } from "./windows";

export interface Control {
  count(): number;
  index(): number;
  go(index: number): void;
  /** Some slices on, or back. */
  move(slices: number): void;
  /** Shows a window, or that which the images ask for. */
  show(window: Window | null): void;
  invert(): void;
  flip(horizontally: boolean): void;
  rotate(): void;
  /** As large as the pane and in its middle, otherwise as it is. */
  fit(): void;
  reset(): void;
  /** Takes away what was measured last, where the server fills the pane; says whether there was something. */
  remove?(): boolean;
  /** What it shows, for a copy; not there where the server has no such picture. */
  shot?(): Shot | null;
}

/** What a pane says of its picture. */
export interface Look {
  index: number;
  count: number;
  window: Window | null;
  /** 1 fills the pane. */
  zoom: number;
  edges: { left: string; right: string; top: string; bottom: string };
}

/** A stack of slices, as they were taken. */
export class StackControl implements Control {
  constructor(
    private readonly viewport: Types.IStackViewport,
    private readonly slices: readonly Slice[],
  ) {}

  count(): number {
    return this.slices.length;
  }

  index(): number {
    return this.viewport.getTargetImageIdIndex();
  }

  go(index: number): void {
    const within = Math.max(0, Math.min(this.slices.length - 1, index));
    // What does not come is told by an event of the loader.
    if (within !== this.index()) this.viewport.setImageIdIndex(within).catch(() => undefined);
  }

  move(slices: number): void {
    this.viewport.scroll(slices, true, false);
  }

  shot(): Shot | null {
    const slice = this.slices[this.index()];
    return slice ? shotOf(this.viewport, slice) : null;
  }

  show(window: Window | null): void {
    const data = this.slices[this.index()]?.data ?? {};
    const [center] = numbers(data, "00281050");
    const [width] = numbers(data, "00281051");
    const asked = window ?? (center === undefined || width === undefined ? this.byItself() : { center, width });
    if (asked) this.viewport.setProperties({ voiRange: rangeOf(asked) });
    else this.viewport.resetProperties();
    this.viewport.render();
  }

  invert(): void {
    this.viewport.setProperties({ invert: this.viewport.getProperties()?.invert !== true });
    this.viewport.render();
  }

  flip(horizontally: boolean): void {
    const { flipHorizontal = false, flipVertical = false } = this.viewport.getCamera();
    this.viewport.setCamera(horizontally ? { flipHorizontal: !flipHorizontal } : { flipVertical: !flipVertical });
    this.viewport.render();
  }

  rotate(): void {
    const { rotation = 0 } = this.viewport.getViewPresentation();
    this.viewport.setViewPresentation({ rotation: (Math.round(rotation) + 90) % 360 });
    this.viewport.render();
  }

  fit(): void {
    const { flipHorizontal = false, flipVertical = false } = this.viewport.getCamera();
    const { rotation = 0 } = this.viewport.getViewPresentation();
    this.viewport.resetCamera();
    this.viewport.setCamera({ flipHorizontal, flipVertical });
    if (rotation !== 0) this.viewport.setViewPresentation({ rotation });
    this.viewport.render();
  }

  reset(): void {
    this.viewport.setCamera({ flipHorizontal: false, flipVertical: false });
    this.viewport.setViewPresentation({ rotation: 0 });
    this.viewport.resetCamera();
    this.viewport.setProperties({ invert: this.isInverse() });
    this.show(null);
  }

  /** Of such an image a great value is dark. */
  private isInverse(): boolean {
    return this.slices[this.index()]?.data["00280004"]?.Value?.[0] === "MONOCHROME1";
  }

  /** The window that the library found for such an image, where it asks for none. To put all back as it was, the library can be asked for others only: of such images it turns the greys round and still says that they lie as they should. */
  private byItself(): Window | null {
    const image = this.isInverse() ? this.viewport.getCornerstoneImage() : undefined;
    const [center, width] = [image?.windowCenter, image?.windowWidth].map((value) => [value].flat()[0]);
    return center === undefined || width === undefined ? null : { center, width };
  }
}

/** A cut through a volume. */
export class VolumeControl implements Control {
  constructor(private readonly viewport: Types.IVolumeViewport) {}

  count(): number {
    return this.viewport.getNumberOfSlices();
  }

  index(): number {
    return this.viewport.getSliceIndex();
  }

  go(index: number): void {
    this.move(Math.max(0, Math.min(this.count() - 1, index)) - this.index());
  }

  move(slices: number): void {
    utilities.scroll(this.viewport as unknown as Types.IViewport, { delta: slices });
  }

  show(window: Window | null): void {
    if (window) this.viewport.setProperties({ voiRange: rangeOf(window) });
    else this.viewport.resetProperties();
    this.viewport.render();
  }

  invert(): void {
    this.viewport.setProperties({ invert: this.viewport.getProperties()?.invert !== true });
    this.viewport.render();
  }

  flip(horizontally: boolean): void {
    const { flipHorizontal = false, flipVertical = false } = this.viewport.getCamera();
    this.viewport.setCamera(horizontally ? { flipHorizontal: !flipHorizontal } : { flipVertical: !flipVertical });
    this.viewport.render();
  }

  rotate(): void {
    const { rotation = 0 } = this.viewport.getViewPresentation();
    this.viewport.setViewPresentation({ rotation: (Math.round(rotation) + 90) % 360 });
    this.viewport.render();
  }

  fit(): void {
    // Not its plane, which lies where it was scrolled to.
    this.viewport.resetCamera({ resetPan: true, resetZoom: true, resetToCenter: false, resetOrientation: false });
    this.viewport.render();
  }

  reset(): void {
    this.viewport.resetCamera();
    this.viewport.resetProperties();
    this.viewport.render();
  }
}

/** What is to be said of what the library draws now. */
export function lookOf(viewport: Types.IStackViewport | Types.IVolumeViewport, index: number, count: number, slice?: Slice): Look {
  const range = viewport.getProperties()?.voiRange;
  return {
    index,
    count,
    window: range ? windowOf(range.lower, range.upper) : null,
    zoom: viewport.getZoom(),
    edges: edgesOf(viewport, slice),
  };
}

// === helpers ===

const PATIENT_ORIENTATION = "00200020";
const FUNCTIONAL_GROUPS = "52009229";

/** Which side of the patient each side of the pane is, however the picture was turned. */
function edgesOf(viewport: Types.IStackViewport | Types.IVolumeViewport, slice: Slice | undefined): Look["edges"] {
  // A projection lies nowhere in the patient, whatever the library takes for its place: only its rows and columns are known, or nothing.
  const named = slice && slice.place === null && !(FUNCTIONAL_GROUPS in slice.data) ? (way: Vector) => lettersBy(texts(slice.data, PATIENT_ORIENTATION), way) : letters;
  const { clientWidth: width, clientHeight: height } = viewport.element;
  const middle = viewport.canvasToWorld([width / 2, height / 2]);
  const towards = (x: number, y: number): Vector => {
    const there = viewport.canvasToWorld([width / 2 + x, height / 2 + y]);
    return [there[0] - middle[0], there[1] - middle[1], there[2] - middle[2]];
  };
  return { left: named(towards(-40, 0)), right: named(towards(40, 0)), top: named(towards(0, -40)), bottom: named(towards(0, 40)) };
}
