// How a picture lies in its pane: mirrored, and then turned by quarters to the right, as the server does it again for a copy.

export interface Lie {
  mirrored: boolean;
  /** Quarters to the right. */
  turned: 0 | 1 | 2 | 3;
}

type Direction = readonly [number, number];

/** How a picture lies by where a step to the right, and one down, in the pane lead in the picture. */
export function lieOf(right: Direction, down: Direction): Lie {
  const fits = (lie: Lie) => {
    const [x, y] = [ahead(lie, [1, 0]), ahead(lie, [0, 1])];
    return dot([x[0], y[0]], right) + dot([x[1], y[1]], down);
  };
  return ALL.reduce((best, lie) => (fits(lie) > fits(best) ? lie : best));
}

/** The part of a picture between two of its points, in whole pixels, and within it; all of it where nothing is left. */
export function partOf(one: Direction, other: Direction, columns: number, rows: number): [number, number, number, number] {
  const from = (a: number, b: number, most: number) => Math.max(0, Math.min(most - 1, Math.floor(Math.min(a, b))));
  const until = (a: number, b: number, most: number) => Math.max(1, Math.min(most, Math.ceil(Math.max(a, b))));
  const [left, top] = [from(one[0], other[0], columns), from(one[1], other[1], rows)];
  const [right, bottom] = [until(one[0], other[0], columns), until(one[1], other[1], rows)];
  if (![left, top, right, bottom].every(Number.isFinite) || right <= left || bottom <= top) return [0, 0, columns, rows];
  return [left, top, right - left, bottom - top];
}

// === helpers ===

const ALL: readonly Lie[] = [false, true].flatMap((mirrored) => ([0, 1, 2, 3] as const).map((turned) => ({ mirrored, turned })));

/** Where a step in the picture leads in the pane. */
function ahead({ mirrored, turned }: Lie, [x, y]: Direction): Direction {
  let step: Direction = [mirrored ? -x : x, y];
  for (let quarter = 0; quarter < turned; quarter += 1) step = [-step[1], step[0]];
  return step;
}

function dot(one: Direction, other: Direction): number {
  return one[0] * other[0] + one[1] * other[1];
}
