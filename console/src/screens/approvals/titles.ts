// What a case is called in the list and above the case, and how its state looks.
import { useTranslation } from "react-i18next";
import type { Tone } from "../../components/basics";
import { subjectText } from "../../components/Subject";
import { shortened } from "../../lib/known";
import type { Case } from "./cases";

export function useTitles(): (of: Case) => { title: string; line: string } {
  const { t } = useTranslation("approvals");
  return (of) => {
    const kind = t(`kinds.${of.kind}`);
    switch (of.kind) {
      case "break-glass":
        return { title: `${kind} · ${of.row.name}`, line: `${t(`codes.${of.row.code}`)} · ${subjectText(of.row)}` };
      case "policy":
        return { title: `${kind} v${of.row.version}`, line: of.row.reason ?? of.asker };
      case "suspension":
        return { title: `${kind} · ${of.row.name}`, line: of.row.reason ?? "" };
      case "destruction":
        return {
          title: `${kind} ${of.id.slice(0, 6)}`,
          line: `${t("amount", { studies: of.row.studies, instances: of.row.instances })} · ${t(`reasons.${of.row.reason}`)}`,
        };
      case "release":
        return {
          title: `${kind} ${of.id.slice(0, 6)}`,
          line: `${t(`subjects.${of.row.subject}`)} ${shortened(of.row.study ?? of.row.patient ?? of.id)} · ${t(`reasons.${of.row.release_reason ?? of.row.reason}`)}`,
        };
      case "maintenance":
        return { title: `${kind} · ${of.row.name}`, line: of.row.reason ?? "" };
      case "reason":
        return { title: `${kind} · ${of.row.name}`, line: `${t(`codes.${of.row.code}`)} · ${of.row.words ?? ""}` };
    }
  };
}

/** How a state looks; the word beside it says the same. */
export function toneOf(of: Case): Tone {
  if (["not-justified", "rejected", "overdue"].includes(of.state)) return "bad";
  if (of.waits || of.own) return "warn";
  if (["justified", "in-force", "done", "released", "open", "approved"].includes(of.state)) return "good";
  return of.settled ? "neutral" : "accent";
}
