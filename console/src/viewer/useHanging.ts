// By which protocol the study hangs: at first by itself, then as somebody chooses, alone or beside another study.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { TAGS, text, type DataSet } from "../lib/dicom";
import { dicomDate } from "../lib/time";
import { want, wantedBy } from "./hangingMemory";
import { caseQuery } from "./headings";
import { beyond, isEarlier, priorFor } from "./priors";
import { choose, fitting, fittingWithPrior, modalityOf, NAMES, showsPrior, type Case, type Hanging } from "./protocols";
import type { Study } from "./study";

interface HangingNeeds {
  study: Study;
  seen: Case;
  person: string;
  /** Other studies of the patient. */
  others: readonly DataSet[];
  compared: string | null;
  setCompared: (study: string | null) => void;
  /** The study that is compared with: nothing where it may not be seen. */
  prior: Study | null | undefined;
  hangUp: (hanging: Hanging) => void;
  setNotice: (notice: string) => void;
}

export function useHanging({ study, seen, person, others, compared, setCompared, prior, hangUp, setNotice }: HangingNeeds) {
  const [isOpen, setOpen] = useState(false);
  const chosen = useRef<string | null>(null);
  const began = useRef(false);
  const beside = prior && prior.uid === compared ? prior : null;
  const priorSeen = useQuery(caseQuery(beside)).data ?? null;
  const modality = modalityOf(seen);
  const best = useMemo(() => priorFor(study, seen, others), [study, seen, others]);
  const bestDate = best ? dicomDate(text(best, TAGS.studyDate)) : "";

  const items = useMemo(() => {
    const fit = new Set(fitting(seen, compared === null ? null : priorSeen).map((one) => one.name));
    if (best) for (const name of fittingWithPrior(seen)) fit.add(name);
    return NAMES.filter((name) => fit.has(name)).map((name) => ({ name, opens: compared === null && showsPrior(name) ? bestDate : "" }));
  }, [seen, priorSeen, compared, best, bestDate]);

  const hang = (beside: Case | null, wanted: string | null) => {
    const found = choose(seen, beside, wanted);
    if (!found) return;
    if (wanted !== null && found.name !== wanted) setNotice("hanging:unfit");
    hangUp(found);
  };
  const compare = (uid: string | null, wanted: string | null = null) => {
    chosen.current = wanted;
    setCompared(uid);
    if (uid === null) hang(null, wanted ?? alone(wantedBy(person, modality)));
  };
  const compareWith = (row: DataSet | null, wanted: string | null = null) => {
    if (row) compare(text(row, TAGS.studyInstanceUid), wanted);
    else setNotice("hanging:noPrior");
  };

  useEffect(() => {
    if (priorSeen) hang(priorSeen, chosen.current);
  }, [priorSeen]);
  useEffect(() => {
    // It was in the list, and may not be seen any more.
    if (compared !== null && prior === null) {
      setNotice("hanging:noPrior");
      compare(null);
    }
  }, [compared, prior]);
  useEffect(() => {
    if (began.current || others.length === 0) return;
    began.current = true;
    const wanted = wantedBy(person, modality);
    if (wanted !== null && showsPrior(wanted) && best && isEarlier(best, study.about) && fittingWithPrior(seen).includes(wanted)) compareWith(best, wanted);
  }, [others]);

  return {
    isOpen,
    setOpen,
    items,
    compare: (uid: string | null) => compare(uid),
    compareBest: () => compareWith(best, chosen.current),
    compareNext: (by: 1 | -1) => compareWith(compared === null ? best : beyond(others, beside?.about ?? study.about, by)),
    /** By its name, or as the study says; and so for others of this modality. */
    choose: (name: string | null) => {
      want(person, modality, name);
      if (name !== null && showsPrior(name)) {
        if (compared === null) compareWith(best, name);
        else if (priorSeen) hang(priorSeen, name);
        else chosen.current = name;
      } else compare(null, name);
    },
  };
}

// === helpers ===

/** Without another study. */
function alone(name: string | null): string | null {
  return name === null || showsPrior(name) ? null : name;
}
