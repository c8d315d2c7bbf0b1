// Every case that the role of who is signed in has to do with, from the six lists of the API.
import { useQueries, type UseQueryResult } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Me } from "../../api/queries";
import { BROKEN_GLASS, brokenGlass, type BrokenGlass } from "../../api/rows";
import { casesOf, type Case } from "./cases";
import { destructions, holds, maintenance, policies, statedReasons, type Policies } from "./rows";

interface Found {
  cases: Case[];
  /** What is in force, for who has part in it. */
  inForce: Policies["in_force"] | null;
  pending: boolean;
  error: unknown;
  refetch: () => void;
}

/** The lists, each asked for by roles that may read it; `waiting` leaves out those of which nothing can wait for the role. */
export function useCases(me: Me | undefined, every: number | false = false, waiting = false): Found {
  const may = (...actions: string[]) => actions.some((action) => me?.actions.includes(action) === true);
  const asks = (waits: string, ...reads: string[]) => may(waits, ...(waiting ? [] : reads));
  const results = useQueries({
    queries: [
      { queryKey: BROKEN_GLASS, queryFn: brokenGlass, enabled: may("review-break-glass"), refetchInterval: every },
      { queryKey: ["policies"], queryFn: policies, enabled: asks("approve-policy", "propose-policy") || may("activate-policy"), refetchInterval: every },
      {
        queryKey: ["destructions"],
        queryFn: destructions,
        enabled: asks("approve-destruction", "request-destruction"),
        refetchInterval: every,
      },
      { queryKey: ["holds"], queryFn: holds, enabled: asks("approve-release", "manage-holds"), refetchInterval: every },
      { queryKey: ["maintenance"], queryFn: maintenance, enabled: asks("approve-maintenance", "open-maintenance"), refetchInterval: every },
      { queryKey: ["reasons"], queryFn: statedReasons, enabled: may("lift-stop"), refetchInterval: every },
    ],
  });
  const [glass, rules, destroyed, held, maintained, stated] = results;
  const cases = useMemo(() => {
    if (!me) return [];
    const of = {
      glass: (glass.data ?? []) as BrokenGlass[],
      policies: rules.data ?? null,
      destructions: destroyed.data ?? [],
      holds: held.data ?? [],
      maintenance: maintained.data ?? [],
      reasons: stated.data ?? [],
    };
    return casesOf(of, me);
  }, [me, glass.data, rules.data, destroyed.data, held.data, maintained.data, stated.data]);
  const all: UseQueryResult[] = results;
  return {
    cases,
    inForce: rules.data?.in_force ?? null,
    pending: all.some((one) => one.isLoading),
    error: all.find((one) => one.isError)?.error ?? null,
    refetch: () => all.filter((one) => one.isError).forEach((one) => void one.refetch()),
  };
}
