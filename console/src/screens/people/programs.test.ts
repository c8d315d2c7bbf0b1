import { describe, expect, it } from "vitest";
import { fittingPrograms, lines, loosens, type Program } from "./programs";

describe("programs", () => {
  it("are found by part of their identifier", () => {
    const program = (client_id: string): Program => ({ client_id, confidential: true, redirect_uris: [], scopes: [], disabled: false, demands: [] });
    expect(fittingPrograms([program("pacs-gateway"), program("Portal")], " PORT").map((one) => one.client_id)).toEqual(["Portal"]);
  });
  it("lose their scopes when less is asked of them, and not when more is", () => {
    expect(loosens(["certificate", "dpop"], ["dpop"])).toBe(true);
    expect(loosens(["dpop"], ["dpop", "certificate"])).toBe(false);
    expect(loosens([], [])).toBe(false);
  });
  it("are given one address a line", () => {
    expect(lines(" https://a/back\n\n https://b \n")).toEqual(["https://a/back", "https://b"]);
  });
});
