// What a right is about: a patient by the ID that was typed here, or else by a pseudonym, as in the audit log; or one study.
import { useTranslation } from "react-i18next";
import { known, shortened } from "../lib/known";

interface About {
  patient: string | null;
  study: string | null;
}

export function Subject({ of }: { of: About }) {
  const { t } = useTranslation("app");
  const name = subjectText(of);
  if (name === "") return <>—</>;
  return (
    <span title={t("subject.pseudonym", { pseudonym: of.study ?? of.patient })}>
      {t(of.study === null ? "subject.patient" : "subject.study")} <span className="font-mono text-[0.92em]">{name}</span>
    </span>
  );
}

/** The same without the word before it. */
export function subjectText({ patient, study }: About): string {
  if (study !== null) return shortened(study);
  return patient === null ? "" : (known(patient) ?? shortened(patient));
}
