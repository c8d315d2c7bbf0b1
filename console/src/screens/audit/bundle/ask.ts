// Asks the archive for evidence. The asking is a leaf of its own, before the answer.
import { api, body } from "../../../api/client";
import type { Answer } from "./answer";

interface Span {
  from_ms?: number;
  until_ms?: number;
  limit?: number;
  cursor?: string;
}

export type Question = Span & ({ study_uid: string } | { patient_id: string; issuer?: string } | { actor: string });

export async function ask(question: Question): Promise<Answer> {
  return (await body(api.POST("/api/v1/audit/bundle", { body: question }))) as unknown as Answer;
}
