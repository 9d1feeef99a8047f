/* Which rows of a long table are drawn: those in sight and a few around them. */
export interface Span {
  first: number; // of the rows that are drawn
  end: number; // one after the last
  before: number; // height of what is left out above, in pixels
  after: number;
}

export function windowRows(scrollTop: number, viewHeight: number, rowHeight: number, count: number, around = 8): Span {
  if (count <= 0 || rowHeight <= 0) return { first: 0, end: 0, before: 0, after: 0 };
  const top = Math.min(Math.max(scrollTop, 0), count * rowHeight);
  const first = Math.max(Math.min(Math.floor(top / rowHeight), count - 1) - around, 0);
  const end = Math.min(Math.ceil((top + Math.max(viewHeight, 0)) / rowHeight) + around, count);
  return { first, end: Math.max(end, first), before: first * rowHeight, after: (count - Math.max(end, first)) * rowHeight };
}
