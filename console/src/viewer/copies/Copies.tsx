// What the viewer needs around its panes for copies, signals and the shield, with one line of its own for each.
import { useCallback, useState, type ReactNode } from "react";
import { addTexts } from "../../i18n";
import { CopyDialog, type CopyKind } from "./CopyDialog";
import en from "./en.json";
import { Shield } from "./Shield";
import { useShowings } from "./showing";
import { useSignals } from "./signals";
import type { Shot } from "./shot";
import zh from "./zh-CN.json";

addTexts("copies", { "zh-CN": zh, en });

interface Around {
  /** The studies on the screen, and the one in the active pane. */
  studies: readonly string[];
  active: string;
  person: string;
  patient: string;
  /** What the active pane shows; nothing where no copy of it can be made. */
  shot: () => Shot | null;
  /** Where a copy cannot be made: says why. */
  onNone: (why: "copies:none" | "copies:refused") => void;
}

export interface Copies {
  /** Whether who looks may make copies of the active study. */
  can: boolean;
  open: (kind: CopyKind) => void;
  /** The mark was taken away. */
  removed: () => void;
  /** Whether a dialog is open, so that keys belong to it. */
  busy: boolean;
  element: ReactNode;
}

export function useCopies({ studies, active, person, patient, shot, onNone }: Around): Copies {
  const [asked, setAsked] = useState<{ kind: CopyKind; shot: Shot } | null>(null);
  const showings = useShowings(studies);
  const can = showings[studies.indexOf(active)]?.copies === true;
  const open = (kind: CopyKind) => {
    const taken = can ? shot() : null;
    if (taken) setAsked({ kind, shot: taken });
    else onNone(can ? "copies:none" : "copies:refused");
  };
  const tell = useSignals({ onPrint: () => open("print"), study: active });
  const removed = useCallback(() => tell("mark-removed"), [tell]);
  // What is not known yet is covered, too.
  const shielded = showings.some((one) => one?.shielded !== false);
  const element = (
    <>
      {asked && <CopyDialog key={asked.kind} {...asked} person={person} patient={patient} onClose={() => setAsked(null)} />}
      <Shield on={shielded} />
    </>
  );
  return { can, open, removed, busy: asked !== null, element };
}
