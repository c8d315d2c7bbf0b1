// Over the inbox while the rules of the institution do not count as usual: they are suspended, or everything is locked.
import { ShieldAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Countdown } from "../../components/Countdown";
import type { Policies } from "./rows";

export function RulesNow({ of }: { of: Policies["in_force"] }) {
  const { t } = useTranslation("approvals");
  if (!of.is_locked && of.suspended_until_ms === null) return null;
  const newest = of.to_review.at(-1)?.at_ms ?? Date.now();
  return (
    <section
      aria-label={t("rulesNow.title")}
      className={`flex flex-wrap items-center gap-2 rounded-lg px-4 py-2.5 ${of.is_locked ? "bg-bad-wash text-bad" : "bg-warn-wash text-warn"}`}
    >
      <ShieldAlert size={17} className="shrink-0" aria-hidden />
      <p className="min-w-0 flex-1">{t(of.is_locked ? "rulesNow.locked" : "rulesNow.suspended")}</p>
      {of.suspended_until_ms !== null && <Countdown from_ms={newest} until_ms={of.suspended_until_ms} />}
    </section>
  );
}
