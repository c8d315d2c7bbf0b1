// The open study: panes, tools, series, and the keyboard that works on them.
import type { RenderingEngine } from "@cornerstonejs/core";
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, X } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { TAGS, text, type DataSet } from "../lib/dicom";
import type { Control, Look } from "./controls";
import { useCopies } from "./copies/Copies";
import { leaveGraphics, onGraphics, removeMeasure, useTool as takeTool, whenGraphicsLost } from "./engine";
import { useBindings } from "./bindings";
import { isVolume } from "./geometry";
import { HangMenu } from "./HangMenu";
import { GRID, hungAtFirst, roomed } from "./hung";
import { Help } from "./Help";
import { useEngine, useKeys, useLetters, useMinute } from "./hooks";
import { shownFor, type Command, type Tool } from "./keys";
import { ReferenceLine } from "./Lines";
import { viewerOf } from "./load";
import { Mark } from "./Marked";
import { CUTS, Mpr } from "./Mpr";
import { KeyBar } from "./objects/KeyBar";
import { KeyImagesOf, useStudyKeyImages } from "./objects/KeyImages";
import type { Wanted } from "./objects/Papers";
import "./objects/texts";
import { useImage } from "./objects/useImage";
import { WhoLooked } from "./objects/WhoLooked";
import { beyond } from "./priors";
import { Desk, Measures } from "./rendered/desk";
import type { Case, Hanging, Hung } from "./protocols";
import { Seat } from "./Seat";
import { Strip } from "./Strip";
import { othersQuery, studyQuery, type Series, type Stack, type Study } from "./study";
import { apartOf, follows, levelOf } from "./together";
import { Toolbar, type Layout } from "./Toolbar";
import { useCine } from "./useCine";
import { useComparedAsked } from "./useComparedAsked";
import { useHanging } from "./useHanging";
import { PRESETS } from "./windows";

const PANES = ["pane-1", "pane-2", "pane-3", "pane-4"] as const;
const SHOWN: Record<Exclude<Layout, "mpr">, number> = { one: 1, two: 2, four: 4 };

