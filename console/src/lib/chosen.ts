// What is chosen in a list stands in the address too, so that it can be sent and comes back with the page.
import { useSearchParams } from "./address";
import { hasRoom } from "./narrow";

/** What is chosen under this name, and how to choose. Nothing is chosen by the empty word. */
export function useChosen(name: string): [string | null, (value: string) => void] {
  const [parameters, setParameters] = useSearchParams();
  const choose = (value: string) =>
    setParameters(
      (present) => {
        const changed = new URLSearchParams(present);
        if (value === "") changed.delete(name);
        else changed.set(name, value);
        return changed;
      },
      // Where it takes the place of the list, one goes back from it.
      { replace: value === "" || hasRoom() },
    );
  return [parameters.get(name), choose];
}
