// A study that is being opened: who it is, and its first pictures, each where it will hang, with the mark over them and what stands over every
// picture. Tools come with the library; that they are coming is said.
import { useQueries } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { TAGS, text } from "../../lib/dicom";
import { moment } from "../../lib/time";
import { GRID, hungAtFirst } from "../hung";
import { Waiting } from "../Instead";
import { Mark, Marked } from "../Marked";
import { Overlay } from "../Overlay";
import type { Case, Hung } from "../protocols";
import { stackQuery, type Stack, type Study } from "../study";
import { fetchFrame, frameAt } from "./frames";
import { lookOfStill, StillOf } from "./Stills";

/** After this long the tools are fetched beside the pictures, in milliseconds: a slow line shows both as they come. */
const PATIENCE_MS = 1_000;

/** `onDone` is called once, when the first pictures are on the screen or it is known that there are none to be had so early. */
export function Opening({ study, seen, person, onDone }: { study: Study; seen: Case; person: string; onDone: () => void }) {
  const { t } = useTranslation("viewer");
  const [hanging] = useState(() => hungAtFirst(study, seen, person));
  const panes = hanging?.panes ?? [];
  const stacks = useQueries({ queries: panes.map((one) => stackQuery(study.series.find((series) => series.uid === one?.series) ?? null)) });
  const known = panes.map((one, index) => slotOf(one, stacks[index]?.data));
  const isSettled = panes.every((one, index) => one === null || stacks[index]?.data !== undefined || stacks[index]?.isError === true);
  const [fetched, setFetched] = useState(0);
  const watched = useIsWatched();
  const done = useRef(false);
  const finish = useRef(() => undefined as void);
  finish.current = () => {
    if (done.current) return;
    done.current = true;
    onDone();
  };

  const wanted = known.map((one) => one?.slice.address ?? "").join(" ");
  useEffect(() => {
    if (!isSettled) return;
    const addresses = wanted.split(" ").filter((address) => address !== "");
    void Promise.all(addresses.map(async (address) => {
      await fetchFrame(address);
      setFetched((present) => present + 1);
    })).then(() => afterPaint(() => finish.current()));
  }, [wanted, isSettled]);
  useEffect(() => {
    const timer = setTimeout(() => finish.current(), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);

  const patient = text(study.about, TAGS.patientId);
  const mark = useMemo(() => ({ text: `${person} · ${moment(Date.now()).slice(0, 16)} · ${patient}`, removed: () => undefined }), [person, patient]);
  return (
    <Mark.Provider value={mark}>
      <div className="flex h-full flex-col bg-ground text-ink" aria-busy>
        <header className="flex shrink-0 items-center gap-x-4 border-b bg-surface px-3 py-2">
          <Link to="/studies" aria-label={t("back")} title={t("back")} className="grid size-8 shrink-0 place-items-center rounded-md hover:bg-accent-wash">
            <ArrowLeft size={18} aria-hidden />
          </Link>
          <h1 className="min-w-0 flex-1 truncate text-base font-semibold">
            {text(study.about, TAGS.patientName)}
            <span className="ml-2 text-sm font-normal text-soft">
              {patient} · {text(study.about, TAGS.studyDescription)}
            </span>
          </h1>
          <p role="status" className="text-sm text-soft">
            {t("toolsCome")}
          </p>
        </header>
        <div className="flex min-h-0 flex-1 max-md:flex-col">
          <div className="shrink-0 border-line bg-surface max-md:order-last max-md:h-40 max-md:border-t md:w-44 md:border-r" />
          <main className="flex min-h-0 min-w-0 flex-1 bg-black">
            <div className={`grid min-h-0 min-w-0 flex-1 gap-0.5 ${GRID[hanging?.shape ?? "one"]}`} data-fetched={fetched}>
              {known.map((one, index) => (
                <section key={index} aria-label={t("pane", { number: index + 1 })} className="viewer-pane relative min-h-0 min-w-0 overflow-hidden bg-black shadow-[inset_0_0_0_1px_var(--line)]">
                  {one && watched && frameAt(one.slice.address) ? (
                    <Marked className="size-full p-0.5">
                      <StillOf slice={one.slice} dress={one.hung} />
                      <Overlay about={study.about} series={one.stack.series} look={lookOfStill(one.stack, one.index, one.hung)} loaded={null} />
                    </Marked>
                  ) : (
                    panes[index] && <Waiting />
                  )}
                </section>
              ))}
            </div>
          </main>
        </div>
      </div>
    </Mark.Provider>
  );
}

// === helpers ===

interface Slot {
  hung: Hung;
  stack: Stack;
  index: number;
  slice: Stack["slices"][number];
}

function slotOf(hung: Hung | null, stack: Stack | undefined): Slot | null {
  if (hung === null || stack === undefined) return null;
  const index = Math.min(hung.start ?? 0, stack.slices.length - 1);
  const slice = stack.slices[index];
  return slice ? { hung, stack, index, slice } : null;
}

/** Nothing is shown before it is known whether the study is shielded while nobody looks at it, unless somebody looks. */
function useIsWatched(): boolean {
  const [watched, setWatched] = useState(isWatched);
  useEffect(() => {
    const look = () => setWatched(isWatched());
    const events = ["focus", "blur", "visibilitychange"] as const;
    for (const event of events) window.addEventListener(event, look);
    document.addEventListener("visibilitychange", look);
    return () => {
      for (const event of events) window.removeEventListener(event, look);
      document.removeEventListener("visibilitychange", look);
    };
  }, []);
  return watched;
}

function isWatched(): boolean {
  return !document.hidden && document.hasFocus();
}

/** After the frame of the browser in which what was drawn is shown; at once where the browser draws none. */
function afterPaint(then: () => void): void {
  if (document.hidden) return then();
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = then;
    channel.port2.postMessage(null);
  });
}
