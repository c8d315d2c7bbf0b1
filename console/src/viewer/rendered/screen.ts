// What a pane shows of a stack that the server renders: what somebody wants to see, what is asked for, and what came. One request at a time is on
// its way, and behind it waits the newest only; so nothing older is ever shown after something newer, and a server that is slow is not asked more.
import type { Window } from "../windows";
import { seen, UPRIGHT, whole, type Camera, type Frame, type Lie, type Part, type Size } from "./view";

/** The longest side that is asked for, in pixels; half of it while something moves. */
export const SIDE = 1024;

/** This long after the last change nothing moves any more, in milliseconds: then the picture comes in full. */
export const SETTLED_MS = 120;

/** After this long without the picture that is wanted it is said that it is coming, in milliseconds. */
export const LATE_MS = 500;

/** How long an answer may take before it counts as none, in milliseconds. */
export const PATIENCE_MS = 30_000;

export interface Want {
  index: number;
  window: Window | null;
  camera: Camera;
  lie: Lie;
  inverted: boolean;
}

/** One picture, as it is asked for. */
export interface Asked {
  address: string;
  index: number;
  window: Window | null;
  part: Part | null;
  /** Whether it is as large as it can be. */
  full: boolean;
}

export interface Snapshot<Image> {
  want: Want;
  /** What came last, and for what. */
  shown: { asked: Asked; image: Image } | null;
  /** What did not come, where that is the last thing that was heard. */
  failed: { asked: Asked; error: unknown } | null;
  late: boolean;
}

interface Options<Image> {
  count: number;
  start: number;
  /** The address of a slice, without what is asked of it. */
  addressOf: (index: number) => string;
  frameOf: (index: number) => Frame;
  fetch: (address: string, signal: AbortSignal) => Promise<Image>;
  now?: () => number;
}

export class Screen<Image> {
  private present: Snapshot<Image>;
  private size: Size = { width: 0, height: 0 };
  private waiting: Asked | null = null;
  private underway: { address: string; abort: AbortController } | null = null;
  private changed = -Infinity;
  private settles: ReturnType<typeof setTimeout> | undefined;
  private lates: ReturnType<typeof setTimeout> | undefined;
  private readonly listeners = new Set<() => void>();
  private begun = false;

  constructor(private readonly options: Options<Image>) {
    const index = this.inside(options.start);
    this.present = { want: { index, window: null, camera: whole(options.frameOf(index)), lie: UPRIGHT, inverted: false }, shown: null, failed: null, late: false };
  }

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = () => this.present;

  begin(): void {
    this.begun = true;
    this.ask(true);
  }

  end(): void {
    this.begun = false;
    clearTimeout(this.settles);
    clearTimeout(this.lates);
    this.waiting = null;
    this.underway?.abort.abort();
    this.underway = null;
  }

  resize(size: Size): void {
    this.size = size;
    this.touch(false);
  }

  get paneSize(): Size {
    return this.size;
  }

  /** Something is wanted otherwise; `held` while a hand is moving it. */
  change(by: Partial<Want>, held = false): void {
    const next = { ...this.present.want, ...by };
    if (by.index !== undefined) next.index = this.inside(by.index);
    const [one, other] = [this.options.frameOf(this.present.want.index), this.options.frameOf(next.index)];
    // A picture of another size is seen as a whole first.
    if (one.columns !== other.columns || one.rows !== other.rows) next.camera = whole(other);
    this.tell({ want: next });
    this.touch(held);
  }

  /** Once more what did not come. */
  again(): void {
    this.tell({ failed: null });
    this.ask(true);
  }

  // === helpers ===

  private inside(index: number): number {
    return Math.max(0, Math.min(this.options.count - 1, index));
  }

  private touch(held: boolean): void {
    const now = (this.options.now ?? (() => performance.now()))();
    const moves = held || now - this.changed < SETTLED_MS;
    this.changed = now;
    this.ask(!moves);
    clearTimeout(this.settles);
    if (moves) this.settles = setTimeout(() => this.ask(true), SETTLED_MS);
  }

  private asked(full: boolean): Asked {
    const { index, window, camera, lie } = this.present.want;
    const part = seen(this.options.frameOf(index), this.size, camera, lie);
    const side = full ? SIDE : SIDE / 2;
    const query = new URLSearchParams({ viewport: [side, side, ...(part ?? [])].join(",") });
    if (window) query.set("window", `${window.center},${window.width},linear`);
    return { address: `${this.options.addressOf(index)}/rendered?${query}`, index, window, part, full };
  }

  private ask(full: boolean): void {
    if (!this.begun) return;
    const asked = this.asked(full);
    const { shown, failed } = this.present;
    const there = this.underway === null && failed === null && [asked.address, this.asked(true).address].includes(shown?.asked.address ?? "");
    // What is there or on its way is not asked for again.
    this.waiting = there || this.underway?.address === asked.address ? null : asked;
    if (there) return;
    clearTimeout(this.lates);
    this.lates = setTimeout(() => this.tell({ late: true }), LATE_MS);
    if (this.underway === null) void this.next();
  }

  private async next(): Promise<void> {
    const asked = this.waiting;
    if (asked === null) return;
    this.waiting = null;
    const underway = { address: asked.address, abort: new AbortController() };
    this.underway = underway;
    const patience = setTimeout(() => underway.abort.abort(), PATIENCE_MS);
    let heard: Partial<Snapshot<Image>>;
    try {
      heard = { shown: { asked, image: await this.options.fetch(asked.address, underway.abort.signal) }, failed: null };
    } catch (error) {
      heard = { failed: { asked, error } };
    }
    clearTimeout(patience);
    // Ended meanwhile: nobody looks any more.
    if (this.underway !== underway) return;
    this.underway = null;
    if (this.waiting === null) clearTimeout(this.lates);
    // What failed does not matter where something newer is asked for already.
    if (this.waiting === null) this.tell({ ...heard, late: false });
    else if (heard.failed === null) this.tell(heard);
    void this.next();
  }

  private tell(by: Partial<Snapshot<Image>>): void {
    this.present = { ...this.present, ...by };
    for (const listener of this.listeners) listener();
  }
}
