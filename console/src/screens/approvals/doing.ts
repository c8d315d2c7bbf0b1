// What each button of a case does: the request, and the command that does the same.
import { quoted } from "../../lib/words";
import type { Act, Case } from "./cases";

export interface Opinion {
  verdict: "justified" | "not-justified";
  words: string;
  minutes: number;
}

export interface Doing {
  method: "POST" | "DELETE";
  path: string;
  body?: unknown;
  cli: string;
}

/** How something is done to a case, with the opinion where it takes one; nothing where that kind of case knows no such thing. */
export function doingOf(of: Case, act: Act, opinion: Opinion): Doing | null {
  const { verdict, words: reason, minutes } = opinion;
  switch (of.kind) {
    case "break-glass":
      if (act !== "review") return null;
      return post(`break-glass/${of.id}/review`, `break-glass review ${of.id} --verdict ${verdict} --reason ${quoted(reason)}`, { verdict, reason });
    case "reason":
      if (act !== "review") return null;
      return post(`reasons/${of.id}/review`, `monitor review-reason ${of.id} --verdict ${verdict} --reason ${quoted(reason)}`, { verdict, reason });
    case "suspension":
      return act === "review" ? post(`policies/suspension/${of.id}/review`, `policy review ${of.id}`) : null;
    case "policy":
      return policyDoing(of.id, of.row.digest, act, minutes, reason);
    case "destruction":
      if (act === "approve") return post(`destructions/${of.id}/approval`, `destroy approve ${of.id}`);
      return act === "withdraw" ? gone(`destructions/${of.id}`, `destroy withdraw ${of.id}`) : null;
    case "release":
      if (act === "approve") return post(`holds/${of.id}/release/approval`, `hold approve ${of.id}`);
      return act === "withdraw" ? gone(`holds/${of.id}/release`, `hold withdraw ${of.id}`) : null;
    case "maintenance":
      if (act === "approve") return post(`maintenance/${of.id}/approval`, `maintenance approve ${of.id}`);
      return act === "withdraw" || act === "end" ? gone(`maintenance/${of.id}`, `maintenance end ${of.id}`) : null;
  }
}

// === helpers ===

function policyDoing(id: string, digest: string, act: Act, minutes: number, reason: string): Doing | null {
  switch (act) {
    case "approve":
      return post(`policies/${id}/approval`, `policy approve ${id} --digest ${digest}`, { digest });
    case "activate":
    case "end":
      return post(`policies/${id}/activation`, `policy activate ${id} --digest ${digest}`, { digest });
    case "reject":
      return post(`policies/${id}/rejection`, `policy reject ${id}`);
    case "withdraw":
      return gone(`policies/${id}`, `policy withdraw ${id}`);
    case "suspend":
      return post("policies/suspension", `policy suspend --minutes ${minutes} --reason ${quoted(reason)}`, { minutes, reason });
    case "review":
      return null;
  }
}

function post(path: string, cli: string, body?: unknown): Doing {
  return { method: "POST", path: `/api/v1/${path}`, cli: `yingdun ${cli}`, ...(body === undefined ? {} : { body }) };
}

function gone(path: string, cli: string): Doing {
  return { method: "DELETE", path: `/api/v1/${path}`, cli: `yingdun ${cli}` };
}
