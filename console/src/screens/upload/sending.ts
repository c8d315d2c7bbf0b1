// Sends files by STOW-RS, one request after the other. The files stay with the browser; what is known of each is told as it becomes known.
import { request } from "../../api/client";
import { ProblemError } from "../../api/problem";
import type { DataSet } from "../../lib/dicom";
import { HEAD_BYTES, isPart10 } from "./part10";
import { nextBatch, resultsOf, type Item, type Result } from "./plan";

/** Tried again so many times when the way there breaks; what the server refuses is refused. */
const TRIES = 3;

interface Sending {
  files: Map<number, File>;
  /** The list as it is now. */
  items: () => Item[];
  tell: (changes: Map<number, Partial<Item>>) => void;
  signal: AbortSignal;
}

/** Sends everything that waits. Throws what keeps it from going on; what was under way then waits again. */
export async function send({ files, items, tell, signal }: Sending): Promise<void> {
  for (let batch = nextBatch(items()); batch.length > 0; batch = nextBatch(items())) {
    if (signal.aborted) return;
    const dicom: Item[] = [];
    const changes = new Map<number, Partial<Item>>();
    for (const item of batch) {
      const file = files.get(item.key);
      const head = file ? new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()) : new Uint8Array();
      if (isPart10(head)) dicom.push(item);
      changes.set(item.key, { fate: isPart10(head) ? "sending" : "notDicom" });
    }
    tell(changes);
    if (dicom.length === 0) continue;
    try {
      const results = await stow(dicom.map((item) => files.get(item.key) as File), signal);
      tell(new Map(dicom.map((item, index) => [item.key, results.get(index + 1) ?? { fate: "failed", why: "", code: null }])));
    } catch (error) {
      tell(new Map(dicom.map((item) => [item.key, { fate: "waiting" }])));
      if (signal.aborted) return;
      throw error;
    }
  }
}

// === helpers ===

async function stow(files: File[], signal: AbortSignal): Promise<Map<number, Result>> {
  for (let attempt = 1; ; attempt += 1) {
    const boundary = `yingdun-${crypto.randomUUID()}`;
    const parts: BlobPart[] = [];
    for (const file of files) parts.push(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`, file, "\r\n");
    parts.push(`--${boundary}--\r\n`);
    try {
      const answer = await request("/dicom-web/studies", {
        method: "POST",
        headers: { Accept: "application/dicom+json", "Content-Type": `multipart/related; type="application/dicom"; boundary=${boundary}` },
        body: new Blob(parts),
        signal,
      });
      return resultsOf((await answer.json()) as DataSet);
    } catch (error) {
      // Where every one of them was refused, the answer is a refusal that says so of each.
      const refused = error instanceof ProblemError ? resultsOf(error.details as unknown as DataSet) : new Map<number, Result>();
      if (refused.size > 0) return refused;
      const passing = !(error instanceof ProblemError) || error.status === 503 || error.status === 429;
      if (!passing || signal.aborted || attempt >= TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * attempt));
    }
  }
}
