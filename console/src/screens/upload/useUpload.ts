// The upload that is under way. It is of this page: leaving it while something is sent is asked about first.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import type { Item } from "./plan";
import { send } from "./sending";
import { tallyOf } from "./plan";

interface Upload {
  items: Item[];
  running: boolean;
  error: unknown;
  began_ms: number;
  /** Bytes that were done when it began, so that a pace is of what was sent since. */
  began_bytes: number;
  add: (files: { name: string; file: File }[]) => void;
  start: () => void;
  stop: () => void;
  /** Sends what failed once more. */
  again: () => void;
}

export function useUpload(): Upload {
  const queries = useQueryClient();
  const [items, setItems] = useState<Item[]>([]);
  const [running, setRunning] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [began, setBegan] = useState({ ms: 0, bytes: 0 });
  const present = useRef<Item[]>([]);
  const files = useRef(new Map<number, File>());
  const abort = useRef<AbortController | null>(null);

  const put = useCallback((next: Item[]) => {
    present.current = next;
    setItems(next);
  }, []);

  const start = useCallback(() => {
    if (abort.current !== null) return;
    const controller = new AbortController();
    abort.current = controller;
    setRunning(true);
    setError(null);
    setBegan({ ms: Date.now(), bytes: tallyOf(present.current).bytes_done });
    const tell = (changes: Map<number, Partial<Item>>) => put(present.current.map((item) => ({ ...item, ...changes.get(item.key) })));
    void send({ files: files.current, items: () => present.current, tell, signal: controller.signal })
      .catch(setError)
      .finally(() => {
        abort.current = null;
        setRunning(false);
        void queries.invalidateQueries({ queryKey: ["studies"] });
      });
  }, [put, queries]);

  const add = useCallback(
    (chosen: { name: string; file: File }[]) => {
      if (chosen.length === 0) return;
      const first = present.current.length;
      const added = chosen.map(({ name, file }, index): Item => {
        files.current.set(first + index, file);
        return { key: first + index, name, bytes: file.size, fate: "waiting", why: "", code: null };
      });
      put([...present.current, ...added]);
      start();
    },
    [put, start],
  );

  const stop = useCallback(() => abort.current?.abort(), []);
  const again = useCallback(() => {
    put(present.current.map((item) => (item.fate === "failed" ? { ...item, fate: "waiting", why: "", code: null } : item)));
    start();
  }, [put, start]);

  useEffect(() => () => abort.current?.abort(), []);
  useEffect(() => {
    if (!running) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [running]);

  return { items, running, error, began_ms: began.ms, began_bytes: began.bytes, add, start, stop, again };
}
