// A document of a study: what kind it is, where it is, and how much of it is read.
import { text, type DataSet } from "../../lib/dicom";

export type Kind = "report" | "selection" | "pdf" | "other";

export interface Paper {
  study: string;
  series: string;
  instance: string;
  kind: Kind;
  number: number;
}

export function addressOf(paper: Paper): string {
  return `/dicom-web/studies/${paper.study}/series/${paper.series}/instances/${paper.instance}`;
}

/** Where the PDF itself is; nothing where the server keeps it: then its metadata have neither the value nor its address. */
export function pdfOf(paper: Paper, data: DataSet): string | null {
  const value = data["00420011"] as { BulkDataURI?: string; InlineBinary?: string } | undefined;
  const given = value?.BulkDataURI !== undefined || value?.InlineBinary !== undefined;
  const is = text(data, "00420012").toLowerCase() === "application/pdf";
  return given && is ? `${addressOf(paper)}/rendered?accept=application/pdf` : null;
}

export function kindOf(sopClass: string): Kind {
  if (sopClass === "1.2.840.10008.5.1.4.1.1.88.59") return "selection";
  if (sopClass.startsWith("1.2.840.10008.5.1.4.1.1.88.")) return "report";
  return sopClass === "1.2.840.10008.5.1.4.1.1.104.1" ? "pdf" : "other";
}

/** The text of an answer, which is given up where it is longer. */
export async function bounded(answer: Response, bytesMax: number): Promise<string> {
  const reader = answer.body?.getReader();
  if (!reader) return "";
  const decoder = new TextDecoder();
  let [bytes, found] = [0, ""];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return found + decoder.decode();
    bytes += value.byteLength;
    if (bytes > bytesMax) {
      await reader.cancel();
      throw new TooLong();
    }
    found += decoder.decode(value, { stream: true });
  }
}

/** A document says more than a page can show. */
export class TooLong extends Error {}
