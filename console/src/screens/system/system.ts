// The state of the system and how it is set up, as the API tells them.
import type { Tone } from "../../components/basics";

export interface Health {
  version: string;
  status: "ready" | "attention" | "not-ready";
  parts: string[];
  storage: { writable: boolean; write_quorum: number; packs: number; bytes: number; offsite_behind: number };
  databases: { catalogue: string; identity: string };
  audit: { accepting: boolean };
  certificates: ({ subject: string; not_after_ms: number } | null)[];
}

export interface Status {
  institution: string;
  holdings: { studies: number; series: number; instances: number; patient_conflicts: number; accession_conflicts: number };
  audit: {
    leaves: number;
    indexed: number;
    checkpoint_size: number;
    checkpoint_root: string;
    accepting: boolean;
    witnessed_size: number | null;
    witnesses?: unknown;
    completeness?: { heartbeat?: { age_s: number; number: number } | null } | null;
  };
  policy_set: string;
  certificates: Certificate[];
}

export interface Certificate {
  subject: string;
  names: string[];
  not_before_ms: number;
  not_after_ms: number;
  sha256: string;
}

export interface Door {
  door: string;
  listen: string;
  versions: string[];
  suites: string[];
  key_exchange: string[];
  client_certificate: string;
  certificate_subject: string | null;
  certificate_not_after_ms: number | null;
}

export interface Interface {
  door: string;
  name: string;
  address: string;
  owner: string;
  class: string;
  authentication: string;
  encryption: string;
  zones: string[] | null;
}

export interface Configuration {
  version: string;
  doors: Door[];
  interfaces: { coverage: { interfaces: number; owned: number; encrypted: number; authenticated: number }; listed: Interface[] };
  zones: string[];
  storage: {
    replicas: { label: string; failure_domain: string }[];
    offsite: number;
    write_quorum: number;
    write_domains: number | null;
    reserve_bytes: number;
    object_bytes_max: number;
    scrub_days: number;
  };
  dicom: { tls_listen: string | null; plain_listen: string | null; plain_beyond_loopback: boolean };
  identity: { require_second_factor_for: string[]; require_passkey_for: string[]; step_up_for_sensitive: boolean; idle_minutes: number };
  connected: Record<string, boolean>;
}

/** Parts without which nothing is served, and parts that somebody should look at. */
export const VITAL = ["audit", "catalogue", "keys", "identity", "storage"] as const;
const WATCHED = ["offsite", "witnesses", "syslog", "time-stamps", "audit-log", "break-glass"] as const;

const MS_PER_DAY = 86_400_000;

/** Each part that is set up, and whether it is well. What is not set up cannot be well. */
export function partsOf(health: Health, status: Status | undefined, configuration: Configuration | undefined): { part: string; tone: Tone }[] {
  const connected = configuration?.connected ?? {};
  const present: Record<(typeof WATCHED)[number], boolean> = {
    offsite: (configuration?.storage.offsite ?? 0) > 0,
    witnesses: status?.audit.witnesses != null,
    syslog: connected["syslog"] === true,
    "time-stamps": connected["time_stamps"] === true,
    "audit-log": true,
    "break-glass": true,
  };
  const known: string[] = [...VITAL, ...WATCHED.filter((part) => present[part])];
  const others = health.parts.filter((part) => !known.includes(part));
  return [...known, ...others].map((part) => ({
    part,
    tone: !health.parts.includes(part) ? "good" : health.status === "not-ready" ? "bad" : "warn",
  }));
}

/** How soon a certificate runs out. */
export function toneOfExpiry(not_after_ms: number, now: number): Tone {
  if (not_after_ms <= now) return "bad";
  return not_after_ms - now < 30 * MS_PER_DAY ? "warn" : "good";
}

/** The same certificate may be behind several doors. */
export function distinct(certificates: Certificate[]): Certificate[] {
  return [...new Map(certificates.map((certificate) => [certificate.sha256, certificate])).values()];
}

/** Whether something goes over the wire in plain, or nobody has to say who asks. */
function isOpen(of: Interface): boolean {
  return of.encryption === "none" || of.authentication === "none";
}

export function fitting(all: Interface[], filters: { text?: string; door?: string; only?: string }): Interface[] {
  const text = (filters.text ?? "").trim().toLowerCase();
  return all.filter(
    (one) =>
      (one.name.toLowerCase().includes(text) || one.address.toLowerCase().includes(text)) &&
      (!filters.door || one.door === filters.door) &&
      (filters.only !== "open" || isOpen(one)),
  );
}
