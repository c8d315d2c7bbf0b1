// What the console says in Chinese of a refusal whose case it knows. The server words what was expected and what helps in English only; its
// words stay beside these. The table is as long as the ways to be refused, and is loaded with the first refusal.
import { useEffect, useState } from "react";
import type { ProblemError } from "../api/problem";

type Words = readonly [expected: string, remedy: string];
type Cases = Readonly<Record<string, readonly string[]>>;

interface Table {
  came: Cases;
  expected: Cases;
  kind: Cases;
}

/** By what came, then by what was expected, then by the kind of the problem: the nearest case that is known. */
export function refusalInChinese(problem: ProblemError, table: Table): Words | null {
  const { came, expected } = problem.details;
  return of(table.came, came) ?? of(table.expected, expected) ?? of(table.kind, problem.kind);
}

/** The same, once the table is there; nothing where nothing is wanted. */
export function useRefusalInChinese(problem: ProblemError | null): Words | null {
  const [table, setTable] = useState(loaded);
  const isWanted = problem !== null;
  useEffect(() => {
    if (!isWanted || loaded !== null) return;
    let left = false;
    import("./refusals.zh.json").then(
      (module) => {
        loaded = module.default;
        if (!left) setTable(loaded);
      },
      // Then the words of the server have to do.
      () => undefined,
    );
    return () => {
      left = true;
    };
  }, [isWanted]);
  return problem === null || table === null ? null : refusalInChinese(problem, table);
}

// === helpers ===

let loaded: Table | null = null;

function of(cases: Cases, word: string | undefined): Words | null {
  // Words come from outside: only those of the table itself count.
  const found = word !== undefined && Object.hasOwn(cases, word) ? cases[word] : undefined;
  return found?.[0] !== undefined && found[1] !== undefined ? [found[0], found[1]] : null;
}
