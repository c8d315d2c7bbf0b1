// Rows of the API that several screens show, with what the served description leaves out of them.
import { api, body } from "./client";
import type { paths } from "./schema";

type Rows<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { "application/json": (infer Row)[] } } } };
}
  ? Row
  : never;

/** A right for a while, given by somebody. */
export type Grant = Rows<"/api/v1/grants"> & { given_by: string; export: boolean };

type Verdict = "justified" | "not-justified";

/** A patient who was opened in an emergency, and the review of that. */
export type BrokenGlass = Rows<"/api/v1/break-glass"> & {
  code: GlassCode;
  review_due_ms: number;
  overdue: boolean;
  verdict: Verdict | null;
  reviewed_by: string | null;
  reviewed_ms: number | null;
  review: string | null;
};

export type GlassCode = "emergency-treatment" | "unconscious-patient" | "on-call-cover" | "system-failure" | "other";

export const GLASS_CODES: readonly GlassCode[] = [
  "emergency-treatment",
  "unconscious-patient",
  "on-call-cover",
  "system-failure",
  "other",
];

/** What a remote expert is asked, and may see for that. */
export type Consultation = Rows<"/api/v1/consultations">;

export const grants = async () => (await body(api.GET("/api/v1/grants"))) as Grant[];
export const brokenGlass = async () => (await body(api.GET("/api/v1/break-glass"))) as BrokenGlass[];
export const consultations = async () => (await body(api.GET("/api/v1/consultations"))) as Consultation[];

export const BROKEN_GLASS = ["break-glass"] as const;
export const GRANTS = ["grants"] as const;
export const CONSULTATIONS = ["consultations"] as const;
