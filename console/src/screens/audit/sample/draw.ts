// Drawing by chance from a seed: each possibility equally likely, none twice. Nobody knows what is drawn before the seed; with it, everybody
// draws the same again (docs: audit, "A random sample").
import { hex, sha256, utf8 } from "../../../lib/bytes";

const TWO_32 = 2 ** 32;

/** 128 bits of the browser's cryptographic random numbers. */
export const newSeed = (): string => hex(crypto.getRandomValues(new Uint8Array(16)));

export const isSeed = (text: string): boolean => /^[0-9a-f]{32}$/.test(text);

/** Numbers that follow from a seed: the lower 53 of the first 64 bits of SHA-256 over the seed, a colon and how many came before. */
export class Draws {
  private came = 0;

  constructor(private readonly seed: string) {}

  private async next(): Promise<number> {
    const digest = await sha256(utf8(`${this.seed}:${this.came}`));
    this.came += 1;
    const view = new DataView(digest.buffer);
    return (view.getUint32(0) & 0x1fffff) * TWO_32 + view.getUint32(4);
  }

  /** A number from 0 to below a bound. What would make the first ones likelier is thrown away. */
  async below(bound: number): Promise<number> {
    const whole = Number.MAX_SAFE_INTEGER + 1;
    const limit = whole - (whole % bound);
    for (;;) {
      const number = await this.next();
      if (number < limit) return number % bound;
    }
  }
}

/** So many of a list, or all of a shorter one, in the order in which they are drawn. */
export async function some<T>(of: readonly T[], count: number, draws: Draws): Promise<T[]> {
  const left = [...of];
  const drawn: T[] = [];
  while (drawn.length < count && left.length > 0) {
    const at = await draws.below(left.length);
    const [one] = left.splice(at, 1);
    drawn.push(one as T);
  }
  return drawn;
}
