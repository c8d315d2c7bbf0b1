// Numbers in the menu: what waits for who is signed in. They are asked for anew only while somebody is there.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { useInterval, useMe } from "../api/queries";
import { policies } from "../screens/approvals/rows";
import { useWaiting } from "../screens/devices/waiting/queries";
import { parted } from "../screens/devices/waiting/waiting";
import { useCases } from "../screens/approvals/useCases";
import type { Overview } from "../screens/overview/parts";
import { OVERVIEW } from "../screens/overview/query";
import { askedOf, suspensionsFor, waitingIn } from "./waiting";

/** How often. Alerts stop somebody within a second by themselves; this only tells a person. */
const REFRESH_MS = 60_000;

/** Alerts at which nobody has looked. */
export function NewAlerts() {
  const actions = useMe().data?.actions ?? [];
  const fromOverview = askedOf(actions) === "overview";
  const overview = useOverview(fromOverview);
  const every = useInterval(REFRESH_MS);
  const alerts = useQuery({
    queryKey: ["alerts", "new"],
    queryFn: () => body(api.GET("/api/v1/alerts", { params: { query: { new: true } } })),
    enabled: !fromOverview,
    refetchInterval: every,
  });
  return <Count of={(fromOverview ? overview?.alerts?.waiting : alerts.data?.length) ?? 0} />;
}

/** Cases that wait for this role. */
export function WaitingCases() {
  const me = useMe().data;
  const every = useInterval(REFRESH_MS);
  const asked = askedOf(me?.actions ?? []);
  const overview = useOverview(asked === "overview");
  const rules = useQuery({
    queryKey: ["policies"],
    queryFn: policies,
    enabled: asked === "overview" && me?.actions.includes("approve-policy") === true,
    refetchInterval: every,
  });
  const { cases } = useCases(asked === "lists" ? me : undefined, every, true);
  const listed = cases.filter((one) => one.waits).length;
  const told = overview ? waitingIn(overview) + suspensionsFor(me?.name ?? "", rules.data?.in_force.to_review ?? []) : 0;
  return <Count of={asked === "overview" ? told : listed} />;
}

/** Devices that called in vain, for who registers them. */
export function DevicesThatWait() {
  const waiting = useWaiting(REFRESH_MS).data?.waiting ?? [];
  return <Count of={parted(waiting).open.length} />;
}

// === helpers ===

/** The answer that the screen of the overview shows, too. */
function useOverview(enabled: boolean): Overview | undefined {
  const every = useInterval(REFRESH_MS);
  return useQuery({ ...OVERVIEW, enabled, refetchInterval: every }).data;
}

function Count({ of }: { of: number }) {
  const { t } = useTranslation("app");
  if (of === 0) return null;
  return (
    <span className="rounded-full bg-bad-wash px-1.5 text-xs font-semibold text-bad">
      <span aria-hidden>{of > 99 ? "99+" : of}</span>
      <span className="sr-only">{t("waiting", { count: of })}</span>
    </span>
  );
}
