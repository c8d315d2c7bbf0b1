// What the server says when it does not do something (RFC 9457), as an error that screens can show.

export interface ProblemDetails {
  type?: string;
  title?: string;
  title_zh?: string;
  status?: number;
  expected?: string;
  came?: string;
  /** What helps. */
  do?: string;
  pointer?: string;
}

const PREFIX = "urn:yingdun:problem:";

export class ProblemError extends Error {
  readonly details: ProblemDetails;
  readonly status: number;

  constructor(status: number, details: ProblemDetails) {
    super(details.title ?? `HTTP ${status}`);
    this.name = "ProblemError";
    this.status = status;
    this.details = details;
  }

  /** The short name of what went wrong, such as `not-found`. */
  get kind(): string {
    const type = this.details.type ?? "";
    return type.startsWith(PREFIX) ? type.slice(PREFIX.length) : "";
  }
}

/** Reads what came instead of an answer; of whatever stands in between, too. */
export async function problemOf(response: Response): Promise<ProblemError> {
  let details: ProblemDetails = {};
  try {
    const body: unknown = await response.clone().json();
    if (typeof body === "object" && body !== null) details = body as ProblemDetails;
  } catch {
    // Not ours: the status has to do.
  }
  return new ProblemError(response.status, details);
}