export default function Workspace({ study, seen, person }: { study: Study; seen: Case; person: string }) {
  const { t } = useTranslation("viewer");
  const navigate = useNavigate();
  const [generation, setGeneration] = useState(0);
  const engine = useEngine(generation);
  const [first] = useState(() => hungAtFirst(study, seen, person));
  const [hanging, setHanging] = useState<string | null>(first?.name ?? null);
  const hung = useRef(first ? hungIn(first) : new Map<string, Hung>());
  const about = useRef({ linked: first?.linked ?? false, plays: first?.plays ?? false });
  const [layout, setLayout] = useState<Layout>(first?.shape ?? "one");
  const [seats, setSeats] = useState<(Series | null)[]>(() => (first ? seatsOf(first, [study]) : PANES.map((_, index) => (index === 0 ? (study.documents[0] ?? null) : null))));
  const [active, setActive] = useState<string>(PANES[0]);
  const [lines, setLines] = useState(true);
  const [keys, setKeys] = useBindings(person);
  const [tool, setTool] = useState<Tool>("window");
  const [compared, setCompared] = useState<string | null>(null);
  const [isLinked, setLinked] = useState(false);
  const [help, setHelp] = useState(false);
  const [letters, setLetters] = useLetters();
  const [notice, setNotice] = useState<string | null>(onGraphics() ? null : "noGraphics");
  const [looks, setLooks] = useState<Record<string, Look>>({});
  const controls = useRef(new Map<string, Control>());
  const stacks = useRef(new Map<string, Stack>());
  const apart = useRef(new Map<string, number>());
  const others = useQuery({ ...othersQuery(study), enabled: Object.keys(looks).length > 0 || study.series.length === 0 });
  const prior = useQuery({ ...studyQuery(compared ?? ""), enabled: compared !== null });
  const graphics = onGraphics();

  const shownPanes = layout === "mpr" ? CUTS.map((cut) => cut.id as string) : PANES.slice(0, SHOWN[layout]);
  const activeIndex = Math.max(0, PANES.indexOf(active as (typeof PANES)[number]));
  const chosen = seats[activeIndex] ?? null;
  const stack = chosen ? (stacks.current.get(chosen.uid) ?? null) : null;
  const cine = useCine(() => controls.current.get(active) ?? null);
  const studies = useMemo(() => [study, ...(prior.data ? [prior.data] : [])], [study, prior.data]);
  // Also one whose pictures stay until those of the next one are there.
  const opened = useRef(new Map<string, Study>());
  for (const one of studies) opened.current.set(one.uid, one);

  const image = useImage(study, useRef({ controls: controls.current, stacks: stacks.current }).current);
  const { arrived } = image;
  const onControl = useCallback(
    (id: string, control: Control | null) => {
      if (control) {
        controls.current.set(id, control);
        const now = hung.current.get(id);
        if (now && now.series === link.current.seats[PANES.indexOf(id as (typeof PANES)[number])]?.uid) dress(control, now);
      } else controls.current.delete(id);
      arrived(id);
    },
    [arrived],
  );
  const keyImages = useStudyKeyImages(study, prior.data ?? null, Object.keys(looks).length > 0 || study.series.length === 0);
  const mark = () => {
    const at = controls.current.get(active)?.index();
    const slice = at === undefined ? undefined : stack?.slices[at];
    const refused = stack && slice && layout !== "mpr" ? keyImages.toggle(stack, slice) : null;
    if (refused !== null) setNotice(`objects:notice.${refused}`);
  };
  // An image that a document names is opened beside the document.
  const onImage = async (from: number, wanted: Wanted) => {
    const series = await image.seriesOf(wanted).catch(() => null);
    if (series === null) return setNotice("objects:imageMissing");
    const to = from === 0 ? 1 : 0;
    if (layout === "one") arrange("two");
    if (keyImages.only !== null) keyImages.setOnly(false);
    sit(to, series);
    image.goIn(PANES[to], series, wanted, keyImages.only === null && seats[to]?.uid === series.uid);
    setActive(PANES[to]);
  };
  const onStack = useCallback((one: Stack) => {
    stacks.current.set(one.series.uid, one);
    setLooks((present) => ({ ...present }));
  }, []);

  // Scrolling together: whoever is scrolled takes the others along.
  const link = useRef({ on: isLinked, seats, active, count: shownPanes.length });
  link.current = { on: isLinked, seats, active, count: shownPanes.length };
  const onLook = useCallback((id: string, look: Look) => {
    setLooks((present) => ({ ...present, [id]: look }));
    const { on, seats: at, active: leader, count } = link.current;
    if (!on || id !== leader) return;
    const from = stacks.current.get(at[PANES.indexOf(id as (typeof PANES)[number])]?.uid ?? "");
    PANES.slice(0, count).forEach((other, index) => {
      const to = stacks.current.get(at[index]?.uid ?? "");
      const control = controls.current.get(other);
      if (other === id || !from || !to || !control) return;
      const next = follows(from, look.index, to, apart.current.get(other) ?? 0);
      if (next !== null && next !== control.index()) control.go(next);
    });
  }, []);

  /** From now on together, as far apart as they are. Slices of one frame of reference lie where they lie. */
  const setTogether = (on: boolean) => {
    apart.current.clear();
    const leader = stacks.current.get(chosen?.uid ?? "");
    const at = controls.current.get(active)?.index() ?? 0;
    if (on && leader?.at) {
      PANES.forEach((id, index) => {
        const other = stacks.current.get(seats[index]?.uid ?? "");
        const slice = controls.current.get(id)?.index();
        if (id !== active && other && slice !== undefined) apart.current.set(id, apartOf(leader, at, other, slice));
      });
    }
    setLinked(on);
  };

  const sit = (index: number, series: Series | null) => {
    setHanging(null);
    image.forget(PANES[index]!);
    if (isLinked) about.current = { ...about.current, linked: true };
    setSeats((present) => present.map((one, other) => (other === index ? series : one)));
  };
  const arrange = (next: Layout) => {
    cine.stop();
    setHanging(null);
    if (next !== "mpr") {
      if (tool === "crosshair") choose("window");
      setSeats((present) => fill(present, SHOWN[next], study));
      if (activeIndex >= SHOWN[next]) setActive(PANES[0]);
      else setActive(PANES[activeIndex]!);
    } else {
      setActive(CUTS[0].id);
    }
    setLayout(next);
  };
  /** Hangs what a protocol says; what stays where it is keeps its slice. */
  const hangUp = (next: Hanging) => {
    cine.stop();
    if (tool === "crosshair") choose("window");
    const shown = roomed(next);
    const sitting = seatsOf(shown, studies);
    hung.current = hungIn(shown);
    about.current = { linked: shown.linked, plays: shown.plays };
    setTogether(false);
    setHanging(next.name);
    setSeats(sitting);
    setLayout(shown.shape);
    setActive(PANES[Math.max(0, sitting.findIndex((one) => one !== null))]!);
    for (const [id, one] of hung.current) {
      const control = controls.current.get(id);
      const stays = layout !== "mpr" && seats[PANES.indexOf(id as (typeof PANES)[number])]?.uid === one.series;
      if (!control || !stays) continue;
      control.reset();
      if (one.start !== null) control.go(one.start);
      dress(control, one);
    }
    setLooks((present) => Object.fromEntries(Object.entries(present).map(([id, look]) => [id, { ...look, index: hung.current.get(id)?.start ?? look.index }])));
  };
  /** What a protocol hangs together begins at the level of the pane that leads; what lies in a frame of its own, as far down as that one. */
  const bringLevel = () => {
    const at = controls.current.get(active)?.index() ?? 0;
    shownPanes.forEach((id, index) => {
      const other = stacks.current.get(seats[index]?.uid ?? "");
      if (id === active || !stack || !other || hung.current.get(id)?.start != null) return;
      const next = levelOf(stack, at, other);
      if (next !== null) controls.current.get(id)?.go(next);
    });
  };
  const protocols = useHanging({ study, seen, person, others: others.data ?? NOTHING, compared, setCompared, prior: prior.isError ? null : prior.data, hangUp, setNotice });
  useComparedAsked((others.data?.length ?? 0) > 0, protocols.compareBest);
  useEffect(() => {
    // What a protocol wants once all its panes have their pictures.
    const waits = shownPanes.some((id, index) => seats[index] && !(controls.current.has(id) && looks[id]));
    if (waits || layout === "mpr" || shownPanes.length === 0) return;
    const { linked, plays } = about.current;
    about.current = { linked: false, plays: false };
    if (linked) {
      if (hanging !== null) bringLevel();
      setTogether(true);
    }
    if (plays && moves(stack) && !matchMedia("(prefers-reduced-motion: reduce)").matches) cine.start();
  });

  const [measured] = useState(() => new Measures());
  const desk = useMemo(() => ({ tool, measures: measured }), [tool, measured]);
  const copies = useCopies({
    studies: [...new Set([...studies.map((one) => one.uid), ...seats.flatMap((one) => (one ? [one.study] : []))])],
    active: chosen?.study ?? study.uid,
    person,
    patient: text(aboutOf(opened.current, chosen, study), TAGS.patientId),
    shot: () => controls.current.get(active)?.shot?.() ?? null,
    onNone: setNotice,
  });
  useEffect(() => {
    // Whoever leads from now on, the others stay beside it as they are.
    if (isLinked) setTogether(true);
  }, [active]);

  const can = {
    mpr: graphics && stack !== null && keyImages.only === null && isVolume(stack.at),
    compare: compared !== null || (others.data?.length ?? 0) > 0,
    presets: chosen?.modality === "CT",
    link: shownPanes.length > 1 && layout !== "mpr",
    cine: (stack?.slices.length ?? 0) > 1,
    copy: copies.can && layout !== "mpr",
  };

  const choose = (next: Tool) => {
    takeTool(next);
    setTool(next);
  };

  const run = (command: Command) => {
    const control = controls.current.get(active);
    const done = command.do;
    if (done === "move") control?.move(command.slices);
    else if (done === "edge") control?.go(command.last ? control.count() - 1 : 0);
    else if (done === "series") {
      const all = studies.flatMap((one) => [...one.series, ...one.documents]);
      const next = all[all.findIndex((one) => one.uid === chosen?.uid) + command.by];
      if (next && layout !== "mpr") sit(activeIndex, next);
    } else if (done === "pane") {
      const at = shownPanes.indexOf(active);
      setActive(shownPanes[(at + command.by + shownPanes.length) % shownPanes.length]!);
    } else if (done === "tool") {
      if (command.tool !== "crosshair") choose(command.tool);
      else if (layout === "mpr" || can.mpr) {
        if (layout !== "mpr") arrange("mpr");
        choose("crosshair");
      }
    } else if (done === "preset") {
      const preset = PRESETS[command.preset] ?? null;
      if (preset !== null && !can.presets) setNotice("onlyCt");
      else for (const id of layout === "mpr" ? shownPanes : [active]) controls.current.get(id)?.show(preset);
    } else if (done === "invert") control?.invert();
    else if (done === "flipHorizontal") control?.flip(true);
    else if (done === "flipVertical") control?.flip(false);
    else if (done === "rotate") control?.rotate();
    else if (done === "fit") control?.fit();
    else if (done === "reset") {
      control?.reset();
      const now = hung.current.get(active);
      if (control && now && now.series === chosen?.uid) dress(control, now);
    }
    else if (done === "remove") {
      if (control?.remove) control.remove();
      else {
        removeMeasure();
        engine?.render();
      }
    } else if (done === "cine") cine.toggle();
    else if (done === "speed") cine.faster(command.by);
    else if (done === "layout") arrange(layout === "one" ? "two" : layout === "two" ? "four" : "one");
    else if (done === "mpr") {
      if (layout === "mpr") arrange("one");
      else if (can.mpr) arrange("mpr");
    } else if (done === "compare") {
      if (compared !== null) protocols.compare(null);
      else protocols.compareBest();
    } else if (done === "prior") protocols.compareNext(command.by);
    else if (done === "study") {
      const other = beyond(others.data ?? NOTHING, study.about, command.by);
      if (other) navigate(viewerOf(text(other, TAGS.studyInstanceUid)));
      else setNotice(command.by === 1 ? "hanging:noNewer" : "hanging:noOlder");
    } else if (done === "hang") protocols.setOpen(true);
    else if (done === "lines") setLines(!lines);
    else if (done === "link") {
      if (can.link) setTogether(!isLinked);
    } else if (done === "capture" || done === "print") copies.open(done);
    else if (done === "keyImage") mark();
    else if (done === "help") setHelp(true);
    else navigate("/studies");
  };
  useKeys(run, letters, help || copies.busy || protocols.isOpen);

  useEffect(
    () =>
      whenGraphicsLost(() => {
        leaveGraphics();
        setNotice("graphicsLost");
        setLayout((present) => (present === "mpr" ? "one" : present));
        setTool((present) => (present === "crosshair" ? "window" : present));
        setActive(PANES[0]);
        setGeneration((present) => present + 1);
      }),
    [],
  );
  useEffect(() => {
    if (engine) takeTool(tool);
    // A new engine has tools of its own.
  }, [engine]);

  const tellRemoved = copies.removed;
  const minute = useMinute();
  const patient = text(study.about, TAGS.patientId);
  const watermark = useMemo(
    () => ({
      text: `${person} · ${minute} · ${patient}`,
      removed: () => {
        setNotice("mark.removed");
        tellRemoved();
      },
    }),
    [person, minute, patient, tellRemoved],
  );
  const lineIn = (of: RenderingEngine, id: string, index: number) => {
    const at = (pane: string, series: Series | null | undefined) => {
      const found = series ? stacks.current.get(series.uid) : undefined;
      const slice = looks[pane]?.index;
      return found && slice !== undefined ? { stack: found, index: slice } : null;
    };
    const [own, leader] = [at(id, seats[index]), at(active, chosen)];
    return own && leader && <ReferenceLine engine={of} id={id} own={own} leader={leader} />;
  };
  const open = layout === "mpr" ? [chosen?.uid ?? ""] : seats.slice(0, SHOWN[layout]).map((one) => one?.uid ?? "");

  return (
    <Mark.Provider value={watermark}>
      <KeyImagesOf value={keyImages}>
      <Desk value={desk}>
      <div className="flex h-full flex-col bg-ground text-ink" data-graphics={graphics || undefined}>
        <header className="flex shrink-0 flex-wrap items-center gap-x-4 gap-y-1 border-b bg-surface px-3 py-2">
          <Link to="/studies" aria-label={t("back")} title={`${t("back")} (${shownFor("leave")})`} className="grid size-8 shrink-0 place-items-center rounded-md hover:bg-accent-wash">
            <ArrowLeft size={18} aria-hidden />
          </Link>
          <h1 className="min-w-0 flex-1 truncate text-base font-semibold">
            {text(study.about, TAGS.patientName)}
            <span className="ml-2 text-sm font-normal text-soft">
              {patient} · {text(study.about, TAGS.studyDescription)}
            </span>
          </h1>
          <HangMenu open={protocols.isOpen} onOpen={protocols.setOpen} items={protocols.items} current={hanging} onChoose={protocols.choose} />
          <KeyBar study={study.uid} shown={layout !== "mpr" && stack !== null && chosen?.study === study.uid} onMark={mark} />
          <WhoLooked study={study.uid} />
          <Toolbar
            tool={tool}
            layout={layout}
            onLayout={arrange}
            run={run}
            playing={cine.playing}
            speed={cine.speed}
            linked={isLinked}
            comparing={compared !== null}
            can={can}
          />
        </header>
        {notice !== null && (
          <div role="alert" className="flex items-center justify-between gap-3 bg-warn-wash px-4 py-1.5 text-warn">
            {t(notice)}
            <button type="button" aria-label={t("dismiss")} onClick={() => setNotice(null)} className="grid size-6 shrink-0 place-items-center rounded hover:bg-surface">
              <X size={15} aria-hidden />
            </button>
          </div>
        )}
        <div className="flex min-h-0 flex-1 max-md:flex-col">
          <Strip
            studies={studies}
            open={open}
            chosen={chosen?.uid ?? null}
            onChoose={(series) => {
              if (layout === "mpr") arrange("one");
              sit(activeIndex, series);
            }}
            others={(others.data ?? []).filter((row) => text(row, TAGS.studyInstanceUid) !== compared)}
            onCompare={protocols.compare}
            pictures={Object.keys(looks).length > 0}
          />
          <main className="flex min-h-0 min-w-0 flex-1 bg-black">
            {engine && layout === "mpr" && stack && (
              <Mpr engine={engine} about={aboutOf(opened.current, stack.series, study)} stack={stack} active={active} onActivate={setActive} onControl={onControl} tool={tool} lines={lines} />
            )}
            {engine && layout !== "mpr" && (
              <div className={`grid min-h-0 min-w-0 flex-1 gap-0.5 ${GRID[layout]}`}>
                {PANES.slice(0, SHOWN[layout]).map((id, index) => (
                  <Seat
                    key={id}
                    engine={engine}
                    id={id}
                    label={t("pane", { number: index + 1 })}
                    series={seats[index] ?? null}
                    about={aboutOf(opened.current, seats[index] ?? null, study)}
                    start={looks[id]?.index ?? hung.current.get(id)?.start ?? 0}
                    dress={hung.current.get(id)?.series === seats[index]?.uid ? hung.current.get(id) : undefined}
                    over={lines && layout !== "one" && id !== active ? lineIn(engine, id, index) : null}
                    onDropped={(uid) => {
                      const series = studies.flatMap((one) => one.series).find((one) => one.uid === uid);
                      if (series) sit(index, series);
                      setActive(id);
                    }}
                    active={active === id}
                    onActivate={() => setActive(id)}
                    onControl={onControl}
                    onLook={onLook}
                    onStack={onStack}
                    onImage={(wanted) => void onImage(index, wanted)}
                  />
                ))}
              </div>
            )}
          </main>
        </div>
        {copies.element}
        <Help open={help} onClose={() => setHelp(false)} letters={letters} onLetters={setLetters} keys={keys} onKeys={setKeys} />
      </div>
      </Desk>
      </KeyImagesOf>
    </Mark.Provider>
  );
}

