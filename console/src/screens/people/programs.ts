// Programs (service clients) and by what they are known, as the API tells them.

export interface Program {
  client_id: string;
  confidential: boolean;
  redirect_uris: string[];
  scopes: string[];
  disabled: boolean;
  demands: string[];
}

export interface Credential {
  kind: string;
  sha256: string;
  valid_until_ms: number;
  issuer?: string;
  client_id?: string;
  subject?: string;
}

export const SCOPES = ["store", "search", "view", "export", "worklist", "workitems", "vault", "introspect"] as const;
export const DEMANDS = ["certificate", "dpop", "signature"] as const;
export const KINDS = ["certificate", "certificate-key", "signature-key", "external-token"] as const;

export type Scope = (typeof SCOPES)[number];
export type Demand = (typeof DEMANDS)[number];
export type Kind = (typeof KINDS)[number];

export function fittingPrograms(programs: Program[], text: string): Program[] {
  const sought = text.trim().toLowerCase();
  return programs.filter((program) => program.client_id.toLowerCase().includes(sought));
}

/** Whether less is asked of a program than before: then its scopes have to be granted anew. */
export function loosens(before: string[], after: string[]): boolean {
  return before.some((demand) => !after.includes(demand));
}

/** What somebody typed, one entry a line. */
export function lines(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}
