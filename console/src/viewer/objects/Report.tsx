// A structured report to be read: sections with headings, text, numbers with units, codes with their meaning, and images that open.
import { Image as ImageIcon } from "lucide-react";
import { createElement, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Badge, Facts } from "../../components/basics";
import { TAGS, text, type DataSet } from "../../lib/dicom";
import { dicomDate, dicomTime } from "../../lib/time";
import { itemsOf, type Coded, type Content, type Item, type Reference } from "./content";

type OnImage = (reference: Reference) => void;

export function Report({ data, content, onImage }: { data: DataSet; content: Content; onImage: OnImage }) {
  const { t } = useTranslation("objects");
  const { root } = content;
  const isVerified = text(data, VERIFICATION) === "VERIFIED";
  const verifiers = itemsOf(data, VERIFYING_OBSERVERS).map((one) => [text(one, VERIFIER), moment(text(one, VERIFIED_AT))].filter(Boolean).join(" "));
  const facts: [string, ReactNode][] = [
    [t("patient"), [text(data, TAGS.patientName), text(data, TAGS.patientId)].filter(Boolean).join(" · ")],
    [t("written"), moment(text(data, CONTENT_DATE) + text(data, CONTENT_TIME))],
    [t("institution"), text(data, INSTITUTION)],
    [t("verifiedBy"), verifiers.join("; ")],
    ...root.children.filter(isContext).flatMap((item): [string, ReactNode][] => [[item.name?.meaning ?? "", <Words key="words" item={item} />]]),
  ];
  return (
    <article lang="" className="mx-auto max-w-3xl space-y-4 px-6 py-5 leading-relaxed" data-testid="report">
      <header className="space-y-3 border-b pb-4">
        <div className="flex flex-wrap items-center gap-2">
          <h2 className="mr-auto text-lg font-semibold">
            <Named of={root.name} otherwise={t("kinds.report")} />
          </h2>
          {text(data, COMPLETION) === "PARTIAL" && <Badge tone="warn">{t("partial")}</Badge>}
          <Badge tone={isVerified ? "good" : "warn"}>{t(isVerified ? "verified" : "unverified")}</Badge>
        </div>
        <Facts of={facts.filter(([name, value]) => name !== "" && value !== "")} />
      </header>
      {!content.whole && (
        <p role="note" className="rounded-lg bg-warn-wash p-3 text-warn">
          {t("cut")}
        </p>
      )}
      <Items of={root.children.filter((item) => !isContext(item))} level={3} onImage={onImage} />
    </article>
  );
}

// === helpers ===

const INSTITUTION = "00080080";
const CONTENT_DATE = "00080023";
const CONTENT_TIME = "00080033";
const COMPLETION = "0040A491";
const VERIFICATION = "0040A493";
const VERIFYING_OBSERVERS = "0040A073";
const VERIFIER = "0040A075";
const VERIFIED_AT = "0040A030";

/** What says of whom, by whom and in which language, and is no finding. */
function isContext(item: Item): boolean {
  return item.relation === "HAS OBS CONTEXT" || item.relation === "HAS CONCEPT MOD" || item.relation === "HAS ACQ CONTEXT";
}

function Items({ of, level, onImage }: { of: Item[]; level: number; onImage: OnImage }) {
  // By place: a report never changes while it is read.
  return (
    <div className="space-y-2.5">
      {of.map((item, index) => (
        <Entry key={index} item={item} level={level} onImage={onImage} />
      ))}
    </div>
  );
}

function Entry({ item, level, onImage }: { item: Item; level: number; onImage: OnImage }) {
  const { t } = useTranslation("objects");
  const { value } = item;
  const below = item.children.length > 0 && <Items of={item.children} level={Math.min(level + 1, LEVEL_MAX)} onImage={onImage} />;
  if (value.is === "container") {
    return (
      <section className="space-y-2">
        {item.name !== null && createElement(`h${level}`, { className: "pt-1 font-semibold" }, <Named of={item.name} otherwise="" />)}
        {below}
      </section>
    );
  }
  if (value.is === "images") {
    return (
      <div className="flex flex-wrap items-center gap-2">
        {item.name !== null && (
          <span className="text-soft">
            <Named of={item.name} otherwise="" />
          </span>
        )}
        {value.references.map((reference) => (
          <ImageButton key={reference.instance} reference={reference} onImage={onImage} />
        ))}
        {below}
      </div>
    );
  }
  const isLong = value.is === "text" && (value.text.includes("\n") || value.text.length > LONG_TEXT);
  return (
    <div className={isLong || item.children.length > 0 ? "space-y-1" : ""}>
      <p className={isLong ? "text-soft" : "inline-block pr-3 text-soft"}>
        <Named of={item.name} otherwise={value.is === "unknown" ? t("unknown") : ""} />
      </p>
      <p className={isLong ? "break-words whitespace-pre-wrap" : "inline break-words whitespace-pre-wrap"}>
        <Words item={item} />
      </p>
      {below && <div className="border-l-2 border-line pl-3">{below}</div>}
    </div>
  );
}

/** Headings go down to h6. */
const LEVEL_MAX = 6;

/** From so many characters on, a text stands below its name. */
const LONG_TEXT = 60;

/** The value of an item in words. What a program meant otherwise is still only text. */
function Words({ item: { value } }: { item: Item }) {
  const { t } = useTranslation("objects");
  switch (value.is) {
    case "text":
      return value.text;
    case "coded":
      return <Named of={value.coded} otherwise="" />;
    case "number":
      return (
        <span className="tabular-nums">
          {value.number === "" ? value.qualifier || t("noNumber") : `${value.number} ${value.unit}${value.qualifier === "" ? "" : ` (${value.qualifier})`}`.trim()}
        </span>
      );
    case "moment":
      return `${dicomDate(value.date)} ${dicomTime(value.time)}`.trim();
    case "coordinates":
      return t("coordinates", { graphic: value.graphic, count: value.points });
    case "objects":
      return t("objects", { count: value.references.length });
    case "elsewhere":
      return t("elsewhere");
    case "unknown":
      return t("unknownKind", { kind: value.kind });
    case "container":
    case "images":
      return "";
  }
}

function Named({ of, otherwise }: { of: Coded | null; otherwise: string }) {
  return of === null ? otherwise : <span title={of.code}>{of.meaning}</span>;
}

export function ImageButton({ reference, onImage, children }: { reference: Reference; onImage: OnImage; children?: ReactNode }) {
  const { t } = useTranslation("objects");
  const [frame] = reference.frames;
  return (
    <button
      type="button"
      title={reference.instance}
      onClick={() => onImage(reference)}
      className="inline-flex h-7 items-center gap-1.5 rounded-md border bg-surface px-2 text-sm hover:bg-accent-wash"
    >
      <ImageIcon size={14} aria-hidden />
      {children ?? t(frame === undefined ? "showImage" : "showFrame", { frame })}
    </button>
  );
}

function moment(text: string): string {
  return `${dicomDate(text.slice(0, 8))} ${dicomTime(text.slice(8))}`.trim();
}
