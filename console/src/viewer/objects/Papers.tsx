// A pane with the documents of a series: reports to be read, PDFs to be opened, selections of key images.
import { useQuery } from "@tanstack/react-query";
import { clsx } from "clsx";
import { ExternalLink, FileText, FileX } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Loading, Refused } from "../../components/basics";
import { numbers, TAGS, text, type DataSet } from "../../lib/dicom";
import { dicomDate, dicomTime } from "../../lib/time";
import { Marked } from "../Marked";
import type { Series } from "../study";
import { contentOf, placesOf, type Reference } from "./content";
import { selectionOf } from "./key-objects";
import { pdfOf, TooLong, type Paper } from "./paper";
import { metadataQuery, papersQuery } from "./papers";
import { Report } from "./Report";
import { Selected } from "./Selected";

/** An image that a document names, in its series where the document says that. */
export interface Wanted extends Reference {
  series: string | null;
}

interface PapersProps {
  series: Series;
  id: string;
  label: string;
  active: boolean;
  onActivate: () => void;
  onImage: (wanted: Wanted) => void;
}

export function Papers({ series, id, label, active, onActivate, onImage }: PapersProps) {
  const { t } = useTranslation("objects");
  const found = useQuery(papersQuery(series));
  const [chosen, setChosen] = useState(0);
  const papers = found.data ?? [];
  const paper = papers[chosen] ?? null;
  return (
    <section
      aria-label={label}
      data-testid={id}
      data-active={active || undefined}
      onPointerDown={onActivate}
      className={clsx(
        "relative flex min-h-0 min-w-0 flex-col overflow-hidden bg-ground text-ink",
        active ? "shadow-[inset_0_0_0_2px_var(--accent)]" : "shadow-[inset_0_0_0_1px_var(--line)]",
      )}
    >
      {papers.length > 1 && (
        <div role="group" aria-label={t("papers")} className="flex shrink-0 gap-1 overflow-x-auto border-b bg-surface p-1.5">
          {papers.map((one, index) => (
            <button
              key={one.instance}
              type="button"
              aria-pressed={index === chosen}
              onClick={() => setChosen(index)}
              className={clsx("h-7 shrink-0 rounded-md px-2.5 text-xs", index === chosen ? "bg-accent text-accent-ink" : "hover:bg-accent-wash")}
            >
              {t(`kinds.${one.kind}`)} {one.number || index + 1}
            </button>
          ))}
        </div>
      )}
      <Marked className="min-h-0 flex-1 p-0.5">
        <div className="size-full overflow-auto" tabIndex={0} data-reads>
          {found.isPending && <Loading />}
          {found.isError && (
            <div className="p-4">
              <Refused error={found.error} retry={() => void found.refetch()} />
            </div>
          )}
          {found.data !== undefined && paper === null && <Nothing words={t("nothing")} />}
          {paper !== null && <Shown key={paper.instance} paper={paper} onImage={onImage} />}
        </div>
      </Marked>
    </section>
  );
}

// === helpers ===

function Shown({ paper, onImage }: { paper: Paper; onImage: (wanted: Wanted) => void }) {
  const { t } = useTranslation("objects");
  const found = useQuery(metadataQuery(paper));
  if (found.error instanceof TooLong) return <Nothing words={t("tooLong")} />;
  if (found.isError) {
    return (
      <div className="p-4">
        <Refused error={found.error} retry={() => void found.refetch()} />
      </div>
    );
  }
  if (found.data === undefined) return <Loading />;
  return <Sheet paper={paper} data={found.data} onImage={onImage} />;
}

function Sheet({ paper, data, onImage }: { paper: Paper; data: DataSet; onImage: (wanted: Wanted) => void }) {
  const { t } = useTranslation("objects");
  const places = placesOf(data);
  const show = (reference: Reference) => onImage({ ...reference, series: places.get(reference.instance)?.series ?? null });
  const selection = selectionOf(data);
  if (selection !== null) return <Selected selection={selection} onImage={show} />;
  const content = paper.kind === "pdf" ? null : contentOf(data);
  if (content !== null) return <Report data={data} content={content} onImage={show} />;
  if (paper.kind === "pdf") return <Pdf paper={paper} data={data} />;
  return <Nothing words={t("unreadable")} />;
}

/** It opens in a window of its own, in the browser's own reader: a second screen holds it beside the images. */
function Pdf({ paper, data }: { paper: Paper; data: DataSet }) {
  const { t } = useTranslation("objects");
  const address = pdfOf(paper, data);
  const pages = numbers(data, "00280008")[0];
  return (
    <div className="mx-auto flex max-w-md flex-col items-center gap-3 px-6 py-14 text-center">
      <FileText size={34} className="text-soft" aria-hidden />
      <h2 className="text-lg">{text(data, "00420010") || t("kinds.pdf")}</h2>
      <p className="text-soft">
        {[text(data, TAGS.patientName), momentOf(data), pages === undefined ? "" : t("pages", { count: pages })].filter(Boolean).join(" · ")}
      </p>
      {address === null ? (
        <p role="note" className="rounded-lg bg-warn-wash p-3 text-warn">
          {t("pdfKept")}
        </p>
      ) : (
        <>
          <a
            href={address}
            target="_blank"
            rel="noopener noreferrer"
            className="inline-flex h-9 items-center gap-1.5 rounded-md bg-accent px-4 font-medium text-accent-ink hover:opacity-90"
          >
            <ExternalLink size={15} aria-hidden />
            {t("openPdf")}
          </a>
          <p className="text-sm text-soft">{t("pdfHelp")}</p>
        </>
      )}
    </div>
  );
}

export function momentOf(data: DataSet): string {
  const date = text(data, "00080023") || text(data, TAGS.studyDate);
  return `${dicomDate(date)} ${dicomTime(text(data, "00080033"))}`.trim();
}

function Nothing({ words }: { words: string }) {
  return (
    <div className="flex flex-col items-center gap-3 px-6 py-16 text-center text-soft">
      <FileX size={30} aria-hidden />
      <p className="max-w-sm">{words}</p>
    </div>
  );
}
