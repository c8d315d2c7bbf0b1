// Devices as the API tells them, what somebody types about one, and what a test of the connection came to.

export interface Habits {
  pdu_bytes_max: number | null;
  character_set_in: string | null;
  character_set_out: string | null;
  star_is_universal: boolean;
  names_begin: boolean;
  transfer_syntaxes: string[];
  coercions: unknown[];
  tell_availability: boolean;
}

export interface Device {
  ae_title: string;
  called_ae: string;
  certificate_sha256: string | null;
  addresses: string[];
  plain_allowed: boolean;
  disabled: boolean;
  scopes: string[];
  destination: string | null;
  habits: Habits;
}

type Step = "resolve" | "connect" | "tls" | "associate" | "echo";

/** What a test of the connection came to. */
export interface EchoReport {
  peer: string;
  tls: boolean;
  status: number | null;
  ms: number;
  steps: { step: Step; ms: number }[];
  fault: { step: Step; cause: string; what: string; expected: string; came: string; remedy: string } | null;
}

/** A form about a device, as it is typed. */
export interface Draft {
  ae_title: string;
  called_ae: string;
  certificate: string;
  addresses: string;
  plain_allowed: boolean;
  destination: string;
}

export const SCOPES = ["store", "search", "view", "export", "worklist", "workitems"] as const;
export type Scope = (typeof SCOPES)[number];

/** What a device has that differs from the others. */
export const NO_HABITS: Habits = {
  pdu_bytes_max: null, character_set_in: null, character_set_out: null, star_is_universal: false, names_begin: false,
  transfer_syntaxes: [], coercions: [], tell_availability: false,
};

export function draftOf(device: Device | null): Draft {
  return {
    ae_title: device?.ae_title ?? "",
    called_ae: device?.called_ae ?? "YINGDUN",
    certificate: device?.certificate_sha256 ?? "",
    addresses: (device?.addresses ?? []).join("\n"),
    plain_allowed: device?.plain_allowed ?? false,
    destination: device?.destination ?? "",
  };
}

/** The record of a draft, the rest of it as it was. */
export function recordOf(draft: Draft, certificate_sha256: string | null, before: Device | null) {
  return {
    ae_title: draft.ae_title.trim(),
    called_ae: draft.called_ae.trim(),
    certificate_sha256,
    addresses: draft.addresses.split(/[\s,，;；]+/).filter((address) => address !== ""),
    plain_allowed: draft.plain_allowed,
    disabled: before?.disabled ?? false,
    destination: draft.destination.trim() === "" ? null : draft.destination.trim(),
    habits: (before?.habits ?? NO_HABITS) as never,
  };
}

/** A device as its record, to be sent back changed. */
export function whole(device: Device) {
  const { scopes: _granted, ...record } = device;
  return { ...record, habits: device.habits as never };
}

/** Whether its right would have to be given anew: they were given to this certificate at these addresses. */
export function losesScopes(before: Device, after: { certificate_sha256: string | null; addresses: string[]; plain_allowed: boolean }): boolean {
  const widened =
    before.certificate_sha256 !== after.certificate_sha256 ||
    before.plain_allowed !== after.plain_allowed ||
    before.addresses.join(" ") !== after.addresses.join(" ");
  return widened && before.scopes.some((scope) => scope !== "store");
}

/** SHA-256 of a certificate, of its PEM or as digits; nothing where it is neither. */
export async function digestOf(text: string): Promise<string | null> {
  const digits = text.replaceAll(/[\s:]/g, "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  const pem = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(text);
  if (!pem?.[1]) return null;
  try {
    const der = Uint8Array.from(atob(pem[1].replaceAll(/\s/g, "")), (character) => character.charCodeAt(0));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", der));
    return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return null;
  }
}

/** The steps of a test in their order: those that were through, the one at which it ended, those that were not reached. */
export function stepsOf(report: EchoReport): { step: Step; ms: number | null; state: "done" | "failed" | "notReached" }[] {
  const order: Step[] = report.tls ? ["resolve", "connect", "tls", "associate", "echo"] : ["resolve", "connect", "associate", "echo"];
  return order.map((step) => {
    const took = report.steps.find((one) => one.step === step)?.ms ?? null;
    if (report.fault?.step === step) return { step, ms: took, state: "failed" };
    return { step, ms: took, state: took === null ? "notReached" : "done" };
  });
}

/** Which habits a device has, by name. */
export function habitsOf(habits: Habits): (keyof Habits)[] {
  return (Object.keys(NO_HABITS) as (keyof Habits)[]).filter((name) => {
    const value = habits[name];
    return Array.isArray(value) ? value.length > 0 : value !== null && value !== false;
  });
}

export function fitting(devices: Device[], filters: { text?: string; standing?: string }): Device[] {
  const text = (filters.text ?? "").trim().toLowerCase();
  return devices.filter(
    (device) =>
      [device.ae_title, device.called_ae, device.destination ?? "", ...device.addresses].some((word) => word.toLowerCase().includes(text)) &&
      (!filters.standing || filters.standing === standingOf(device)),
  );
}

export const STANDINGS = ["tls", "plain", "disabled"] as const;

/** Whether it may connect, and how. */
export function standingOf(device: Device): (typeof STANDINGS)[number] {
  if (device.disabled) return "disabled";
  return device.plain_allowed ? "plain" : "tls";
}
