// What the API tells of everything that somebody else has to look at: the rows of the inbox.
import { api, body, request } from "../../api/client";
import type { Doing } from "./doing";

export interface PolicyVersion {
  version: number;
  state: "proposed" | "approved" | "in-force" | "suspended" | "replaced" | "rejected" | "withdrawn" | "outdated";
  digest: string;
  reason: string | null;
  copy_of: number | null;
  proposed_by: string;
  proposed_ms: number;
  approvals: { office: string; name: string; at_ms: number }[];
  activated_ms: number | null;
  closed_by: string | null;
  closed_ms: number | null;
  text?: string | null;
}

export interface Policies {
  in_force: {
    policy_set: string;
    version: number;
    activation: number;
    suspended_until_ms: number | null;
    is_locked: boolean;
    to_review: { activation: number; name: string; at_ms: number; reason: string | null }[];
  };
  versions: PolicyVersion[];
}

export interface Comparison {
  questions: number;
  asked: number;
  changes: { role: string; action: string; newly_forbidden: number; of_these_in_emergency: number; newly_allowed: number }[];
  examples: { newly: "allowed" | "forbidden"; role: string; action: string; by: string; purpose: string; grade: string }[];
}

export interface Replay {
  log: string;
  logs: number;
  from_ms: number;
  reached_ms: number | null;
  leaves: number;
  decisions: number;
  unknown: number;
  actors: number;
  changes: { role: string; action: string; refused: number; perhaps_refused: number; perhaps_allowed: number }[];
  next: string | null;
}

export interface Destruction {
  id: string;
  state: "requested" | "withdrawn" | "approved" | "shredded" | "rolling" | "done";
  subject: "study" | "patient" | "restored";
  reason: string;
  studies: number;
  instances: number;
  bytes: number;
  requested_by: string;
  requested_ms: number;
  decided_by: string | null;
  decided_ms: number | null;
  shredded_ms: number | null;
  waits_for: string[];
  done_ms: number | null;
}

/** One destruction with what is destroyed. */
export interface DestructionRecord extends Omit<Destruction, "studies"> {
  studies: { uid?: string; study: string; patient: string; grade: string; instances: number; bytes: number }[];
  method: string;
  residues: string[];
}

export interface Hold {
  id: string;
  state: "held" | "release-requested" | "released";
  subject: "study" | "patient";
  uid?: string;
  study?: string;
  patient?: string;
  reason: string;
  placed_by: string;
  placed_ms: number;
  release_requested_by?: string;
  release_requested_ms?: number;
  release_reason?: string;
  released_by?: string;
  released_ms?: number;
}

export interface Maintenance {
  maintenance: number;
  name: string;
  scopes: string[];
  reason: string | null;
  state: "waiting" | "approved" | "open" | "ended" | "withdrawn" | "time-over" | "lapsed";
  opened_by: string;
  opened_ms: number;
  approved_by: string | null;
  approved_ms: number | null;
  valid_from_ms: number;
  valid_until_ms: number;
  ended_ms: number | null;
  ended_by: string | null;
}

export interface StatedReason {
  reason: number;
  name: string;
  role: string;
  patient: string;
  code: string;
  words: string | null;
  given_ms: number;
  valid_until_ms: number;
  holds: boolean;
  reviewed_by: string | null;
  reviewed_ms: number | null;
  verdict: "justified" | "not-justified" | null;
  review_words: string | null;
}

// The served description has less of these rows than the answers: they are read as what they are.
export const policies = async () => (await body(api.GET("/api/v1/policies"))) as unknown as Policies;
export const destructions = async () => (await body(api.GET("/api/v1/destructions"))) as unknown as Destruction[];
export const holds = async () => (await body(api.GET("/api/v1/holds"))) as unknown as Hold[];
export const maintenance = async () => (await body(api.GET("/api/v1/maintenance"))) as unknown as Maintenance[];
export const statedReasons = async () => (await body(api.GET("/api/v1/reasons"))) as unknown as StatedReason[];

/** Does it. */
export async function carryOut(doing: Doing): Promise<void> {
  await request(doing.path, {
    method: doing.method,
    ...(doing.body === undefined ? {} : { body: JSON.stringify(doing.body), headers: { "Content-Type": "application/json" } }),
  });
}
