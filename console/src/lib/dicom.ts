// Data sets in the DICOM JSON model (PS3.18 annex F), as far as the console reads them.

export type DataSet = Record<string, { vr?: string; Value?: unknown[] }>;

/** The texts of an attribute; a name is its ideographic group where it has one, or else the alphabetic one. */
export function texts(of: DataSet, tag: string): string[] {
  const values = of[tag]?.Value ?? [];
  return values.map((value) => {
    if (typeof value === "object" && value !== null) {
      const name = value as { Alphabetic?: string; Ideographic?: string };
      return personName(name.Ideographic ?? name.Alphabetic ?? "");
    }
    return value === null || value === undefined ? "" : String(value);
  });
}

/** The first of them, or nothing. */
export function text(of: DataSet, tag: string): string {
  return texts(of, tag)[0] ?? "";
}

/** The numbers of an attribute. */
export function numbers(of: DataSet, tag: string): number[] {
  return (of[tag]?.Value ?? []).map(Number).filter((value) => Number.isFinite(value));
}

/** `Zhang^San` as `Zhang San`, `张^三` as `张三`. */
export function personName(name: string): string {
  const parts = name.split("^").filter((part) => part !== "");
  return /[\u3400-\u9fff]/.test(name) ? parts.join("") : parts.join(" ");
}

/** Whole years from one date of DICOM to another; nothing where either is none. */
export function years(birth: string, at: string): number | null {
  if (!/^\d{8}$/.test(birth) || !/^\d{8}$/.test(at)) return null;
  const whole = Number(at.slice(0, 4)) - Number(birth.slice(0, 4)) - (at.slice(4) < birth.slice(4) ? 1 : 0);
  return whole >= 0 && whole < 150 ? whole : null;
}

export const TAGS = {
  studyDate: "00080020",
  studyTime: "00080030",
  accessionNumber: "00080050",
  modalitiesInStudy: "00080061",
  referringPhysician: "00080090",
  studyDescription: "00081030",
  patientName: "00100010",
  patientId: "00100020",
  patientBirthDate: "00100030",
  patientSex: "00100040",
  studyInstanceUid: "0020000D",
  numberOfSeries: "00201206",
  numberOfInstances: "00201208",
} as const;

/** The study that an address of DICOMweb is about (PS3.18 §10.1); nothing where it is about none. */
export function studyIn(address: string): string | null {
  return /\/studies\/([0-9.]{1,64})(?:[/?#]|$)/.exec(address)?.[1] ?? null;
}
