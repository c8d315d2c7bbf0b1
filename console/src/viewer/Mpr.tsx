// A series cut in three directions at once. It needs a graphics processor; where there is none, nobody is offered it.
import { Enums, setVolumesForViewports, volumeLoader, type RenderingEngine } from "@cornerstonejs/core";
import { clsx } from "clsx";
import { useEffect, useRef, useState, type PointerEvent } from "react";
import { useTranslation } from "react-i18next";
import type { DataSet } from "../lib/dicom";
import { lookOf, VolumeControl, type Control, type Look } from "./controls";
import { showPoint } from "./crosshair";
import { addToTools, isEnded, keepSize, leavePane, register, volumeOf } from "./engine";
import { Failed, Waiting } from "./Instead";
import type { Tool } from "./keys";
import { Crosshair } from "./Lines";
import { Marked } from "./Marked";
import { Overlay } from "./Overlay";
import type { Stack } from "./study";
import { rangeOf } from "./windows";

const { AXIAL, CORONAL, SAGITTAL } = Enums.OrientationAxis;
export const CUTS = [
  { id: "cut-axial", name: "axial", orientation: AXIAL },
  { id: "cut-coronal", name: "coronal", orientation: CORONAL },
  { id: "cut-sagittal", name: "sagittal", orientation: SAGITTAL },
] as const;

const otherThan = (id: string) => CUTS.map((cut) => cut.id).filter((other) => other !== id);

interface MprProps {
  engine: RenderingEngine;
  about: DataSet;
  stack: Stack;
  active: string;
  onActivate: (id: string) => void;
  onControl: (id: string, control: Control | null) => void;
  tool: Tool;
  /** Whether the cuts show where the others lie. */
  lines: boolean;
}

export function Mpr({ engine, about, stack, active, onActivate, onControl, tool, lines }: MprProps) {
  const { t } = useTranslation("viewer");
  const places = useRef<(HTMLDivElement | null)[]>([]);
  const [state, setState] = useState<"waiting" | "shown" | "failed">("waiting");
  const [looks, setLooks] = useState<Record<string, Look>>({});
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    let ended = false;
    const ends: (() => void)[] = [];
    setState("waiting");
    register(stack);
    CUTS.forEach(({ id, orientation }, index) => {
      const element = places.current[index];
      if (!element || isEnded(engine)) return;
      engine.enableElement({ viewportId: id, element, type: Enums.ViewportType.ORTHOGRAPHIC, defaultOptions: { orientation, background: [0, 0, 0] } });
      addToTools(id);
      const viewport = volumeOf(engine, id);
      if (!viewport) return;
      const leave = keepSize(engine, element);
      const control = new VolumeControl(viewport);
      const say = () => {
        if (!ended && !isEnded(engine) && viewport.getActors().length > 0) setLooks((present) => ({ ...present, [id]: lookOf(viewport, control.index(), control.count()) }));
      };
      const { IMAGE_RENDERED, VOI_MODIFIED, CAMERA_MODIFIED } = Enums.Events;
      for (const event of [IMAGE_RENDERED, VOI_MODIFIED, CAMERA_MODIFIED]) element.addEventListener(event, say);
      onControl(id, control);
      ends.push(() => {
        for (const event of [IMAGE_RENDERED, VOI_MODIFIED, CAMERA_MODIFIED]) element.removeEventListener(event, say);
        onControl(id, null);
        leave();
        leavePane(engine, id);
      });
    });
    const volumeId = `cornerstoneStreamingImageVolume:${stack.series.uid}:${stack.slices.length}`;
    const cut = async () => {
      const volume = await volumeLoader.createAndCacheVolume(volumeId, { imageIds: stack.slices.map((slice) => slice.imageId) });
      if (ended || isEnded(engine)) return;
      volume.load();
      await setVolumesForViewports(engine, [{ volumeId }], CUTS.map(({ id }) => id));
      if (ended || isEnded(engine)) return;
      const [center] = stack.slices[0]?.data["00281050"]?.Value ?? [];
      const [width] = stack.slices[0]?.data["00281051"]?.Value ?? [];
      for (const { id } of CUTS) {
        const viewport = volumeOf(engine, id);
        if (viewport && center !== undefined && width !== undefined) {
          viewport.setProperties({ voiRange: rangeOf({ center: Number(center), width: Number(width) }) });
        }
      }
      engine.renderViewports(CUTS.map(({ id }) => id));
      setState("shown");
    };
    cut().catch(() => {
      if (!ended) setState("failed");
    });
    return () => {
      ended = true;
      for (const end of ends) end();
    };
  }, [engine, stack, onControl, attempt]);

  /** With crosshairs, the left button shows the others where to go. */
  const point = (id: string, index: number, event: PointerEvent) => {
    const place = places.current[index];
    if (tool !== "crosshair" || (event.buttons & 1) === 0 || !place) return;
    const { left, top } = place.getBoundingClientRect();
    showPoint(engine, id, otherThan(id), [event.clientX - left, event.clientY - top]);
  };

  return (
    <div className="relative grid min-h-0 min-w-0 flex-1 grid-cols-[3fr_2fr] grid-rows-2 gap-0.5">
      {CUTS.map(({ id, name }, index) => (
        <section
          key={id}
          aria-label={t(`cuts.${name}`)}
          data-testid={id}
          data-active={active === id || undefined}
          data-shown={state === "shown" || undefined}
          onPointerDown={(event) => {
            onActivate(id);
            point(id, index, event);
          }}
          onPointerMove={(event) => point(id, index, event)}
          onContextMenu={(event) => event.preventDefault()}
          className={clsx(
            "viewer-pane relative min-h-0 min-w-0 overflow-hidden bg-black",
            index === 0 && "row-span-2",
            active === id ? "shadow-[inset_0_0_0_2px_var(--accent)]" : "shadow-[inset_0_0_0_1px_var(--line)]",
          )}
        >
          <Marked className="size-full p-0.5">
            <div
              ref={(element) => {
                places.current[index] = element;
              }}
              className="size-full"
            />
            {lines && looks[id] && <Crosshair engine={engine} id={id} others={otherThan(id)} />}
            <Overlay about={about} series={stack.series} look={looks[id] ?? null} loaded={t(`cuts.${name}`)} />
          </Marked>
        </section>
      ))}
      {state === "waiting" && <Waiting />}
      {state === "failed" && <Failed failure="network" again={() => setAttempt((present) => present + 1)} />}
    </div>
  );
}
