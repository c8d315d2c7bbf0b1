// Every request of the console goes through here: in the session of the browser, with one place that knows what to do when the session is
// over, a second factor is asked for, or something is asked for too fast.
import createClient from "openapi-fetch";
import { studyIn } from "../lib/dicom";
import { isRead, pause, pauseOf } from "./patience";
import { problemOf, type ProblemError } from "./problem";
import type { paths } from "./schema";

/** What happens beside a request. */
interface Attendant {
  /** The session is over: nothing that is asked for from now on will be answered. */
  signedOut(): void;
  /** A second factor is needed; resolves to whether it was proved. */
  prove(): Promise<boolean>;
  /** The monitor asks why this study is opened; resolves to whether somebody said it. */
  explain(study: string): Promise<boolean>;
}

let attendant: Attendant | null = null;

/** Says who attends to requests from now on. */
export function attend(by: Attendant | null): void {
  attendant = by;
}

/** `fetch` with the session of the browser. Refusals are thrown as `ProblemError`. */
export async function request(input: Request | string, init?: RequestInit): Promise<Response> {
  const first = new Request(input, { credentials: "same-origin", redirect: "error", ...init });
  const again = first.clone();
  const response = await patient(first);
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (await isHelped(problem, first.url)) {
    const second = await patient(again);
    if (second.ok) return second;
    throw await problemOf(second);
  }
  if (problem.status === 401 && problem.details.came !== "second-factor-needed") attendant?.signedOut();
  throw problem;
}

/** `fetch`, and again where a read came too fast. */
async function patient(asked: Request): Promise<Response> {
  // What is sent is not kept twice.
  if (!isRead(asked.method)) return fetch(asked);
  let waited_ms = 0;
  for (let repeats = 0; ; repeats += 1) {
    const response = await fetch(asked.clone());
    const wait_ms = pauseOf(asked.method, response.status, response.headers.get("Retry-After"), repeats, waited_ms, Date.now());
    if (wait_ms === null || !(await pause(wait_ms, asked.signal))) return response;
    waited_ms += wait_ms;
  }
}

/** Asks whoever is there for what the server wants first; resolves to whether it is worth asking again. */
async function isHelped(problem: ProblemError, address: string): Promise<boolean> {
  if (!attendant) return false;
  if (problem.status === 401 && problem.details.came === "second-factor-needed") return attendant.prove();
  if (problem.kind !== "reason-required") return false;
  const study = studyIn(address);
  return study !== null && attendant.explain(study);
}

/** The client whose paths, parameters and answers are those of the served description. */
export const api = createClient<paths>({
  baseUrl: window.location.origin,
  fetch: (input: Request) => request(input),
});

/** The body of an answer that was no refusal. */
export async function body<T>(answer: Promise<{ data?: T; response: Response }>): Promise<T> {
  const { data } = await answer;
  return data as T;
}
