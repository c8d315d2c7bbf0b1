// Fetches the slices around the one that is looked at before somebody asks for them: a few at a time, the nearest first, and no more than fit.
// Panes that show the same series fetch it once.
import { cache, Enums, imageLoader } from "@cornerstonejs/core";
import { order } from "./geometry";
import { refusalOf } from "./engine";
import { isForPictures } from "./opening/frames";
import type { Stack } from "./study";

/** At a time, of each series; what is scrolled to has a way of its own beside them. */
const AT_ONCE = 4;

/** Of all series together, in bytes of decoded pictures: what is looked at needs room beside them. */
const BYTES_MAX = 768 * 1024 * 1024;

/** Of one series, in bytes of decoded pictures. */
const SERIES_BYTES_MAX = 512 * 1024 * 1024;

/** Bytes of a value; pictures are kept as 16 bits or as floating point numbers. */
const BYTES_PER_VALUE = 4;

/** As long as the server asks to wait when it is too busy, in milliseconds. */
const REST_MS = 2_000;

/** Failures behind each other after which fetching ahead is given up; what is looked at is still asked for. */
const FAILURES_MAX = 6;

export interface Ahead {
  /** Somebody looks at this slice now. */
  look(index: number): void;
  /** This pane shows it no more. */
  stop(): void;
}

/** Fetches a stack ahead for one pane. */
export function fetchAhead(stack: Stack, onProgress: (loaded: number, total: number) => void): Ahead {
  const uid = stack.series.uid;
  const shared = open.get(uid) ?? new Prefetch(stack, onProgress);
  open.set(uid, shared);
  shared.panes += 1;
  return {
    look: (index) => shared.look(index),
    stop: () => {
      shared.panes -= 1;
      if (shared.panes > 0) return;
      shared.stop();
      open.delete(uid);
    },
  };
}

// === helpers ===

const open = new Map<string, Prefetch>();

class Prefetch {
  panes = 0;
  private readonly total: number;
  private readonly bytesEach: number;
  private readonly underway = new Set<number>();
  private readonly loaded = new Set<number>();
  private queue: number[] = [];
  private failures = 0;
  private stopped = false;
  private at = -1;

  constructor(
    private readonly stack: Stack,
    private readonly onProgress: (loaded: number, total: number) => void,
  ) {
    const [first] = stack.slices;
    this.bytesEach = Number(first?.data["00280010"]?.Value?.[0] ?? 512) * Number(first?.data["00280011"]?.Value?.[0] ?? 512) * BYTES_PER_VALUE;
    this.total = stack.slices.length;
  }

  look(index: number): void {
    if (index === this.at) return;
    const ahead = index > this.at ? 1 : -1;
    this.at = index;
    // What is given as pictures only is not asked for otherwise.
    if (this.stack.slices.some((slice) => isForPictures(slice.address))) return;
    // The nearest that fit, wherever in a long series somebody is.
    const bytes = Math.min(SERIES_BYTES_MAX, BYTES_MAX / open.size);
    const fit = Math.max(1, Math.floor(bytes / this.bytesEach));
    this.queue = order(this.total, index, ahead).slice(0, fit);
    this.fill();
  }

  stop(): void {
    this.stopped = true;
  }

  private fill(): void {
    while (!this.stopped && this.underway.size < AT_ONCE) {
      const index = this.queue.shift();
      const slice = index === undefined ? undefined : this.stack.slices[index];
      if (index === undefined || !slice) return;
      if (!this.underway.has(index) && !cache.isLoaded(slice.imageId)) void this.fetch(index, slice.imageId);
      else if (!this.underway.has(index)) this.has(index);
    }
  }

  private async fetch(index: number, imageId: string): Promise<void> {
    this.underway.add(index);
    try {
      await imageLoader.loadAndCacheImage(imageId, { requestType: Enums.RequestType.Prefetch, priority: 0 });
      this.failures = 0;
      this.has(index);
    } catch {
      this.failures += 1;
      const status = refusalOf(imageId);
      if (status === 429 || status === 503) {
        this.queue.unshift(index);
        await new Promise((resolve) => setTimeout(resolve, REST_MS));
      }
      if (this.failures >= FAILURES_MAX) this.stopped = true;
    } finally {
      this.underway.delete(index);
    }
    this.fill();
  }

  private has(index: number): void {
    if (this.stopped || this.loaded.has(index)) return;
    this.loaded.add(index);
    this.onProgress(this.loaded.size, this.total);
  }
}