// === helpers ===

/** Empty seats get the series that are not open yet. */
function fill(seats: (Series | null)[], count: number, study: Study): (Series | null)[] {
  const waiting = study.series.filter((series) => !seats.slice(0, count).some((seat) => seat?.uid === series.uid));
  return seats.map((seat, index) => (index < count ? (seat ?? waiting.shift() ?? null) : seat));
}

const NOTHING: DataSet[] = [];

function seatsOf({ panes }: Hanging, studies: readonly Study[]): (Series | null)[] {
  const all = studies.flatMap((one) => one.series);
  return PANES.map((_, index) => all.find((one) => one.uid === panes[index]?.series) ?? null);
}

function hungIn({ panes }: Hanging): Map<string, Hung> {
  return new Map(panes.flatMap((one, index) => (one ? [[PANES[index]!, one]] : [])));
}

function dress(control: Control, { window, flipped }: Hung): void {
  const preset = PRESETS.find((one) => one.name === window);
  if (preset) control.show(preset);
  if (flipped) control.flip(true);
}

/** Whether pictures of one object follow each other, as they do in a film. */
function moves(stack: Stack | null): boolean {
  return stack !== null && stack.slices.length > new Set(stack.slices.map((slice) => slice.instance)).size;
}

function aboutOf(opened: ReadonlyMap<string, Study>, series: Series | null, otherwise: Study) {
  return (opened.get(series?.study ?? "") ?? otherwise).about;
}
