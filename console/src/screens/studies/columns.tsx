// The columns of the list of studies, and the words in them.
import { BadgeAlert, Clock, KeyRound, Siren, Unlock } from "lucide-react";
import type { TFunction } from "i18next";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Badge, type Tone } from "../../components/basics";
import type { Column } from "../../components/DataTable";
import { personName, years } from "../../lib/dicom";
import { moment } from "../../lib/time";
import type { Study } from "./query";

/** The name in characters where there are any, or else in letters. */
export function nameOf(study: Study): string {
  return personName(study.patient.name.ideographic ?? study.patient.name.alphabetic ?? "");
}

/** `2026-11-23 14:03`. */
export function timeOf(study: Study): string {
  return [study.date, study.time?.slice(0, 5)].filter(Boolean).join(" ");
}

/** Whether a study opens, and until when where that ends. */
export function State({ study }: { study: Study }) {
  const { t } = useTranslation("studies");
  const { tone, Icon } = STATES[study.state] ?? { tone: "neutral", Icon: BadgeAlert };
  return (
    <span title={study.until_ms === null ? undefined : t("until", { moment: moment(study.until_ms) })}>
      <Badge tone={tone} icon={<Icon size={12} aria-hidden />}>
        {stateWord(study, t)}
      </Badge>
    </span>
  );
}

export function useColumns(): Column<Study>[] {
  const { t, i18n } = useTranslation("studies");
  return useMemo(() => {
    const plain = (key: string, width: string, of: (study: Study) => string, spare = false, narrow: string | false = false): Column<Study> => ({
      key,
      title: t(key),
      width,
      cell: of,
      text: of,
      spare,
      narrow,
    });
    return [
      {
        key: "patient",
        title: t("patient"),
        width: "minmax(5rem, 1.2fr)",
        narrow: "minmax(5rem, 1fr)",
        cell: (study: Study) => <span className="font-medium">{nameOf(study)}</span>,
        text: nameOf,
      },
      plain("patientId", "minmax(7rem, 1fr)", (study) => study.patient.id ?? "", false, "6.8rem"),
      plain("sexAge", "5.7rem", (study) => sexAge(study, t)),
      {
        key: "modality",
        title: t("modality"),
        width: "4.5rem",
        narrow: "4rem",
        cell: (study: Study) => (
          <span className="flex gap-1">
            {study.modalities.map((modality) => (
              <Badge key={modality} tone="accent">
                {modality}
              </Badge>
            ))}
          </span>
        ),
        text: (study: Study) => study.modalities.join(" "),
      },
      plain("description", "minmax(4.5rem, 1.6fr)", (study) => study.description ?? ""),
      plain("time", "9.3rem", timeOf),
      plain("count", "5.5rem", (study) => `${study.series ?? "–"} / ${study.instances ?? "–"}`, true),
      {
        key: "state",
        title: t("state"),
        width: "7.5rem",
        narrow: "6.5rem",
        cell: (study: Study) => <State study={study} />,
        text: (study: Study) => stateWord(study, t),
      },
      plain("grade", "4.5rem", (study) => study.grade, true),
      plain("accession", "8rem", (study) => study.accession_number ?? "", true),
      plain("birth", "7rem", (study) => study.patient.birth_date ?? "", true),
    ];
    // The language decides what `t` says.
  }, [t, i18n.language]);
}

// === helpers ===

const STATES: Record<string, { tone: Tone; Icon: typeof Unlock }> = {
  readable: { tone: "good", Icon: Unlock },
  timed: { tone: "good", Icon: Clock },
  emergency: { tone: "warn", Icon: Siren },
  "second-factor": { tone: "accent", Icon: KeyRound },
  stopped: { tone: "bad", Icon: BadgeAlert },
};

function stateWord(study: Study, t: TFunction<"studies">): string {
  const timed = study.state === "timed" && study.until_ms !== null;
  return timed ? t("states.timedUntil", { time: moment(study.until_ms ?? 0).slice(11, 16) }) : t(`states.${study.state}`);
}

function sexAge(study: Study, t: TFunction<"studies">): string {
  const { sex, birth_date } = study.patient;
  const age = years((birth_date ?? "").replaceAll("-", ""), (study.date ?? "").replaceAll("-", ""));
  const words = [sex === "M" || sex === "F" || sex === "O" ? t(`sex.${sex}`) : "", age === null ? "" : t("years", { count: age })];
  return words.filter((word) => word !== "").join(" ");
}
