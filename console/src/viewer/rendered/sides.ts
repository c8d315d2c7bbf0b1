// Which side of the patient each side of a picture is, however it was turned. Pure.
import { texts } from "../../lib/dicom";
import type { Look } from "../controls";
import { letters, lettersBy, type Vector } from "../geometry";
import type { Slice } from "../study";
import { back, type Lie } from "./view";

/** By where the slice lies in the patient, or else by what the picture says of its rows and columns; nothing where it says nothing. */
export function sidesOf({ place, data }: Slice, lie: Lie): Look["edges"] {
  const towards = (x: number, y: number) => {
    const [right, down] = back([x, y], lie);
    if (!place) return lettersBy(texts(data, PATIENT_ORIENTATION), [right, down, 0]);
    return letters([0, 1, 2].map((axis) => place.row[axis]! * right + place.column[axis]! * down) as unknown as Vector);
  };
  return { left: towards(-1, 0), right: towards(1, 0), top: towards(0, -1), bottom: towards(0, 1) };
}

// === helpers ===

const PATIENT_ORIENTATION = "00200020";
