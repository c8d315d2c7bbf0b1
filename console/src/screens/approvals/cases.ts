// Everything that waits for somebody else, as one kind of thing: a case. What it is, who did what of it, whose turn it is, and what who is
// signed in may do now. The server decides each of these again; here it is only what is drawn.
import type { BrokenGlass } from "../../api/rows";
import type { Destruction, Hold, Maintenance, Policies, PolicyVersion, StatedReason } from "./rows";
import { destructionSteps, glassSteps, maintenanceSteps, policySteps, reasonSteps, releaseSteps, suspensionSteps } from "./steps";
import type { CaseStep } from "./steps";

/** Actions of `/api/v1/me` that give somebody an inbox. */
export const APPROVING = [
  "review-break-glass",
  "approve-policy",
  "activate-policy",
  "propose-policy",
  "approve-destruction",
  "request-destruction",
  "approve-release",
  "manage-holds",
  "approve-maintenance",
  "open-maintenance",
] as const;

export type Act = "review" | "approve" | "activate" | "reject" | "withdraw" | "suspend" | "end";

/** What somebody is waited for to do; the others are ways to stop it. */
const AWAITED: readonly Act[] = ["review", "approve", "activate"];

interface Common {
  /** Names it in the address. */
  key: string;
  id: string;
  asker: string;
  asked_ms: number;
  due_ms: number | null;
  state: string;
  /** Whether it is over, one way or the other. */
  settled: boolean;
  acts: Act[];
  /** It waits for this role or person. */
  waits: boolean;
  /** It would wait for this role, and may not be done by who asked for it. */
  own: boolean;
  steps: CaseStep[];
}

export type Case = Common &
  (
    | { kind: "break-glass"; row: BrokenGlass }
    | { kind: "policy"; row: PolicyVersion; isNewest: boolean }
    | { kind: "suspension"; row: Policies["in_force"]["to_review"][number] }
    | { kind: "destruction"; row: Destruction }
    | { kind: "release"; row: Hold }
    | { kind: "maintenance"; row: Maintenance }
    | { kind: "reason"; row: StatedReason }
  );

export type Kind = Case["kind"];

export interface Officer {
  name: string;
  role: string;
  actions: readonly string[];
}

export interface Everything {
  glass: BrokenGlass[];
  policies: Policies | null;
  destructions: Destruction[];
  holds: Hold[];
  maintenance: Maintenance[];
  reasons: StatedReason[];
}

/** All of it: what waits for the officer first, what is due soonest before that, then the newest. */
export function casesOf(of: Everything, officer: Officer): Case[] {
  const cases: Case[] = [
    ...of.glass.map((row) => glassCase(row, officer)),
    ...(of.policies?.in_force.to_review ?? []).map((row) => suspensionCase(row, officer)),
    ...(of.policies?.versions ?? []).map((row, at) => policyCase(row, at === 0, officer)),
    ...of.destructions.map((row) => destructionCase(row, officer)),
    ...of.holds.filter((row) => row.release_requested_ms !== undefined).map((row) => releaseCase(row, officer)),
    ...of.maintenance.map((row) => maintenanceCase(row, officer)),
    ...of.reasons.map((row) => reasonCase(row, officer)),
  ];
  return cases.sort(before);
}

// === helpers ===

function before(one: Case, other: Case): number {
  if (one.waits !== other.waits) return one.waits ? -1 : 1;
  if (one.settled !== other.settled) return one.settled ? 1 : -1;
  if (!one.settled && one.due_ms !== other.due_ms) return (one.due_ms ?? Infinity) - (other.due_ms ?? Infinity);
  return other.asked_ms - one.asked_ms;
}

/** What every case has, of who asked and what may be done. */
function common(
  officer: Officer,
  of: { kind: Kind; id: number | string; asker: string; asked_ms: number; due_ms?: number | null; state: string; settled: boolean },
  may: Partial<Record<Act, boolean>>,
  steps: CaseStep[],
): Common {
  const isOwn = of.asker === officer.name;
  const allowed = (Object.keys(may) as Act[]).filter((act) => may[act] === true);
  const awaited = allowed.filter((act) => AWAITED.includes(act));
  // To put into force what two others approved is no approval: who asked may do that.
  const barred: Act[] = isOwn ? awaited.filter((act) => act !== "activate") : [];
  const acts = allowed.filter((act) => !barred.includes(act));
  return {
    key: `${of.kind}-${of.id}`,
    id: String(of.id),
    asker: of.asker,
    asked_ms: of.asked_ms,
    due_ms: of.due_ms ?? null,
    state: of.state,
    settled: of.settled,
    acts,
    waits: acts.some((act) => AWAITED.includes(act)),
    own: barred.length > 0,
    steps,
  };
}

