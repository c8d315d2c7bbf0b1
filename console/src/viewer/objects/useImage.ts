// From a name of an image in a document to that image in a pane beside it.
import { useCallback, useRef } from "react";
import { request } from "../../api/client";
import { text, type DataSet } from "../../lib/dicom";
import type { Control } from "../controls";
import type { Series, Stack, Study } from "../study";
import type { Wanted } from "./Papers";

interface Panes {
  controls: Map<string, Control>;
  stacks: Map<string, Stack>;
}

/** What opens an image in a pane: at once where its series is there already, or else when it has come. `arrived` is told of each pane. */
export function useImage(study: Study, panes: Panes) {
  const waiting = useRef(new Map<string, { series: string; wanted: Wanted }>());
  const arrived = useCallback(
    (id: string) => {
      const asked = waiting.current.get(id);
      const control = panes.controls.get(id);
      const stack = panes.stacks.get(asked?.series ?? "");
      if (!asked || !control || !stack) return;
      const [frame] = asked.wanted.frames;
      const index = stack.slices.findIndex((slice) => slice.instance === asked.wanted.instance && (frame === undefined || slice.frame === frame));
      waiting.current.delete(id);
      if (index < 0) return;
      control.go(index);
    },
    [panes],
  );
  /** The series of an image of this study; nothing where there is none that one may see. */
  const seriesOf = async (wanted: Wanted): Promise<Series | null> => {
    const uid = wanted.series ?? (await seriesByInstance(study.uid, wanted.instance));
    return study.series.find((series) => series.uid === uid) ?? null;
  };
  const goIn = (id: string, series: Series, wanted: Wanted, isThere: boolean) => {
    waiting.current.set(id, { series: series.uid, wanted });
    if (isThere) arrived(id);
  };
  /** Another series sits in the pane now. */
  const forget = (id: string) => void waiting.current.delete(id);
  return { arrived, seriesOf, goIn, forget };
}

// === helpers ===

/** Where a document does not say in which series an image is, the archive does. */
async function seriesByInstance(study: string, instance: string): Promise<string | null> {
  const asked = new URLSearchParams({ SOPInstanceUID: instance, limit: "1" });
  const answer = await request(`/dicom-web/studies/${study}/instances?${asked}`, { headers: { Accept: "application/dicom+json" } });
  const [row] = answer.status === 204 ? [] : ((await answer.json()) as DataSet[]);
  return row === undefined ? null : text(row, "0020000E");
}
