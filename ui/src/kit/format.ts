/* Numbers, times and sizes as people read them. What is missing is a dash. */
import type { Num } from '../api/types.ts';

export const DASH = '–';

/* toNumber: NaN where there is none. The server writes what JSON cannot hold as text. */
export function toNumber(v: unknown): number {
  if (typeof v === 'number') return v;
  if (typeof v !== 'string' || v.trim() === '') return NaN;
  return Number(v.replace(/^([+-]?)inf(inity)?$/i, '$1Infinity'));
}

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/* count: a whole number with groups of three. */
export function count(v: Num | undefined): string {
  const x = toNumber(v);
  return Number.isFinite(x) ? grouped.format(x) : DASH;
}

function signed(text: string): string {
  return text.replace(/^-/, '\u2212');
}

/* number: four significant digits, whole numbers as they are, very large and small ones as powers. */
export function number(v: Num | undefined, digits = 4): string {
  const x = toNumber(v);
  if (Number.isNaN(x)) return v === 'NaN' ? 'NaN' : DASH;
  if (!Number.isFinite(x)) return x > 0 ? '∞' : '\u2212∞';
  if (Number.isInteger(x) && Math.abs(x) < 1e15) return signed(grouped.format(x));
  const size = Math.abs(x);
  if (size >= 1e6 || size < 1e-4) return signed(x.toExponential(digits - 1).replace('e+', 'e'));
  if (size >= 1000) return signed(grouped.format(x));
  const decimals = Math.max(digits - 1 - Math.floor(Math.log10(size)), 0);
  return signed(x.toFixed(Math.min(decimals, 6)));
}

/* fixed: always as many decimals, for columns that are compared. */
export function fixed(v: Num | undefined, decimals = 2): string {
  const x = toNumber(v);
  return Number.isFinite(x) && Math.abs(x) < 1e6 ? signed(x.toFixed(decimals)) : number(v, decimals + 1);
}

/* exact: all digits, for titles and copies. */
export function exact(v: Num | undefined): string {
  const x = toNumber(v);
  return Number.isNaN(x) ? DASH : String(x);
}

export function percent(part: number, whole: number): string {
  if (!(whole > 0)) return DASH;
  const p = (100 * part) / whole;
  return `${p > 0 && p < 10 ? p.toFixed(p < 0.1 ? 2 : 1) : Math.round(p)} %`;
}

export function duration(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms) || ms < 0) return DASH;
  if (ms < 0.01) return '< 1 ms';
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 59.95) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(s / 3600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function bytes(n: number | undefined): string {
  if (n === undefined || !Number.isFinite(n) || n < 0) return DASH;
  if (n < 1024) return `${n} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let size = n / 1024;
  let i = 0;
  while (size >= 1023.95 && i < units.length - 1) {
    size /= 1024;
    i++;
  }
  return `${size.toFixed(1)} ${units[i]}`;
}

/* relative: "3 min ago", "in 5 h"; the unit is the largest that fits. */
export function relative(ms: number, now: number): string {
  const s = Math.round(Math.abs(ms - now) / 1000);
  if (s < 5) return 'now';
  const [n, unit] =
    s < 60 ? [s, 's'] : s < 3600 ? [Math.round(s / 60), 'min'] : s < 129_600 ? [Math.round(s / 3600), 'h'] : [Math.round(s / 86_400), 'days'];
  return ms > now ? `in ${n} ${unit}` : `${n} ${unit} ago`;
}

const two = (n: number) => String(n).padStart(2, '0');

/* dateTime: of the reader's clock, to the second; with `utc` as UTC says it. */
export function dateTime(ms: number, utc = false): string {
  const d = new Date(utc ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000);
  if (Number.isNaN(d.getTime())) return DASH;
  return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
}

/* words: an enumeration's name as words, "NOT_UPDATING" as "Not updating". */
export function words(name: string): string {
  const text = name.replaceAll('_', ' ').toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/* compare sorts numbers as numbers, text as text, and what is missing last in both directions. */
export function compare(a: number | string | null, b: number | string | null, descending: boolean): number {
  const missing = (v: number | string | null) => v === null || v === '' || (typeof v === 'number' && Number.isNaN(v));
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  const order =
    typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true, sensitivity: 'base' });
  return descending ? -order : order;
}
