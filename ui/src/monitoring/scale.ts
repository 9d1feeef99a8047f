/* Bars of drift: how long, and where the threshold stands on them. */
import { toNumber } from '../kit/format.ts';
import type { MonitorLine } from '../api/types.ts';

/* scaleMax: the value at the right end. At least twice the threshold, so that its mark stands well
 * inside, and at most eight times, so that one wild column does not flatten the others. */
export function scaleMax(lines: readonly MonitorLine[]): number {
  let largest = 0;
  let threshold = 0;
  for (const line of lines) {
    const value = toNumber(line.value);
    if (Number.isFinite(value)) largest = Math.max(largest, value);
    const limit = toNumber(line.threshold);
    if (Number.isFinite(limit)) threshold = Math.max(threshold, limit);
  }
  if (!threshold) return largest || 1;
  return Math.min(Math.max(largest * 1.08, threshold * 2), threshold * 8);
}

/* share: how far along the bar, 0 to 1. Without a number there is no bar; infinity fills it. */
export function share(value: unknown, max: number): number {
  const x = toNumber(value);
  if (Number.isNaN(x) || max <= 0) return 0;
  return Math.min(Math.max(x / max, 0), 1);
}

/* Alerts first, then the strongest drift. */
export function bySeverity(a: MonitorLine, b: MonitorLine): number {
  if (a.alert !== b.alert) return a.alert ? -1 : 1;
  const [x, y] = [toNumber(a.value), toNumber(b.value)];
  return (Number.isNaN(y) ? -1 : y) - (Number.isNaN(x) ? -1 : x) || 0;
}
