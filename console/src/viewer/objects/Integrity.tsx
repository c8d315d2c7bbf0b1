// What can be said of a study as a thing that is kept: how sensitive it is, and whether its bytes are those that were sealed. In words.
import { queryOptions, useQuery } from "@tanstack/react-query";
import { ShieldCheck, ShieldQuestion, ShieldAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { request } from "../../api/client";
import { Badge, type Tone } from "../../components/basics";
import { moment } from "../../lib/time";
import "./texts";

export interface Integrity {
  study_uid: string;
  grade: string;
  received_ms: number;
  instances: number;
  state: "checked" | "not-checked-yet" | "under-repair" | "unknown";
  checked_ms: number | null;
}

export function integrityQuery(study: string, enabled = true) {
  return queryOptions({
    queryKey: ["integrity", study],
    enabled,
    staleTime: Infinity,
    queryFn: async ({ signal }): Promise<Integrity> => (await (await request(`/api/v1/studies/${study}/integrity`, { signal })).json()) as Integrity,
  });
}

/** The grade, as a word and its letter. */
export function Grade({ grade }: { grade: string }) {
  const { t } = useTranslation("objects");
  const isSensitive = grade === "L4S" || grade === "L5";
  return (
    <Badge tone={isSensitive ? "warn" : "neutral"}>
      {grade} {t(`grades.${grade}`)}
    </Badge>
  );
}

const STATES: Record<Integrity["state"], { tone: Tone; Icon: typeof ShieldCheck }> = {
  checked: { tone: "good", Icon: ShieldCheck },
  "not-checked-yet": { tone: "neutral", Icon: ShieldQuestion },
  "under-repair": { tone: "warn", Icon: ShieldAlert },
  unknown: { tone: "neutral", Icon: ShieldQuestion },
};

/** Whether the bytes are those that were sealed, and what that rests on. */
export function IntegrityBadge({ of }: { of: Integrity }) {
  const { t } = useTranslation("objects");
  const { tone, Icon } = STATES[of.state];
  const when = of.checked_ms === null ? "" : moment(of.checked_ms).slice(0, 16);
  return (
    <span title={`${t("integrity.read")}\n${t(`integrity.${of.state}.help`, { when })}`}>
      <Badge tone={tone} icon={<Icon size={12} aria-hidden />}>
        {t(`integrity.${of.state}.word`, { when })}
      </Badge>
    </span>
  );
}

/** Both, over a picture. Shown once they are known; a study that one may look at is not held up by them. */
export function StudyBadges({ study }: { study: string }) {
  const found = useQuery(integrityQuery(study)).data;
  if (found === undefined) return null;
  return (
    <span className="mt-1 inline-flex flex-wrap justify-end gap-1 [text-shadow:none]" data-testid="study-badges">
      <Grade grade={found.grade} />
      <IntegrityBadge of={found} />
    </span>
  );
}
