import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LATE_MS, PATIENCE_MS, Screen, SETTLED_MS } from "./screen";

const frame = { columns: 512, rows: 512, aspect: 1 };

/** A server that answers when it is told to. */
function server() {
  const asked: { address: string; signal: AbortSignal; answer: (fails?: boolean) => Promise<void> }[] = [];
  const fetch = (address: string, signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("aborted")));
      asked.push({
        address,
        signal,
        answer: async (fails = false) => {
          if (fails) reject(new Error("no"));
          else resolve(address);
          await vi.advanceTimersByTimeAsync(0);
        },
      });
    });
  const screen = new Screen<string>({ count: 10, start: 3, addressOf: (index) => `/${index}`, frameOf: () => frame, fetch, now: () => Date.now() });
  const shown: string[] = [];
  screen.subscribe(() => {
    const image = screen.snapshot().shown?.image;
    if (image !== undefined && image !== shown.at(-1)) shown.push(image);
  });
  return { asked, screen, shown, sides: () => asked.map(({ address }) => `${address.split("/")[1]} ${/viewport=(\d+)/.exec(address)?.[1]}`) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a pane that the server fills", () => {
  it("asks for one picture at a time, and for the newest next", async () => {
    const { asked, screen, shown, sides } = server();
    screen.begin();
    for (let index = 4; index < 9; index += 1) screen.change({ index });
    expect(sides()).toEqual(["3 1024"]);
    await asked[0]!.answer();
    expect(sides()).toEqual(["3 1024", "8 512"]);
    expect(screen.snapshot().shown?.asked.index).toBe(3);
    await asked[1]!.answer();
    expect(screen.snapshot().shown?.asked.index).toBe(8);
    await vi.advanceTimersByTimeAsync(SETTLED_MS);
    await asked[2]!.answer();
    expect(sides()).toEqual(["3 1024", "8 512", "8 1024"]);
    expect(shown.map((address) => address.split("/")[1])).toEqual(["3", "8", "8"]);
  });

  it("asks in full for what is looked at, and for half while it moves", async () => {
    const { asked, screen, sides } = server();
    screen.begin();
    await asked[0]!.answer();
    await vi.advanceTimersByTimeAsync(SETTLED_MS);
    screen.change({ index: 4 });
    await asked[1]!.answer();
    await vi.advanceTimersByTimeAsync(SETTLED_MS / 2);
    screen.change({ index: 5 });
    await asked[2]!.answer();
    await vi.advanceTimersByTimeAsync(SETTLED_MS - 1);
    expect(sides()).toEqual(["3 1024", "4 1024", "5 512"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sides().at(-1)).toBe("5 1024");
    await asked[3]!.answer();
    await vi.advanceTimersByTimeAsync(10 * SETTLED_MS);
    expect(asked).toHaveLength(4);
  });

  it("asks for half while a hand holds it, and in full when the hand rests", async () => {
    const { asked, screen, sides } = server();
    screen.begin();
    await asked[0]!.answer();
    await vi.advanceTimersByTimeAsync(10 * SETTLED_MS);
    screen.change({ window: { center: 40, width: 400 } }, true);
    expect(asked[1]!.address).toBe("/3/rendered?viewport=512%2C512&window=40%2C400%2Clinear");
    await asked[1]!.answer();
    await vi.advanceTimersByTimeAsync(SETTLED_MS);
    expect(sides().at(-1)).toBe("3 1024");
  });

  it("asks for the part that is seen, and not twice for the same", async () => {
    const { asked, screen } = server();
    screen.begin();
    await asked[0]!.answer();
    screen.resize({ width: 1000, height: 1000 });
    await vi.advanceTimersByTimeAsync(10 * SETTLED_MS);
    expect(asked).toHaveLength(1);
    screen.change({ camera: { zoom: 4, x: 256, y: 256 } });
    expect(asked[1]!.address).toBe("/3/rendered?viewport=1024%2C1024%2C192%2C192%2C128%2C128");
    await asked[1]!.answer();
    screen.change({ inverted: true });
    await vi.advanceTimersByTimeAsync(10 * SETTLED_MS);
    expect(asked).toHaveLength(2);
  });

  it("comes back to what it was without showing anything else last", async () => {
    const { asked, screen } = server();
    screen.begin();
    await asked[0]!.answer();
    await vi.advanceTimersByTimeAsync(10 * SETTLED_MS);
    screen.change({ index: 4 });
    screen.change({ index: 3 });
    await asked[1]!.answer();
    await asked[2]!.answer();
    expect(screen.snapshot().shown?.asked.index).toBe(3);
  });

  it("says what did not come, unless something newer is wanted", async () => {
    const { asked, screen } = server();
    screen.begin();
    screen.change({ index: 4 });
    await asked[0]!.answer(true);
    expect(screen.snapshot().failed).toBeNull();
    await asked[1]!.answer(true);
    expect(screen.snapshot().failed?.asked.index).toBe(4);
    screen.again();
    await asked[2]!.answer();
    expect([screen.snapshot().failed, screen.snapshot().shown?.asked.index]).toEqual([null, 4]);
  });

  it("says that it is late, and waits for an answer for so long", async () => {
    const { asked, screen } = server();
    screen.begin();
    await vi.advanceTimersByTimeAsync(LATE_MS - 1);
    expect(screen.snapshot().late).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(screen.snapshot().late).toBe(true);
    await vi.advanceTimersByTimeAsync(PATIENCE_MS);
    expect(asked[0]!.signal.aborted).toBe(true);
    expect([screen.snapshot().late, screen.snapshot().failed?.asked.index]).toEqual([false, 3]);
  });

  it("asks for nothing once it is over", async () => {
    const { asked, screen } = server();
    screen.begin();
    screen.change({ index: 4 });
    screen.end();
    expect(asked[0]!.signal.aborted).toBe(true);
    screen.change({ index: 5 });
    await vi.advanceTimersByTimeAsync(10 * SETTLED_MS);
    expect(asked).toHaveLength(1);
  });

  it("stays within the stack", async () => {
    const { screen } = server();
    screen.change({ index: 99 });
    expect(screen.snapshot().want.index).toBe(9);
    screen.change({ index: -5 });
    expect(screen.snapshot().want.index).toBe(0);
  });
});
