// A selection of key images to be read: why, by whom, and each of its images.
import { Star } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Facts } from "../../components/basics";
import type { Reference } from "./content";
import { TITLES, type Selection } from "./key-objects";
import { ImageButton } from "./Report";

export function Selected({ selection, onImage }: { selection: Selection; onImage: (reference: Reference) => void }) {
  const { t } = useTranslation("objects");
  return (
    <article className="mx-auto max-w-xl space-y-4 px-6 py-6">
      <h2 className="flex items-center gap-2 text-lg font-semibold">
        <Star size={18} aria-hidden />
        {titleOf(selection, t)}
      </h2>
      <Facts
        of={(
          [
            [t("description"), selection.description],
            [t("author"), selection.author],
            [t("written"), selection.at],
          ] as [string, string][]
        ).filter(([, value]) => value !== "")}
      />
      <div className="flex flex-wrap gap-2">
        {[...selection.images].map(([instance, frames], index) => (
          <ImageButton key={instance} reference={{ instance, frames }} onImage={onImage}>
            {t("keyImage", { number: index + 1 })}
          </ImageButton>
        ))}
      </div>
    </article>
  );
}

/** Our words for the reasons that we offer; those of the document for others. */
function titleOf(selection: Selection, t: (key: string) => string): string {
  return (TITLES as readonly string[]).includes(selection.code) ? t(`titles.${selection.code}`) : selection.title;
}
