// Long work that somebody asked for and does not wait for, as the API tells it.
import type { Tone } from "../components/basics";
import { pace, type Pace } from "./amounts";

export interface Job {
  job: string;
  kind: string;
  device: string;
  state: "running" | "completed" | "cancelled" | "failed" | "interrupted";
  began_ms: number;
  ended_ms: number | null;
  total: number;
  completed: number;
  warning: number;
  failed: number;
  remaining: number;
  failures: { instance: string; reason: unknown }[];
  fault: { expected: string; came: string; do?: string } | null;
  cancel_asked: boolean;
  studies: string[];
}

/** How much of a job was tried, whatever came of it. */
export function tried(job: Job): number {
  return job.completed + job.warning + job.failed;
}

/** From 0 to 1; nothing where nobody knows yet how much there is. */
export function partOf(job: Job): number | null {
  return job.total === 0 ? null : tried(job) / job.total;
}

/** How fast a job is, and while it runs how long the rest takes. */
export function paceOf(job: Job, now: number): Pace {
  const seconds = ((job.ended_ms ?? now) - job.began_ms) / 1000;
  const found = pace(tried(job), job.remaining, seconds);
  return job.state === "running" ? found : { ...found, seconds_left: null };
}

/** What is said of a job in one word: one that ended with something left undone is not simply done. */
type Outcome = "running" | "cancelling" | "done" | "partly" | "cancelled" | "failed" | "interrupted";

export function outcomeOf(job: Job): Outcome {
  if (job.state === "running") return job.cancel_asked ? "cancelling" : "running";
  if (job.state === "completed" && job.failed > 0) return job.failed >= job.total ? "failed" : "partly";
  if (job.state === "completed") return "done";
  return job.state;
}

export const TONES: Record<Outcome, Tone> = {
  running: "accent", cancelling: "warn", done: "good", partly: "warn", cancelled: "neutral", failed: "bad", interrupted: "bad",
};

export function runningOf(jobs: Job[]): Job[] {
  return jobs.filter((job) => job.state === "running");
}
