// Signals of what happens around the pictures, told to the server: numbered, so that it sees which were kept from coming, and a kind once a minute.

export type SignalKind = "print-key" | "print" | "save" | "copy" | "unfocused" | "hidden" | "mark-removed";

export interface Signal {
  kind: SignalKind;
  page: string;
  number: number;
  times: number;
  study?: string;
}

/** One request for each kind within this time, in milliseconds. */
const TOLD_PER_MS = 60_000;

/** How soon the print follows that Control P asks the browser for, in milliseconds: one thing. */
const TWICE_MS = 1_500;

const TIMES_MAX = 1000;

export class Teller {
  private number = 0;
  private readonly told = new Map<SignalKind, { since: number; last: number; more: number; study: string | null }>();

  constructor(
    private readonly send: (signal: Signal) => void,
    private readonly page: string = random(),
  ) {}

  tell(kind: SignalKind, study: string | null, now: number): void {
    const before = this.told.get(kind);
    if (before && kind === "print" && now - before.last < TWICE_MS) return;
    if (before && now - before.since < TOLD_PER_MS) {
      this.told.set(kind, { since: before.since, last: now, more: before.more + 1, study });
      return;
    }
    this.say(kind, 1 + (before?.more ?? 0), study, now);
  }

  /** Tells what was only counted: where its minute is over, or all of it when the page is left. */
  flush(now: number, leaving: boolean): void {
    for (const [kind, { since, more, study }] of this.told) {
      if (more > 0 && (leaving || now - since >= TOLD_PER_MS)) this.say(kind, more, study, now);
    }
  }

  private say(kind: SignalKind, times: number, study: string | null, now: number): void {
    this.number += 1;
    this.told.set(kind, { since: now, last: now, more: 0, study });
    this.send({ kind, page: this.page, number: this.number, times: Math.min(TIMES_MAX, times), ...(study === null ? {} : { study }) });
  }
}

// === helpers ===

function random(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
