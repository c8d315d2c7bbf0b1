// The steps of each kind of case in their order: who took them, and which office the next one waits for.
import type { StepState } from "../../components/Steps";
import type { BrokenGlass } from "../../api/rows";
import type { Destruction, Hold, Maintenance, Policies, PolicyVersion, StatedReason } from "./rows";

export interface CaseStep {
  /** Its name among the texts: `steps.<name>`. */
  name: string;
  state: StepState;
  by: string | null;
  at_ms: number | null;
  /** Whose it is while nobody took it. */
  office: string | null;
}

export function glassSteps(row: BrokenGlass): CaseStep[] {
  const over = !row.open;
  return [
    done("glassOpened", row.name, row.given_ms),
    over ? done("glassEnded", row.ended_by, row.ended_ms ?? row.valid_until_ms) : later("glassEnded"),
    row.verdict === null ? next("reviewed", "audit-administrator") : done("reviewed", row.reviewed_by, row.reviewed_ms),
  ];
}

export function suspensionSteps(row: Policies["in_force"]["to_review"][number]): CaseStep[] {
  return [done("suspended", row.name, row.at_ms), next("reviewed", null)];
}

export function policySteps(row: PolicyVersion): CaseStep[] {
  const closed = ["rejected", "withdrawn", "outdated"].includes(row.state);
  const offices = ["security-administrator", "audit-administrator"].map((office) => {
    const approval = row.approvals.find((one) => one.office === office);
    if (approval) return done("approvedOffice", approval.name, approval.at_ms);
    return closed ? later("approvedOffice", office) : next("approvedOffice", office);
  });
  const last = closed
    ? stopped(row.state, row.closed_by, row.closed_ms)
    : row.activated_ms !== null
      ? done("activated", null, row.activated_ms)
      : row.state === "approved"
        ? next("activated", "security-administrator")
        : later("activated", "security-administrator");
  return [done("proposed", row.proposed_by, row.proposed_ms), ...offices, last];
}

export function destructionSteps(row: Destruction): CaseStep[] {
  const asked = done("requested", row.requested_by, row.requested_ms);
  if (row.state === "withdrawn") return [asked, stopped("withdrawn", row.decided_by, row.decided_ms)];
  const isApproved = row.state !== "requested";
  return [
    asked,
    isApproved ? done("approved", row.decided_by, row.decided_ms) : next("approved", "audit-administrator"),
    row.shredded_ms !== null ? done("shredded", null, row.shredded_ms) : isApproved ? next("shredded", null) : later("shredded"),
    row.done_ms !== null ? done("copiesDead", null, row.done_ms) : row.shredded_ms !== null ? next("copiesDead", null) : later("copiesDead"),
  ];
}

export function releaseSteps(row: Hold): CaseStep[] {
  return [
    done("placed", row.placed_by, row.placed_ms),
    done("releaseRequested", row.release_requested_by ?? null, row.release_requested_ms ?? null),
    row.state === "released"
      ? done("released", row.released_by ?? null, row.released_ms ?? null)
      : next("released", "security-administrator"),
  ];
}

export function maintenanceSteps(row: Maintenance): CaseStep[] {
  const opened = done("maintenanceOpened", row.opened_by, row.opened_ms);
  if (row.state === "withdrawn") return [opened, stopped("withdrawn", row.ended_by, row.ended_ms)];
  if (row.state === "lapsed") return [opened, stopped("lapsed", null, row.valid_until_ms)];
  const over = row.state === "ended" || row.state === "time-over";
  return [
    opened,
    row.approved_ms !== null ? done("approved", row.approved_by, row.approved_ms) : next("approved", "security-administrator"),
    over ? done("maintenanceEnded", row.ended_by, row.ended_ms ?? row.valid_until_ms) : later("maintenanceEnded"),
  ];
}

export function reasonSteps(row: StatedReason): CaseStep[] {
  return [
    done("stated", row.name, row.given_ms),
    row.verdict === null ? next("reviewed", "security-administrator") : done("reviewed", row.reviewed_by, row.reviewed_ms),
  ];
}

// === helpers ===

function done(name: string, by: string | null, at_ms: number | null): CaseStep {
  return { name, state: "done", by, at_ms, office: null };
}

function next(name: string, office: string | null): CaseStep {
  return { name, state: "now", by: null, at_ms: null, office };
}

function later(name: string, office: string | null = null): CaseStep {
  return { name, state: "open", by: null, at_ms: null, office };
}

function stopped(name: string, by: string | null, at_ms: number | null): CaseStep {
  return { name, state: "refused", by, at_ms, office: null };
}
