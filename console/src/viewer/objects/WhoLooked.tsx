// The way from a study to who looked at it, for whom that is to know: officers of the audit log, and patients for their own record.
import { Eye } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useMe } from "../../api/queries";
import "./texts";

export function WhoLooked({ study, words = false }: { study: string; words?: boolean }) {
  const { t } = useTranslation("objects");
  const me = useMe().data;
  const of = me?.actions.includes("read-audit") === true ? "others" : me?.role === "patient" ? "record" : null;
  if (of === null) return null;
  const name = t(of === "record" ? "whoLookedOfPatient" : "whoLooked");
  return (
    <Link
      to={`/accesses?${new URLSearchParams({ of, study_uid: study })}`}
      title={name}
      aria-label={name}
      className={words ? "inline-flex h-8 items-center gap-1.5 rounded-md border bg-surface px-3 font-medium hover:bg-raised" : "grid size-8 shrink-0 place-items-center rounded-md hover:bg-accent-wash"}
    >
      <Eye size={words ? 15 : 17} aria-hidden />
      {words && name}
    </Link>
  );
}
