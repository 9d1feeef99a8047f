import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Num, Run } from '../../src/api/types.ts';
import { bestOf, flatten, keysOf, sortValue } from '../../src/experiments/columns.ts';

function run(id: string, metrics: Record<string, Num>, params: Record<string, string> = {}, start = 0): Run {
  return {
    info: { run_id: id, run_name: id, experiment_id: '1', status: 'FINISHED', start_time: start, end_time: start + 10 },
    data: {
      metrics: Object.entries(metrics).map(([key, value]) => ({ key, value, timestamp: 0, step: 0 })),
      params: Object.entries(params).map(([key, value]) => ({ key, value })),
    },
  };
}

test('the deciding metrics come first, then params that differ, then the rest', () => {
  const keys = keysOf([
    run('a', { cv_mae: 1, max_error: 5, mae: 1, rows_read: 10 }, { depth: '3', seed: '42' }),
    run('b', { cv_mae: 2, mae: 1 }, { depth: '4', seed: '42' }),
  ]);
  assert.deepEqual(keys.shown.map((k) => k.key), ['mae', 'cv_mae', 'depth', 'max_error']);
  assert.equal(keys.left, 0);
});

test('twelve thousand metrics do not make twelve thousand columns', () => {
  const many = Object.fromEntries(Array.from({ length: 12_000 }, (_, i) => [`m${i}`, i]));
  const keys = keysOf([run('a', many), run('b', many)]);
  assert.ok(keys.shown.length <= 16);
  assert.equal(keys.shown.length + keys.left, 12_000);
});

test('children stand under their parents, both sorted', () => {
  const rows = flatten([run('p', { mae: 2 }), run('q', { mae: 1 })], new Map([['p', [run('x', { mae: 9 }), run('y', { mae: 3 })]]]), 'metrics.mae', false);
  assert.deepEqual(rows.map((r) => `${r.depth}${r.run.info.run_id}`), ['0q', '0p', '1y', '1x']);
});

test('params that are numbers sort as numbers', () => {
  assert.equal(sortValue(run('a', {}, { leaves: '31' }), 'params.leaves'), 31);
  assert.equal(sortValue(run('a', {}, { objective: 'l1' }), 'params.objective'), 'l1');
  assert.equal(sortValue(run('a', {}), 'params.leaves'), null);
});

test('the best is the smallest error and the largest score, and none of a single run', () => {
  const two = [run('a', { mae: 2, r2: 0.9 }), run('b', { mae: 1, r2: 0.8 }), run('c', { mae: 'NaN' })];
  assert.equal(bestOf(two, 'mae'), 'b');
  assert.equal(bestOf(two, 'r2'), 'a');
  assert.equal(bestOf([run('a', { mae: 1 })], 'mae'), undefined);
  assert.equal(bestOf([run('a', { rows: 1 }), run('b', { rows: 2 })], 'rows'), undefined);
});
