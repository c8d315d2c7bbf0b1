// The signed head of the log of the node that answers.
import { useQuery } from "@tanstack/react-query";
import { request } from "../../api/client";
import { judge, readCheckpoint, readNote, type Checkpoint, type Judgement, type LogKey, type Note } from "../../lib/note";

export interface Head extends Checkpoint {
  text: string;
  note: Note;
  read_ms: number;
}

export function useHead() {
  return useQuery({ queryKey: ["audit", "checkpoint"], queryFn: ({ signal }) => fetchHead(signal), staleTime: Infinity });
}

async function fetchHead(signal?: AbortSignal): Promise<Head> {
  const answer = await request("/api/v1/audit/checkpoint", signal ? { signal } : {});
  const text = await answer.text();
  const note = readNote(text);
  const checkpoint = note && readCheckpoint(note.text);
  if (!note || !checkpoint) throw new Error("no checkpoint");
  return { ...checkpoint, text, note, read_ms: Date.now() };
}

/** Whether a key signed a head. */
export function useJudgement(head: Head | undefined, key: LogKey | null): Judgement | undefined {
  const asked = useQuery({
    queryKey: ["audit", "judgement", head?.text ?? "", key?.text ?? ""],
    queryFn: () => (head && key ? judge(head.note, key) : null),
    enabled: head !== undefined && key !== null,
    staleTime: Infinity,
  });
  return asked.data ?? undefined;
}
