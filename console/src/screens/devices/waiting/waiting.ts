// Devices that called in vain, as the API tells them, and what is made of one.
import { draftOf, type Device, type Draft } from "../devices";

export const CAUSES = [
  "unknown-calling-ae", "unknown-called-ae", "wrong-certificate", "wrong-address", "plain-not-allowed", "device-disabled", "title-malformed",
  "tls-not-spoken", "tls-not-agreed", "no-certificate", "certificate-authority-unknown", "certificate-expired", "certificate-not-yet-valid",
  "certificate-revoked", "certificate-unusable", "our-certificate-refused",
] as const;
type Cause = (typeof CAUSES)[number];

interface Shown {
  sha256: string;
  subject: string;
  issuer: string;
  valid_until_ms: number;
  trusted: boolean;
}

export interface Waiting {
  attempt: string;
  calling_ae: string | null;
  called_ae: string | null;
  address: string;
  tls: boolean;
  cause: Cause;
  certificate: Shown | null;
  known: boolean;
  approvable: boolean;
  first_ms: number;
  last_ms: number;
  attempts: number;
  dismissed_until_ms: number | null;
  dismissed_by: string | null;
}

export interface Door {
  tls: boolean;
  address: string | null;
  port: number;
}

/** Those at whom somebody should look, and those whom somebody dismissed. */
export function parted(waiting: Waiting[]): { open: Waiting[]; dismissed: Waiting[] } {
  return {
    open: waiting.filter((one) => one.dismissed_until_ms === null),
    dismissed: waiting.filter((one) => one.dismissed_until_ms !== null),
  };
}

/** What can be done with one: registered as it was seen, compared with a record, or nothing here. */
export function moveOf(waiting: Waiting, devices: Device[]): { kind: "approve" } | { kind: "change" | "look"; device: Device } | null {
  if (waiting.approvable) return { kind: "approve" };
  const device = devices.find((one) => one.ae_title === waiting.calling_ae && one.called_ae === waiting.called_ae);
  if (!device) return null;
  const changes = (waiting.cause === "wrong-certificate" && waiting.certificate !== null) || waiting.cause === "wrong-address";
  return { kind: changes ? "change" : "look", device };
}

/** The record of a device as it would have to be for this call, to be looked at before it is kept. */
export function draftWith(device: Device, waiting: Waiting): Draft {
  const draft = draftOf(device);
  if (waiting.cause === "wrong-certificate" && waiting.certificate) return { ...draft, certificate: waiting.certificate.sha256 };
  if (waiting.cause === "wrong-address") return { ...draft, addresses: [...device.addresses, waiting.address].join("\n") };
  return draft;
}

/** A fingerprint in groups of four, as people compare them; devices show capital letters and colons, or neither. */
export function inGroups(sha256: string): string[] {
  return sha256.toUpperCase().match(/.{1,4}/g) ?? [];
}

/** What one is called here: its title, or the address where it did not come to an association. */
export function nameOf(waiting: Waiting): string {
  return waiting.calling_ae ?? waiting.address;
}

/** Where a device is to call, as it is typed there: the address of the door, or that by which this page was reached. */
export function addressOf(door: Door, here: string): string {
  const host = door.address ?? here;
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${door.port}` : `${host}:${door.port}`;
}
