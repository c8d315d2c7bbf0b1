// A file of exactly the rows that the filters of a list leave: those that are not there yet are fetched first, seen as they come, and given up
// at any time. Nothing is saved that is less than it says, and nothing before the log has it that it was made.
import { Download } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { addTexts } from "../../i18n";
import { count } from "../../lib/amounts";
import { hex, sha256, utf8 } from "../../lib/bytes";
import { csv, save } from "../../lib/download";
import { FILE_ROWS_MAX, gather, type Gathered, type Part } from "../../lib/gather";
import { Button, Refused } from "../basics";
import type { Column } from "../DataTable";
import { Dialog } from "../Dialog";
import { Meter } from "../Meter";
import en from "./file.en.json";
import zh from "./file.zh-CN.json";

addTexts("file", { "zh-CN": zh, en });

/** A list whose rows come page by page. */
export interface Paged<Row> {
  /** The pages that are there. */
  loaded: readonly Part<Row>[];
  /** Asks for the page behind a cursor; of many rows, as all of them are wanted. */
  ask: (cursor: string, signal: AbortSignal) => Promise<Part<Row>>;
}

interface Given<Row> {
  name: string;
  columns: Column<Row>[];
  /** The rows that are there, in the order in which they are shown. */
  rows: Row[];
  /** How many there are in all, where that is known. */
  total: number | null;
  paged?: Paged<Row> | undefined;
}

type Kind = "csv" | "json";

/** What is there sooner needs no dialog. */
const MOMENT_MS = 400;

export function FileButtons<Row>(of: Given<Row>) {
  const [wanted, setWanted] = useState<Kind | null>(null);
  return (
    <>
      <Button look="quiet" disabled={of.rows.length === 0} onClick={() => setWanted("csv")}>
        <Download size={15} aria-hidden /> CSV
      </Button>
      <Button look="quiet" className="max-sm:hidden" disabled={of.rows.length === 0} onClick={() => setWanted("json")}>
        JSON
      </Button>
      {wanted !== null && <Making of={of} kind={wanted} onClose={() => setWanted(null)} />}
    </>
  );
}

// === helpers ===

/** A file on its way. Of a list that is here it is there before anybody reads a word. */
function Making<Row>({ of, kind, onClose }: { of: Given<Row>; kind: Kind; onClose: () => void }) {
  const { t } = useTranslation("file");
  const { t: common } = useTranslation("app");
  const [rows, setRows] = useState(0);
  const [found, setFound] = useState<Gathered<Row> | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [again, setAgain] = useState(0);
  const [shown, setShown] = useState(false);
  // What is taken is what was shown when it was asked for.
  const asked = useRef({ of, onClose });
  const { current } = asked;
  const finish = async (rows: readonly Row[], isPart: boolean) => {
    await write(current.of, kind, rows, isPart);
    current.onClose();
  };
  useEffect(() => {
    const { paged, rows } = current.of;
    const leaving = new AbortController();
    const timer = setTimeout(() => setShown(true), MOMENT_MS);
    const work = async () => {
      const all: Gathered<Row> = paged
        ? await gather(paged.loaded, (cursor) => paged.ask(cursor, leaving.signal), (rows) => !leaving.signal.aborted && setRows(rows))
        : { rows, end: "all" };
      if (leaving.signal.aborted) return;
      if (all.end === "all") await finish(all.rows, false);
      else setFound(all);
    };
    setError(null);
    work().catch((caught: unknown) => !leaving.signal.aborted && setError(caught));
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [kind, again]);
  if (!shown && found === null && error === null) return null;
  const most = Math.min(of.total ?? FILE_ROWS_MAX, FILE_ROWS_MAX);
  return (
    <Dialog
      open
      onClose={onClose}
      title={t(found ? "incomplete" : "title", { kind: kind.toUpperCase() })}
      footer={
        found ? (
          <>
            <Button onClick={onClose}>{t("leave")}</Button>
            <Button
              onClick={() => {
                setFound(null);
                finish(found.rows, true).catch(setError);
              }}
            >
              <Download size={15} aria-hidden /> {t("savePart", { count: found.rows.length, number: count(found.rows.length) })}
            </Button>
          </>
        ) : (
          <Button onClick={onClose}>{common("cancel")}</Button>
        )
      }
    >
      {error !== null ? (
        <Refused error={error} retry={() => setAgain(again + 1)} />
      ) : found ? (
        <div role="alert" className="space-y-2">
          <p className="font-medium">{t(found.end === "bound" ? "bound" : "cut", { count: found.rows.length, number: count(found.rows.length) })}</p>
          <p className="text-soft">{t(found.end === "bound" ? "boundHelp" : "cutHelp")}</p>
        </div>
      ) : (
        <div className="space-y-3">
          <Meter part={rows / most} label={t("progress")} />
          <p role="status">{of.total === null ? t("rows", { number: count(rows) }) : t("rowsOf", { number: count(rows), total: count(of.total) })}</p>
          <p className="text-soft">{t("why")}</p>
        </div>
      )}
    </Dialog>
  );
}

/** Makes a file and hands it over, once it is written down that it was made. Cells are texts: what a spreadsheet would take for a formula is none. */
async function write<Row>(of: Given<Row>, kind: Kind, rows: readonly Row[], isPart = false): Promise<void> {
  const texts = rows.map((row) => of.columns.map((column) => column.text(row)));
  const name = `yingdun-${of.name}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}${isPart ? "-part" : ""}`;
  const records = () => texts.map((cells) => Object.fromEntries(of.columns.map((column, index) => [column.key, cells[index]])));
  const content = utf8(kind === "csv" ? csv(of.columns.map((column) => column.title), texts) : JSON.stringify(records(), null, 2));
  await api.POST("/api/v1/me/files", { body: { list: of.name, rows: rows.length, sha256: hex(await sha256(content)) } });
  save(`${name}.${kind}`, kind === "csv" ? "text/csv;charset=utf-8" : "application/json", content);
}
