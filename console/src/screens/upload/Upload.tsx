// Bringing files here: dropped or chosen, alone or a whole folder. What was stored is durable when it says so; what failed can be sent again.
import { FolderUp, RotateCcw, Square, UploadCloud } from "lucide-react";
import { useEffect, useRef, useState, type DragEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Badge, Button, Empty, Refused } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { DataTable, type Column } from "../../components/DataTable";
import { useFilters } from "../../components/Filters";
import { Meter } from "../../components/Meter";
import { addTexts } from "../../i18n";
import { bytes, clock, count, pace, percent } from "../../lib/amounts";
import { useChosen } from "../../lib/chosen";
import { dropped } from "./dropped";
import en from "./en.json";
import { isBeside } from "./part10";
import { tallyOf, TONES, type Item, type Tally } from "./plan";
import { useUpload } from "./useUpload";
import zh from "./zh-CN.json";

addTexts("upload", { "zh-CN": zh, en });

export default function Upload() {
  const { t } = useTranslation("upload");
  const upload = useUpload();
  const [filters, change] = useFilters(["only"]);
  const [chosen, choose] = useChosen("file");
  const tally = tallyOf(upload.items);
  const rows = filters["only"] === "failed" ? upload.items.filter((item) => item.fate === "failed" || item.fate === "notDicom") : upload.items;
  const columns = useColumns();
  const add = (files: { name: string; file: File }[]) => upload.add(files.filter(({ name }) => !isBeside(name)));
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3">
      <DropZone onFiles={add} small={upload.items.length > 0} />
      {upload.error !== null && <Refused error={upload.error} retry={upload.start} />}
      {upload.items.length > 0 && (
        <>
          <Progress tally={tally} running={upload.running} began_ms={upload.began_ms} began_bytes={upload.began_bytes}>
            {upload.running && (
              <Button onClick={upload.stop}>
                <Square size={14} aria-hidden />
                {t("stop")}
              </Button>
            )}
            {!upload.running && tally.left > 0 && upload.error === null && (
              <Button look="primary" onClick={upload.start}>
                {t("resume")}
              </Button>
            )}
            {!upload.running && upload.items.some((item) => item.fate === "failed") && (
              <Button onClick={upload.again}>
                <RotateCcw size={15} aria-hidden />
                {t("again")}
              </Button>
            )}
            {tally.failed > 0 && (
              <Button aria-pressed={filters["only"] === "failed"} onClick={() => change({ only: filters["only"] === "failed" ? "" : "failed" })}>
                {t(filters["only"] === "failed" ? "showAll" : "showFailed")}
              </Button>
            )}
            {!upload.running && tally.left === 0 && tally.done > 0 && (
              <Link className="px-2 text-accent underline" to="/studies">
                {t("toStudies")}
              </Link>
            )}
          </Progress>
          <div className="flex min-h-72 flex-1 flex-col">
            <DataTable
              name="upload"
              label={t("files")}
              columns={columns}
              rows={rows}
              rowKey={(row) => String(row.key)}
              selected={chosen}
              onSelect={(row) => choose(String(row.key))}
              empty={<Empty title={t("noneFailed")} />}
            />
          </div>
        </>
      )}
      <div className="flex flex-wrap">
        <CopyAs cli="yingdun import FOLDER" />
      </div>
    </div>
  );
}

// === helpers ===

