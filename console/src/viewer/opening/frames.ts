// The frames that a study opens with: fetched while the library that draws is still on its way, and handed to it afterwards, so that none is
// asked for twice.
import { request } from "../../api/client";
import { ProblemError } from "../../api/problem";
import { partOf, type Frame } from "./part";

const ACCEPT = "multipart/related; type=application/octet-stream; transfer-syntax=*";

/** Statuses of frames of which there may be pictures: refused to this role, and not acceptable. */
export const PICTURES_ONLY: ReadonlySet<number> = new Set([403, 406, 415]);

interface Fetched {
  done: Promise<void>;
  frame?: Frame;
  /** What the server answered instead. */
  status?: number;
}

const fetched = new Map<string, Fetched>();

/** Fetches a frame by its address; nothing where it is not given, or did not come. */
export async function fetchFrame(address: string): Promise<Frame | undefined> {
  let one = fetched.get(address);
  if (!one) {
    const made: Fetched = { done: Promise.resolve() };
    made.done = ask(address).then(
      (frame) => void (made.frame = frame),
      (error: unknown) => void (made.status = error instanceof ProblemError ? error.status : 0),
    );
    fetched.set(address, made);
    one = made;
  }
  await one.done;
  return one.frame;
}

/** Resolves when a frame that was asked for is there, or is known not to come; nothing where nobody asked. */
export function settled(address: string): Promise<void> | undefined {
  return fetched.get(address)?.done;
}

export function frameAt(address: string): Frame | undefined {
  return fetched.get(address)?.frame;
}

/** Whether the server gave no frame, and may give a picture of it: it is not for this role, or in no form that was asked for. */
export function isForPictures(address: string): boolean {
  return PICTURES_ONLY.has(fetched.get(address)?.status ?? 0);
}

/** The picture is on the screen, or nobody looks any more. */
export function forgetFrame(address: string): void {
  fetched.delete(address);
}

export function forgetFrames(): void {
  fetched.clear();
}

// === helpers ===

async function ask(address: string): Promise<Frame> {
  const answer = await request(address, { headers: { Accept: ACCEPT } });
  return partOf(new Uint8Array(await answer.arrayBuffer()));
}
