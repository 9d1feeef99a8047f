/* Which columns a table of runs has, and the order of its rows. */
import type { Run } from '../api/types.ts';
import { metricOf, valueOf } from '../api/read.ts';
import { compare, toNumber } from '../kit/format.ts';

const METRICS_FIRST = ['mae', 'rmse', 'r2', 'cv_mae', 'cv_rmse'];
const COLUMNS_MAX = 16; // more stand on the run's own page

export interface Keys {
  shown: { kind: 'metrics' | 'params'; key: string }[]; // in this order
  left: number; // how many keys got no column
}

/* Counts of rows and single folds say little side by side. */
function tells(key: string): boolean {
  return !/^(rows_|fold_)/.test(key) && key !== 'candidates';
}

/* keysOf: the metrics that decide, then the params that differ, then the other metrics. A param that
 * is the same in all runs says nothing here. */
export function keysOf(runs: readonly Run[]): Keys {
  const metrics = new Set<string>();
  const params = new Map<string, Set<string>>();
  for (const run of runs) {
    for (const m of run.data.metrics ?? []) if (tells(m.key)) metrics.add(m.key);
    for (const p of run.data.params ?? []) params.set(p.key, (params.get(p.key) ?? new Set()).add(p.value));
  }
  const deciding = METRICS_FIRST.filter((key) => metrics.has(key));
  const others = [...metrics].filter((key) => !METRICS_FIRST.includes(key)).sort();
  const differing = [...params].filter(([, values]) => runs.length < 2 || values.size > 1).map(([key]) => key).sort();
  const all = [
    ...deciding.map((key) => ({ kind: 'metrics' as const, key })),
    ...differing.map((key) => ({ kind: 'params' as const, key })),
    ...others.map((key) => ({ kind: 'metrics' as const, key })),
  ];
  return { shown: all.slice(0, COLUMNS_MAX), left: Math.max(all.length - COLUMNS_MAX, 0) };
}

/* sortValue: what a run is ordered by under "metrics.mae", "params.seed", "started", "name", "status" or "duration". */
export function sortValue(run: Run, column: string): number | string | null {
  const [kind, ...rest] = column.split('.');
  const key = rest.join('.');
  if (kind === 'metrics') return toNumber(metricOf(run, key));
  if (kind === 'params') {
    const text = valueOf(run.data.params, key);
    if (text === undefined) return null;
    const x = toNumber(text);
    return Number.isNaN(x) ? text : x;
  }
  if (kind === 'name') return run.info.run_name;
  if (kind === 'status') return run.info.status;
  if (kind === 'duration') return run.info.end_time ? run.info.end_time - run.info.start_time : null;
  return run.info.start_time;
}

export interface RunRow {
  run: Run;
  depth: number;
}

/* flatten puts sorted children under their sorted parents. */
export function flatten(runs: readonly Run[], children: ReadonlyMap<string, readonly Run[]>, column: string, descending: boolean): RunRow[] {
  const order = (a: Run, b: Run) => compare(sortValue(a, column), sortValue(b, column), descending);
  const rows: RunRow[] = [];
  for (const run of [...runs].sort(order)) {
    rows.push({ run, depth: 0 });
    for (const child of [...(children.get(run.info.run_id) ?? [])].sort(order)) rows.push({ run: child, depth: 1 });
  }
  return rows;
}

const ERRORS = /^(cv_)?(mae|mse|rmse|mape|median_ae|max_error|log_?loss)$/;
const SCORES = /^(cv_)?(r2|accuracy|auc|f1|precision|recall)$/;

/* bestOf: the run with the smallest of an error, or the largest of a score; none among fewer than
 * two, and none of a metric that is neither. */
export function bestOf(runs: readonly Run[], key: string): string | undefined {
  const more = SCORES.test(key);
  if (!more && !ERRORS.test(key)) return undefined;
  const known = runs.map((run) => [run.info.run_id, toNumber(metricOf(run, key))] as const).filter(([, x]) => Number.isFinite(x));
  if (known.length < 2) return undefined;
  return known.reduce((a, b) => ((more ? b[1] > a[1] : b[1] < a[1]) ? b : a))[0];
}
