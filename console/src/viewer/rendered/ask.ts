// What is asked of the server for a pane that it fills: pictures, and the values of regions.
import { request } from "../../api/client";
import { ProblemError } from "../../api/problem";
import { frameOf } from "../copies/shot";
import type { Failure } from "../Instead";
import type { Slice } from "../study";
import type { Box, Values } from "./measures";

/** A picture, decoded. Whoever draws it takes the bitmap away, so its size is kept beside it. */
export interface Decoded {
  bitmap: ImageBitmap;
  width: number;
  height: number;
}

/** What cannot be decoded here. */
class Unreadable extends Error {}

export async function fetchPicture(address: string, signal: AbortSignal): Promise<Decoded> {
  const answer = await request(address, { signal, headers: { Accept: "image/jpeg" } });
  const file = await answer.blob();
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Unreadable("the picture cannot be decoded");
  });
  return { bitmap, width: bitmap.width, height: bitmap.height };
}

/** Why a picture did not come. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Unreadable) return "unreadable";
  if (!(error instanceof ProblemError)) return "network";
  const { status } = error;
  if (status === 401 || status === 403) return "forbidden";
  if (status === 404 || status === 410) return "missing";
  if (status === 406 || status === 415) return "unreadable";
  return status === 429 || status === 503 ? "busy" : "network";
}

/** The values of a region, or why they are not told. */
export async function measureRegion(slice: Slice, shape: "ellipse" | "rectangle", box: Box, signal: AbortSignal): Promise<Values | "small" | "often" | "failed"> {
  const { study, series, instance, frame } = frameOf(slice);
  const query = new URLSearchParams({ shape, left: String(box.left), top: String(box.top), columns: String(box.columns), rows: String(box.rows) });
  try {
    const answer = await request(`/api/v1/studies/${study}/series/${series}/instances/${instance}/frames/${frame}/region?${query}`, { signal });
    return (await answer.json()) as Values;
  } catch (error) {
    const status = error instanceof ProblemError ? error.status : 0;
    return status === 422 ? "small" : status === 429 ? "often" : "failed";
  }
}
