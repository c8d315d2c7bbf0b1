import { describe, expect, it } from "vitest";
import { NO_HABITS, type Device } from "../devices";
import en from "./en.json";
import { addressOf, CAUSES, draftWith, inGroups, moveOf, nameOf, parted, type Waiting } from "./waiting";
import zh from "./zh-CN.json";

const device: Device = {
  ae_title: "CT01", called_ae: "YINGDUN", certificate_sha256: "aa".repeat(32), addresses: ["10.1.2.31/32"], plain_allowed: false, disabled: false,
  scopes: ["store"], destination: null, habits: NO_HABITS,
};

const waiting: Waiting = {
  attempt: "00".repeat(16), calling_ae: "CT02", called_ae: "YINGDUN", address: "10.1.2.32", tls: true, cause: "unknown-calling-ae",
  certificate: { sha256: "bb".repeat(32), subject: "CN=CT02", issuer: "CN=ours", valid_until_ms: 1, trusted: true }, known: false, approvable: true,
  first_ms: 1, last_ms: 2, attempts: 3, dismissed_until_ms: null, dismissed_by: null,
};

describe("devices that wait", () => {
  it("are registered, compared with their record, or only told of", () => {
    expect(moveOf(waiting, [device])).toEqual({ kind: "approve" });
    const stranger = { ...waiting, approvable: false, calling_ae: null, called_ae: null, cause: "tls-not-spoken" as const };
    expect(moveOf(stranger, [device])).toBeNull();
    const known = { ...waiting, approvable: false, calling_ae: "CT01" };
    expect(moveOf({ ...known, cause: "wrong-certificate" }, [device])).toEqual({ kind: "change", device });
    expect(moveOf({ ...known, cause: "wrong-address" }, [device])).toEqual({ kind: "change", device });
    expect(moveOf({ ...known, cause: "device-disabled" }, [device])).toEqual({ kind: "look", device });
    expect(moveOf({ ...known, cause: "wrong-address" }, [])).toBeNull();
  });

  it("change of a record only what did not fit", () => {
    const certificate = draftWith(device, { ...waiting, cause: "wrong-certificate" });
    expect(certificate.certificate).toBe("bb".repeat(32));
    expect(certificate.addresses).toBe("10.1.2.31/32");
    const address = draftWith(device, { ...waiting, cause: "wrong-address" });
    expect(address.certificate).toBe("aa".repeat(32));
    expect(address.addresses.split("\n")).toEqual(["10.1.2.31/32", "10.1.2.32"]);
  });

  it("are parted by whether somebody dismissed them", () => {
    const dismissed = { ...waiting, attempt: "11".repeat(16), dismissed_until_ms: 5 };
    expect(parted([waiting, dismissed])).toEqual({ open: [waiting], dismissed: [dismissed] });
  });

  it("show a fingerprint as it is compared, and a name in any case", () => {
    expect(inGroups("0a1b2c")).toEqual(["0A1B", "2C"]);
    expect(inGroups("bb".repeat(32))).toHaveLength(16);
    expect(nameOf(waiting)).toBe("CT02");
    expect(nameOf({ ...waiting, calling_ae: null })).toBe("10.1.2.32");
  });

  it("are told where to call", () => {
    expect(addressOf({ tls: true, address: "10.1.2.3", port: 2762 }, "archive.example")).toBe("10.1.2.3:2762");
    expect(addressOf({ tls: true, address: null, port: 2762 }, "archive.example")).toBe("archive.example:2762");
    expect(addressOf({ tls: false, address: "2001:db8::1", port: 11112 }, "")).toBe("[2001:db8::1]:11112");
  });

  it("have words for every cause, in both languages", () => {
    for (const texts of [zh, en]) {
      expect(Object.keys(texts.cause).sort()).toEqual([...CAUSES].sort());
      expect(Object.keys(texts.do).sort()).toEqual([...CAUSES].sort());
    }
  });
});
