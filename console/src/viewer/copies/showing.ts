// In which form the studies on the screen are shown to this session: whether copies may be made, and whether pictures are covered while nobody looks.
import { useQueries } from "@tanstack/react-query";
import { request } from "../../api/client";

interface Showing {
  grade: string;
  marked: boolean;
  rendered_only: boolean;
  shielded: boolean;
  copies: boolean;
}

/** Of each study; nothing until it is known. */
export function useShowings(studies: readonly string[]): (Showing | null)[] {
  return useQueries({
    queries: studies.map((study) => ({
      queryKey: ["viewer", "showing", study],
      staleTime: 60_000,
      queryFn: async ({ signal }: { signal: AbortSignal }): Promise<Showing> => {
        const answer = await request(`/api/v1/studies/${encodeURIComponent(study)}/showing`, { signal });
        return (await answer.json()) as Showing;
      },
    })),
    combine: (found) => found.map((one) => one.data ?? null),
  });
}