function DropZone({ onFiles, small }: { onFiles: (files: { name: string; file: File }[]) => void; small: boolean }) {
  const { t } = useTranslation("upload");
  const [over, setOver] = useState(false);
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  useEffect(() => folder.current?.setAttribute("webkitdirectory", ""), []);
  const chosen = (input: HTMLInputElement | null) => {
    if (!input?.files) return;
    onFiles([...input.files].map((file) => ({ name: file.webkitRelativePath || file.name, file })));
    input.value = "";
  };
  const drop = async (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    onFiles(await dropped(event.dataTransfer));
  };
  return (
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => void drop(event)}
      className={`flex shrink-0 flex-col items-center gap-3 rounded-xl border-2 border-dashed px-6 text-center ${small ? "py-5" : "py-16"} ${over ? "border-accent bg-accent-wash" : "bg-surface"}`}
    >
      {!small && <UploadCloud size={40} className="text-accent" aria-hidden />}
      <p className="font-medium">{t("drop")}</p>
      {!small && <p className="max-w-lg text-soft">{t("dropHelp")}</p>}
      <div className="flex flex-wrap justify-center gap-2">
        <Button look={small ? "plain" : "primary"} onClick={() => files.current?.click()}>
          <UploadCloud size={15} aria-hidden />
          {t("chooseFiles")}
        </Button>
        <Button onClick={() => folder.current?.click()}>
          <FolderUp size={15} aria-hidden />
          {t("chooseFolder")}
        </Button>
      </div>
      <input ref={files} type="file" multiple hidden aria-label={t("chooseFiles")} onChange={(event) => chosen(event.currentTarget)} />
      <input ref={folder} type="file" multiple hidden aria-label={t("chooseFolder")} onChange={(event) => chosen(event.currentTarget)} />
    </div>
  );
}

function Progress({
  tally,
  running,
  began_ms,
  began_bytes,
  children,
}: {
  tally: Tally;
  running: boolean;
  began_ms: number;
  began_bytes: number;
  children: ReactNode;
}) {
  const { t } = useTranslation("upload");
  const { rate, seconds_left } = pace(tally.bytes_done - began_bytes, tally.bytes - tally.bytes_done, (Date.now() - began_ms) / 1000);
  const whole = tally.left === 0;
  return (
    <section aria-label={t("progress")} className="shrink-0 space-y-2.5 rounded-lg border bg-surface p-4 shadow-raised">
      <Meter part={tally.bytes === 0 ? 1 : tally.bytes_done / tally.bytes} label={t("progress")} tone={whole ? (tally.failed > 0 ? "warn" : "good") : "accent"} />
      <div className="flex flex-wrap items-center gap-x-5 gap-y-2">
        <p aria-live="polite" className="flex flex-wrap gap-x-5 text-soft">
          <span className="font-medium text-ink">
            {t(whole ? "stored" : "storedOf", { done: count(tally.done), files: count(tally.files), percent: percent(tally.bytes_done, tally.bytes) })}
          </span>
          {tally.failed > 0 && <span className="text-bad">{t("failed", { count: tally.failed })}</span>}
          {running && rate !== null && <span>{t("rate", { rate: bytes(rate) })}</span>}
          {running && seconds_left !== null && <span>{t("left", { time: clock(seconds_left) })}</span>}
        </p>
        <div className="ml-auto flex flex-wrap items-center gap-2">{children}</div>
      </div>
    </section>
  );
}

function useColumns(): Column<Item>[] {
  const { t, i18n } = useTranslation("upload");
  const why = (row: Item) =>
    row.fate === "notDicom"
      ? t("notDicomHelp")
      : row.fate !== "failed"
        ? ""
        : row.code !== null && i18n.exists(`upload:reasons.${row.code}`)
          ? t(`reasons.${row.code}`)
          : row.why || t("reasonUnknown");
  return [
    { key: "name", title: t("file"), width: "minmax(14rem, 1.4fr)", cell: (row) => <span title={row.name}>{row.name}</span>, text: (row) => row.name },
    { key: "bytes", title: t("size"), width: "7rem", cell: (row) => bytes(row.bytes), text: (row) => String(row.bytes) },
    { key: "fate", title: t("result"), width: "9rem", cell: (row) => <Badge tone={TONES[row.fate]}>{t(`fates.${row.fate}`)}</Badge>, text: (row) => t(`fates.${row.fate}`) },
    { key: "why", title: t("why"), width: "minmax(16rem, 2fr)", cell: (row) => <span title={row.why}>{why(row)}</span>, text: (row) => [why(row), row.why].filter((word) => word !== "").join(" ") },
  ];
}
