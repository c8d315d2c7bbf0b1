// Which patient ID stands behind a pseudonym, as far as somebody typed it on this page. Lists of rights name patients by pseudonyms; who just
// opened one knows which it is. It is kept with what was asked for, and goes with it when the session ends.
import { queryClient } from "../api/queries";

const KEY = "known-patient";

queryClient.setQueryDefaults([KEY], { gcTime: Infinity, staleTime: Infinity });

export function know(pseudonym: string | null, patient_id: string): void {
  if (pseudonym !== null) queryClient.setQueryData([KEY, pseudonym], patient_id);
}

export function known(pseudonym: string): string | undefined {
  return queryClient.getQueryData<string>([KEY, pseudonym]);
}

/** Enough of a pseudonym to tell one from another. */
export function shortened(pseudonym: string): string {
  return `${pseudonym.slice(0, 8)}…`;
}
