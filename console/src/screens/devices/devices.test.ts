import { describe, expect, it } from "vitest";
import { digestOf, draftOf, fitting, habitsOf, losesScopes, NO_HABITS, recordOf, standingOf, stepsOf, whole, type Device, type EchoReport } from "./devices";

const device: Device = {
  ae_title: "CT01", called_ae: "YINGDUN", certificate_sha256: "af".repeat(32), addresses: ["10.1.20.0/24"], plain_allowed: false,
  disabled: false, scopes: ["store", "view"], destination: "ct01:104", habits: { ...NO_HABITS, names_begin: true, pdu_bytes_max: 16384 },
};

describe("a device", () => {
  it("comes back from its form as it was", () => {
    expect(recordOf(draftOf(device), device.certificate_sha256, device)).toEqual(whole(device));
  });
  it("takes addresses however they are parted", () => {
    const draft = { ...draftOf(null), ae_title: " MR02 ", addresses: "10.0.0.1, 10.0.0.2\n10.1.0.0/16；any", destination: " " };
    const record = recordOf(draft, null, null);
    expect(record.addresses).toEqual(["10.0.0.1", "10.0.0.2", "10.1.0.0/16", "any"]);
    expect([record.ae_title, record.destination, record.disabled]).toEqual(["MR02", null, false]);
  });
  it("keeps its rights only where certificate, addresses and TLS stay", () => {
    const record = whole(device);
    expect(losesScopes(device, record)).toBe(false);
    expect(losesScopes(device, { ...record, addresses: ["any"] })).toBe(true);
    expect(losesScopes({ ...device, scopes: ["store"] }, { ...record, addresses: ["any"] })).toBe(false);
  });
  it("is found by title, address and state", () => {
    expect(fitting([device], { text: "10.1.20" })).toHaveLength(1);
    expect(fitting([device], { text: "ct", standing: "plain" })).toHaveLength(0);
    expect(standingOf({ ...device, disabled: true, plain_allowed: true })).toBe("disabled");
  });
  it("has the habits that differ", () => {
    expect(habitsOf(device.habits)).toEqual(["pdu_bytes_max", "names_begin"]);
    expect(habitsOf(NO_HABITS)).toEqual([]);
  });
});

describe("a certificate", () => {
  it("is known by its digest, however that is written", async () => {
    expect(await digestOf("AF:".repeat(31) + "AF")).toBe("af".repeat(32));
    expect(await digestOf("af af")).toBe(null);
  });
  it("gives its digest when it comes as PEM", async () => {
    const pem = `-----BEGIN CERTIFICATE-----\n${btoa("abc")}\n-----END CERTIFICATE-----\n`;
    expect(await digestOf(pem)).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});

describe("a test of the connection", () => {
  it("says what was through, where it ended and what was not reached", () => {
    const report: EchoReport = {
      peer: "WS07@a:1", tls: true, status: null, ms: 0.2,
      steps: [{ step: "resolve", ms: 0.1 }, { step: "connect", ms: 0.1 }],
      fault: { step: "connect", cause: "port-closed", what: "", expected: "", came: "", remedy: "" },
    };
    expect(stepsOf(report).map(({ state }) => state)).toEqual(["done", "failed", "notReached", "notReached", "notReached"]);
    expect(stepsOf({ ...report, tls: false }).map(({ step }) => step)).toEqual(["resolve", "connect", "associate", "echo"]);
  });
});
