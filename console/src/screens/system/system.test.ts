import { describe, expect, it } from "vitest";
import { distinct, fitting, partsOf, toneOfExpiry, VITAL, type Certificate, type Configuration, type Health, type Interface } from "./system";

const health = (status: Health["status"], ...parts: string[]): Health => ({
  version: "1", status, parts, storage: { writable: true, write_quorum: 2, packs: 0, bytes: 0, offsite_behind: 0 },
  databases: { catalogue: "sqlite", identity: "sqlite" }, audit: { accepting: true }, certificates: [],
});
const one = (change: Partial<Interface>): Interface => ({
  door: "https", name: "SearchStudies", address: "GET /dicom-web/studies", owner: "imaging", class: "search", authentication: "token", encryption: "tls", zones: null, ...change,
});

describe("the state of the system", () => {
  const part = (of: Health, name: string) => partsOf(of, undefined, undefined).find((one) => one.part === name);
  it("names every part, and those that are not well", () => {
    expect(partsOf(health("ready"), undefined, undefined).every(({ tone }) => tone === "good")).toBe(true);
    expect(part(health("attention", "audit-log"), "audit-log")?.tone).toBe("warn");
    expect(part(health("not-ready", "keys"), "keys")?.tone).toBe("bad");
  });
  it("does not call well what is not set up", () => {
    const syslog = { storage: { offsite: 0 }, connected: { syslog: true, time_stamps: false } } as unknown as Configuration;
    const named = partsOf(health("ready"), undefined, syslog).map((one) => one.part);
    expect(named).toEqual([...VITAL, "syslog", "audit-log", "break-glass"]);
  });
  it("shows a part that is not well even where it does not know it", () => {
    expect(partsOf(health("attention", "something-new"), undefined, undefined).at(-1)).toEqual({ part: "something-new", tone: "warn" });
  });
  it("warns of a certificate a month before it runs out", () => {
    const day = 86_400_000;
    expect([toneOfExpiry(31 * day, 0), toneOfExpiry(29 * day, 0), toneOfExpiry(0, 1)]).toEqual(["good", "warn", "bad"]);
  });
  it("shows a certificate once", () => {
    const certificate: Certificate = { subject: "CN=a", names: [], not_before_ms: 0, not_after_ms: 1, sha256: "aa" };
    expect(distinct([certificate, { ...certificate }])).toHaveLength(1);
  });
});

describe("interfaces", () => {
  const all = [one({}), one({ door: "dicom", name: "C-STORE", address: "C-STORE", encryption: "none" }), one({ name: "Login", authentication: "none" })];
  it("are found by name, address and door", () => {
    expect(fitting(all, { text: "DICOM-WEB" })).toHaveLength(2);
    expect(fitting(all, { door: "dicom" }).map(({ name }) => name)).toEqual(["C-STORE"]);
  });
  it("are open when they are plain, or when nobody has to say who asks", () => {
    expect(fitting(all, { only: "open" }).map(({ name }) => name)).toEqual(["C-STORE", "Login"]);
  });
});
