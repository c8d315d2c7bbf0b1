// How much waits for an office, from the fewest questions. The overview has it all in one answer; but for who reads the audit log each look at
// the overview is a record of its own, and a menu that asks every minute would fill the log with itself: the lists are asked there. Pure.
import type { Overview } from "../screens/overview/parts";

/** Rights that have an overview, beside that of reading the audit log. */
const OFFICES = ["read-system", "manage-keys", "review-break-glass", "review-alerts", "lift-stop", "approve-policy", "approve-release", "approve-maintenance"];

/** Rights for whose sake something waits for somebody. */
const AWAITED = ["review-break-glass", "approve-policy", "activate-policy", "approve-destruction", "approve-release", "approve-maintenance", "lift-stop"];

type Asked = "overview" | "lists" | "nothing";

/** What is asked for the count of cases that wait. */
export function askedOf(actions: readonly string[]): Asked {
  if (!AWAITED.some((action) => actions.includes(action))) return "nothing";
  return OFFICES.some((action) => actions.includes(action)) && !actions.includes("read-audit") ? "overview" : "lists";
}

/** Of the overview: what one may decide oneself. To put into force what two others approved is no approval of one's own. */
export function waitingIn(overview: Pick<Overview, "approvals" | "reviews" | "reasons">): number {
  const approvals = (overview.approvals ?? []).filter((one) => !one.own || one.kind === "policy-activation");
  return approvals.length + (overview.reviews?.waiting ?? 0) + (overview.reasons?.waiting ?? 0);
}

/** Suspensions of rules that somebody else has to review; the overview does not list them. */
export function suspensionsFor(name: string, toReview: readonly { name: string }[]): number {
  return toReview.filter((one) => one.name !== name).length;
}
