// One pane: a stack of slices with what always stands over it, and what is said where there is nothing to see.
import { Enums, eventTarget, type RenderingEngine } from "@cornerstonejs/core";
import { clsx } from "clsx";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { DataSet } from "../lib/dicom";
import { lookOf, StackControl, type Control, type Look } from "./controls";
import { addToTools, forgetRefusal, isEnded, keepSize, leavePane, refusalOf, register, stackOf } from "./engine";
import { Failed, Waiting, type Failure } from "./Instead";
import { Marked } from "./Marked";
import { KeyMark } from "./objects/KeyImages";
import { Overlay } from "./Overlay";
import { firstPicture, toolsReady } from "./measure";
import { Rendered } from "./Rendered";
import { useProgress } from "./progress";
import { forgetFrame, frameAt, isForPictures, PICTURES_ONLY, settled } from "./opening/frames";
import { lookOfStill, PLAIN, StillOf, type Dress } from "./opening/Stills";
import type { Stack } from "./study";

export interface PaneProps {
  engine: RenderingEngine;
  id: string;
  label: string;
  about: DataSet;
  stack: Stack;
  /** The slice to begin with. */
  start: number;
  /** How it is to be shown at first, if not plainly. */
  dress?: Dress | undefined;
  active: boolean;
  onActivate: () => void;
  onControl: (id: string, control: Control | null) => void;
  /** Another slice is shown, or the same one otherwise. */
  onLook: (id: string, look: Look) => void;
  /** What is drawn over the picture. */
  over?: ReactNode;
}

export function Pane(props: PaneProps) {
  const { id, stack, active, about, label, onActivate } = props;
  const { t } = useTranslation("viewer");
  const element = useRef<HTMLDivElement>(null);
  const { look, failure, shown, again } = useStack(props, element);
  const progress = useProgress(stack.series.uid);
  const loaded = progress !== null && progress.loaded < progress.total ? t("loaded", { ...progress }) : null;
  const rendered = failure === "unreadable";
  // What the study was opened with stays until the library has drawn.
  const [still] = useState(() => {
    const slice = stack.slices[Math.min(props.start, stack.slices.length - 1)];
    return slice && frameAt(slice.address) ? { slice, look: lookOfStill(stack, stack.slices.indexOf(slice), props.dress ?? PLAIN) } : null;
  });
  const waits = still !== null && !shown && failure === null;
  return (
    <section
      aria-label={label}
      data-testid={id}
      data-active={active || undefined}
      data-shown={shown || rendered || undefined}
      onPointerDown={onActivate}
      onContextMenu={(event) => event.preventDefault()}
      className={clsx("viewer-pane relative min-h-0 min-w-0 overflow-hidden bg-black", active ? "shadow-[inset_0_0_0_2px_var(--accent)]" : "shadow-[inset_0_0_0_1px_var(--line)]")}
    >
      <Marked className="size-full p-0.5">
        <div ref={element} className={clsx("size-full", rendered && "invisible")} />
        {waits && <StillOf slice={still.slice} dress={props.dress ?? PLAIN} />}
        {rendered && <Rendered {...props} />}
        {!rendered && shown && props.over}
        {!rendered && <Overlay about={about} series={stack.series} look={waits ? still.look : look} loaded={loaded} />}
        {!rendered && look && <KeyMark slice={stack.slices[look.index]} />}
      </Marked>
      {failure !== null && !rendered ? <Failed failure={failure} again={again} /> : !shown && !rendered && !still ? <Waiting /> : null}
    </section>
  );
}

// === helpers ===

