// Comparing that was asked for where the study was chosen: it begins once the other studies of the patient are known, and once only.
import { useEffect, useRef } from "react";
import { useSearchParams } from "../lib/address";
import { COMPARED } from "./load";

export function useComparedAsked(ready: boolean, compare: () => void): void {
  const [parameters, setParameters] = useSearchParams();
  const asked = parameters.has(COMPARED);
  const begun = useRef(false);
  useEffect(() => {
    if (!asked || !ready || begun.current) return;
    begun.current = true;
    compare();
    // Whoever ends it and comes back finds it ended.
    setParameters(
      (present) => {
        const changed = new URLSearchParams(present);
        changed.delete(COMPARED);
        return changed;
      },
      { replace: true },
    );
  });
}