function can(officer: Officer, ...actions: string[]): boolean {
  return actions.some((action) => officer.actions.includes(action));
}

function glassCase(row: BrokenGlass, officer: Officer): Case {
  const settled = row.verdict !== null;
  const state = row.verdict ?? (row.overdue ? "overdue" : "to-review");
  const of = { kind: "break-glass" as const, id: row.grant, asker: row.name, asked_ms: row.given_ms, state, settled };
  const may = { review: !settled && can(officer, "review-break-glass") };
  return { ...common(officer, { ...of, due_ms: row.review_due_ms }, may, glassSteps(row)), kind: "break-glass", row };
}

function suspensionCase(row: Policies["in_force"]["to_review"][number], officer: Officer): Case {
  const of = { kind: "suspension" as const, id: row.activation, asker: row.name, asked_ms: row.at_ms, state: "to-review", settled: false };
  return { ...common(officer, of, { review: can(officer, "approve-policy") }, suspensionSteps(row)), kind: "suspension", row };
}

function policyCase(row: PolicyVersion, isNewest: boolean, officer: Officer): Case {
  const waits = row.state === "proposed";
  const open = waits || row.state === "approved";
  const said = row.approvals.some((approval) => approval.name === officer.name || approval.office === officer.role);
  const of = { kind: "policy" as const, id: row.version, asker: row.proposed_by, asked_ms: row.proposed_ms, state: row.state };
  const may = {
    approve: waits && !said && can(officer, "approve-policy"),
    // Activating what is suspended ends the suspension before its time; nobody waits for that.
    activate: row.state === "approved" && can(officer, "activate-policy"),
    reject: open && row.proposed_by !== officer.name && can(officer, "approve-policy"),
    withdraw: open && row.proposed_by === officer.name && can(officer, "propose-policy"),
    suspend: row.state === "in-force" && can(officer, "activate-policy"),
    end: row.state === "suspended" && can(officer, "activate-policy"),
  };
  const settled = !open && row.state !== "suspended" && row.state !== "in-force";
  return { ...common(officer, { ...of, settled }, may, policySteps(row)), kind: "policy", row, isNewest };
}

function destructionCase(row: Destruction, officer: Officer): Case {
  const asked = row.state === "requested";
  const of = { kind: "destruction" as const, id: row.id, asker: row.requested_by, asked_ms: row.requested_ms, state: row.state };
  const may = {
    approve: asked && can(officer, "approve-destruction"),
    withdraw: asked && can(officer, "request-destruction", "approve-destruction"),
  };
  const settled = row.state === "done" || row.state === "withdrawn";
  return { ...common(officer, { ...of, settled }, may, destructionSteps(row)), kind: "destruction", row };
}

function releaseCase(row: Hold, officer: Officer): Case {
  const asked = row.state === "release-requested";
  const of = {
    kind: "release" as const,
    id: row.id,
    asker: row.release_requested_by ?? row.placed_by,
    asked_ms: row.release_requested_ms ?? row.placed_ms,
    state: row.state,
    settled: !asked,
  };
  const may = {
    approve: asked && can(officer, "approve-release"),
    withdraw: asked && can(officer, "manage-holds", "approve-release"),
  };
  return { ...common(officer, of, may, releaseSteps(row)), kind: "release", row };
}

function maintenanceCase(row: Maintenance, officer: Officer): Case {
  const waits = row.state === "waiting";
  const running = waits || row.state === "approved" || row.state === "open";
  const of = { kind: "maintenance" as const, id: row.maintenance, asker: row.opened_by, asked_ms: row.opened_ms, state: row.state };
  const may = {
    approve: waits && can(officer, "approve-maintenance"),
    withdraw: waits && can(officer, "open-maintenance", "approve-maintenance"),
    end: running && !waits && can(officer, "open-maintenance", "approve-maintenance"),
  };
  const due_ms = waits ? row.valid_until_ms : null;
  return { ...common(officer, { ...of, due_ms, settled: !running }, may, maintenanceSteps(row)), kind: "maintenance", row };
}

function reasonCase(row: StatedReason, officer: Officer): Case {
  const settled = row.verdict !== null;
  const of = { kind: "reason" as const, id: row.reason, asker: row.name, asked_ms: row.given_ms, state: row.verdict ?? "to-review", settled };
  return { ...common(officer, of, { review: !settled && can(officer, "lift-stop") }, reasonSteps(row)), kind: "reason", row };
}
