import { expect, test } from "vitest";
import { bounded, kindOf, pdfOf, TooLong, type Paper } from "./paper";

const paper: Paper = { study: "1", series: "1.2", instance: "1.2.3", kind: "pdf", number: 1 };
const TYPE = { "00420012": { Value: ["application/pdf"] } };

test("documents are told apart by their class", () => {
  expect(kindOf("1.2.840.10008.5.1.4.1.1.88.33")).toBe("report");
  expect(kindOf("1.2.840.10008.5.1.4.1.1.88.59")).toBe("selection");
  expect(kindOf("1.2.840.10008.5.1.4.1.1.104.1")).toBe("pdf");
  expect(kindOf("1.2.840.10008.5.1.4.1.1.2")).toBe("other");
});

test("a PDF opens where the server gives it, and only if it is one", () => {
  const address = "/dicom-web/studies/1/series/1.2/instances/1.2.3/rendered?accept=application/pdf";
  expect(pdfOf(paper, { ...TYPE, "00420011": { vr: "OB", BulkDataURI: "x" } as object })).toBe(address);
  expect(pdfOf(paper, { ...TYPE, "00420011": { vr: "OB", InlineBinary: "x" } as object })).toBe(address);
  expect(pdfOf(paper, { ...TYPE, "00420011": { vr: "OB" } })).toBeNull();
  expect(pdfOf(paper, TYPE)).toBeNull();
  expect(pdfOf(paper, { "00420012": { Value: ["text/html"] }, "00420011": { InlineBinary: "x" } as object })).toBeNull();
});

test("an answer is read up to a bound", async () => {
  expect(await bounded(new Response("影像"), 6)).toBe("影像");
  await expect(bounded(new Response("影像1"), 6)).rejects.toBeInstanceOf(TooLong);
  expect(await bounded(new Response(null), 6)).toBe("");
});