function useStack({ engine, id, stack, start, onControl, onLook }: PaneProps, place: React.RefObject<HTMLDivElement | null>) {
  const [look, setLook] = useState<Look | null>(null);
  const [shown, setShown] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [attempt, setAttempt] = useState(0);
  const begin = useRef(start);
  begin.current = start;
  const tell = useRef(onLook);
  tell.current = onLook;

  useEffect(() => {
    const element = place.current;
    if (!element || isEnded(engine)) return;
    engine.enableElement({ viewportId: id, element, type: Enums.ViewportType.STACK, defaultOptions: { background: [0, 0, 0] } });
    addToTools(id);
    const leave = keepSize(engine, element);
    return () => {
      leave();
      leavePane(engine, id);
    };
  }, [engine, id, place]);

  useEffect(() => {
    const element = place.current;
    const viewport = stackOf(engine, id);
    const [first] = stack.slices;
    if (!element || !viewport || !first) return;
    const from = Math.min(begin.current, stack.slices.length - 1);
    const { address } = stack.slices[from]!;
    let ended = false;
    let drawnOnce = false;
    setShown(false);
    setFailure(null);
    register(stack);
    const ids = stack.slices.map((slice) => slice.imageId);
    const control = new StackControl(viewport, stack.slices);

    const say = () => {
      if (ended || isEnded(engine) || !drawnOnce) return;
      const seen = lookOf(viewport, control.index(), ids.length, stack.slices[control.index()]);
      setLook(seen);
      tell.current(id, seen);
    };
    const drawn = () => {
      // An empty pane is drawn, too, before there is a picture.
      if (ended || isEnded(engine) || !viewport.getCornerstoneImage()) return;
      drawnOnce = true;
      setShown(true);
      firstPicture();
      toolsReady();
      forgetFrame(address);
      say();
    };
    const failed = (imageId: string) => {
      if (!ended) setFailure(failureOf(imageId));
    };
    const arrived = () => {
      if (!ended) setFailure(null);
    };
    const missed = (event: Event) => {
      const { imageId } = (event as CustomEvent<{ imageId: string }>).detail;
      if (ids[control.index()] === imageId) failed(imageId);
    };
    const { STACK_NEW_IMAGE, IMAGE_RENDERED, VOI_MODIFIED, CAMERA_MODIFIED, IMAGE_LOAD_ERROR, PRE_STACK_NEW_IMAGE } = Enums.Events;
    element.addEventListener(IMAGE_RENDERED, drawn);
    element.addEventListener(STACK_NEW_IMAGE, arrived);
    for (const event of [PRE_STACK_NEW_IMAGE, STACK_NEW_IMAGE, VOI_MODIFIED, CAMERA_MODIFIED]) element.addEventListener(event, say);
    eventTarget.addEventListener(IMAGE_LOAD_ERROR, missed);

    for (const imageId of ids) forgetRefusal(imageId);
    const begun = async () => {
      // The study may have been opened with this frame: then it is here, or on its way, or refused.
      await settled(address);
      if (ended || isEnded(engine)) return;
      if (isForPictures(address)) return setFailure("unreadable");
      await viewport.setStack(ids, from);
      if (ended || isEnded(engine)) return;
      onControl(id, control);
      viewport.render();
      say();
    };
    begun().catch(() => failed(ids[from]!));
    return () => {
      ended = true;
      onControl(id, null);
      element.removeEventListener(IMAGE_RENDERED, drawn);
      element.removeEventListener(STACK_NEW_IMAGE, arrived);
      for (const event of [PRE_STACK_NEW_IMAGE, STACK_NEW_IMAGE, VOI_MODIFIED, CAMERA_MODIFIED]) element.removeEventListener(event, say);
      eventTarget.removeEventListener(IMAGE_LOAD_ERROR, missed);
    };
  }, [engine, id, stack, place, onControl, attempt]);

  return { look, shown, failure, again: () => setAttempt((present) => present + 1) };
}

/** Why a frame is not to be seen: what the server answered, or else that it came and cannot be read here. */
function failureOf(imageId: string): Failure {
  const status = refusalOf(imageId);
  if (status === undefined) return "unreadable";
  if (status === 401) return "forbidden";
  // The study is open, as its series were told: pictures of its frames may be given.
  if (PICTURES_ONLY.has(status)) return "unreadable";
  if (status === 404 || status === 410) return "missing";
  return status === 429 || status === 503 ? "busy" : "network";
}
