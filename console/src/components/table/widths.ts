// How wide the columns of a table are together, at the least. What is longer than its column is cut with an ellipsis, and does not widen it.

/** The sum of the narrowest that each track of the grid may be, in rem. */
export function narrowest(widths: readonly string[]): number {
  return widths.reduce((total, width) => total + (Number(/([\d.]+)rem/.exec(width)?.[1]) || 0), 0);
}
