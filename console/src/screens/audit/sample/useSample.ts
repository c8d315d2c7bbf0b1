// The sample that is looked at: its numbers stand in the address, what its checks gave is kept while the page is open.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useSearchParams } from "../../../lib/address";
import { request } from "../../../api/client";
import { fromHex, utf8 } from "../../../lib/bytes";
import type { LogKey } from "../../../lib/note";
import { isBroken, isProved, readProof, verify } from "../../../lib/tlog";
import { keyOf, type Row } from "../search";
import { readDrawn, writeDrawn, type Drawn } from "./drawn";
import { readSample, SAMPLE_MAX, type Sample } from "./read";

/** How the proof of a record came out. `other`: it is of a log that this node cannot prove. */
export type Checked = "proved" | "open" | "broken" | "other";

const KEY = /^(\d{1,15})@(\S+)$/;

export function useSample() {
  const [parameters, setParameters] = useSearchParams();
  const client = useQueryClient();
  const text = parameters.get("sample");
  const keys = keysOf(text);
  const drawn: Drawn | null = readDrawn(parameters.get("drawn"));
  const [checked, setChecked] = useState<ReadonlyMap<string, Checked>>(new Map());
  const [running, setRunning] = useState(false);
  const stopped = useRef(false);
  const read = useQuery({
    queryKey: ["audit", "sample", text],
    queryFn: ({ signal }) => readSample(keys, signal),
    enabled: keys.length > 0,
    staleTime: Infinity,
    gcTime: Infinity,
  });
  const put = (sample: Sample | null) => {
    const names = sample?.rows.map(keyOf).join(",") ?? null;
    if (sample && names !== null) client.setQueryData(["audit", "sample", names], sample.rows);
    stopped.current = true;
    setChecked(new Map());
    setParameters((present) => {
      const changed = new URLSearchParams(present);
      for (const name of ["sample", "drawn", "record", "view"]) changed.delete(name);
      if (sample && names) {
        changed.set("sample", names);
        changed.set("drawn", writeDrawn(sample.drawn));
      }
      return changed;
    });
  };
  const check = async (rows: Row[], own: string, key: LogKey | null) => {
    stopped.current = false;
    setRunning(true);
    for (const row of rows) {
      if (stopped.current) break;
      const outcome = row.log === own ? await checkOne(row, key) : "other";
      setChecked((before) => new Map(before).set(keyOf(row), outcome));
    }
    setRunning(false);
  };
  return {
    present: keys.length > 0,
    rows: read.data,
    names: keys.map(keyOf),
    error: read.error,
    drawn,
    checked,
    running,
    put,
    check,
    stop: () => {
      stopped.current = true;
    },
  };
}

// === helpers ===

async function checkOne(row: Row, key: LogKey | null): Promise<Checked> {
  const answer = await request(`/api/v1/audit/proofs/${row.index}`);
  const proof = readProof(await answer.text());
  if (proof?.index !== row.index) return "broken";
  const found = await verify(utf8(row.spelling), proof, fromHex(row.leafHash), key);
  return isBroken(found) ? "broken" : isProved(found) ? "proved" : "open";
}

function keysOf(text: string | null): { log: string; index: number }[] {
  const found = (text ?? "").split(",").map((part) => KEY.exec(part));
  return found
    .filter((part) => part !== null)
    .slice(0, SAMPLE_MAX)
    .map((part) => ({ index: Number(part[1]), log: part[2] ?? "" }));
}
