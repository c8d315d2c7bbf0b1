// A place for a series: fetches what is known of its slices, and fetches them ahead while somebody looks.
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Refused } from "../components/basics";
import type { Look } from "./controls";
import { register } from "./engine";
import { Waiting } from "./Instead";
import { Pane, type PaneProps } from "./Pane";
import { useKeyImages, useShown } from "./objects/KeyImages";
import { DOCUMENTS } from "./objects/modalities";
import { Papers, type Wanted } from "./objects/Papers";
import { fetchAhead, type Ahead } from "./prefetch";
import { setProgress } from "./progress";
import { stackQuery, type Series, type Stack } from "./study";

type SeatProps = Omit<PaneProps, "stack"> & { series: Series | null; onStack: (stack: Stack) => void; onImage: (wanted: Wanted) => void; onDropped: (series: string) => void };

/** A series that was dragged onto it hangs there. */
export function Seat({ onDropped, ...rest }: SeatProps) {
  const [over, setOver] = useState(false);
  return (
    <div
      className={`relative grid min-h-0 min-w-0 ${over ? "outline-3 -outline-offset-3 outline-dashed outline-accent" : ""}`}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes(DRAGGED)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false);
        const series = event.dataTransfer.getData(DRAGGED);
        if (series === "") return;
        event.preventDefault();
        onDropped(series);
      }}
    >
      <Seated {...rest} />
    </div>
  );
}

/** What is dragged: a series by its UID, and nothing that another window could take for a picture. */
export const DRAGGED = "application/x-yingdun-series";

// === helpers ===

function Seated({ series, onStack, onImage, ...rest }: Omit<SeatProps, "onDropped">) {
  const { t } = useTranslation("viewer");
  const found = useQuery(stackQuery(series !== null && DOCUMENTS.has(series.modality) ? null : series));
  const stack = useShown(found.data);
  const { only } = useKeyImages();
  const ahead = useRef<Ahead | null>(null);
  const { onLook } = rest;

  useEffect(() => {
    if (!stack) return;
    onStack(stack);
    register(stack);
    const made = fetchAhead(stack, (loaded, total) => setProgress(stack.series.uid, loaded, total));
    ahead.current = made;
    return () => {
      made.stop();
      ahead.current = null;
    };
  }, [stack, onStack]);
  const look = useCallback(
    (id: string, seen: Look) => {
      ahead.current?.look(seen.index);
      onLook(id, seen);
    },
    [onLook],
  );

  if (series !== null && (DOCUMENTS.has(series.modality) || found.data?.slices.length === 0)) {
    return <Papers key={series.uid} series={series} id={rest.id} label={rest.label} active={rest.active} onActivate={rest.onActivate} onImage={onImage} />;
  }
  if (series === null) return <Blank words={t("emptyPane")} active={rest.active} onActivate={rest.onActivate} label={rest.label} />;
  if (found.isError) {
    return (
      <section aria-label={rest.label} className="grid place-items-center bg-black p-4" onPointerDown={rest.onActivate}>
        <Refused error={found.error} retry={() => void found.refetch()} />
      </section>
    );
  }
  if (!stack) {
    return (
      <section aria-label={rest.label} className="relative bg-black">
        <Waiting />
      </section>
    );
  }
  if (stack.slices.length === 0) return <Blank words={t("noKeyImages", { ns: "objects" })} active={rest.active} onActivate={rest.onActivate} label={rest.label} />;
  return <Pane key={`${series.uid} ${only === null ? "" : "only"}`} {...rest} stack={stack} onLook={look} />;
}

function Blank({ words, active, onActivate, label }: { words: string; active: boolean; onActivate: () => void; label: string }) {
  return (
    <section
      aria-label={label}
      onPointerDown={onActivate}
      className={`grid place-items-center bg-black p-4 text-center text-white/80 ${active ? "shadow-[inset_0_0_0_2px_var(--accent)]" : "shadow-[inset_0_0_0_1px_var(--line)]"}`}
    >
      {words}
    </section>
  );
}
