// Windows: which values of a picture are shown from black to white.

export interface Window {
  center: number;
  width: number;
}

interface Preset extends Window {
  /** Its name among the texts: `presets.<name>`. */
  name: string;
}

/** By the keys 1 to 8, in Hounsfield units; they mean something in CT only. 9 is the window that the images themselves ask for. */
export const PRESETS: readonly Preset[] = [
  { name: "lung", center: -600, width: 1500 },
  { name: "mediastinum", center: 40, width: 350 },
  { name: "abdomen", center: 50, width: 400 },
  { name: "liver", center: 70, width: 150 },
  { name: "bone", center: 450, width: 1800 },
  { name: "brain", center: 40, width: 80 },
  { name: "stroke", center: 35, width: 30 },
  { name: "vessels", center: 200, width: 600 },
];

/** The window between two values that are shown black and white, by the linear function of PS3.3 §C.11.2.1.2.1. */
export function windowOf(lower: number, upper: number): Window {
  return { center: round((lower + upper + 1) / 2), width: round(upper - lower + 1) };
}

/** The two values of a window, the other way round. */
export function rangeOf({ center, width }: Window): { lower: number; upper: number } {
  return { lower: center - 0.5 - (width - 1) / 2, upper: center - 0.5 + (width - 1) / 2 };
}

// === helpers ===

/** Whole values as they are, small ones (of PET, or of maps) with what matters of them. */
function round(value: number): number {
  return Math.abs(value) >= 10 ? Math.round(value) : Number(value.toPrecision(3));
}
