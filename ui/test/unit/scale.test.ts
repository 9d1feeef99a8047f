import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MonitorLine, Num } from '../../src/api/types.ts';
import { bySeverity, scaleMax, share } from '../../src/monitoring/scale.ts';

function line(value: Num, alert = false): MonitorLine {
  return { metric: 'drift_z', kind: 'feature', column: String(value), value, window_mean: 0, baseline_mean: 0, baseline_std: 1, threshold: 2, alert };
}

test('the threshold stands well inside the bar', () => {
  assert.equal(scaleMax([line(0.1)]), 4);
  assert.ok(scaleMax([line(100)]) <= 16);
  assert.ok(scaleMax([line(2.9), line(0.1)]) >= 2.9);
  assert.equal(scaleMax([]), 1);
});

test('infinite drift fills the bar, unknown drift has none', () => {
  assert.equal(share('Infinity', 4), 1);
  assert.equal(share('NaN', 4), 0);
  assert.equal(share(null, 4), 0);
  assert.equal(share(2, 4), 0.5);
});

test('alerts come first, then the strongest', () => {
  const sorted = [line(0.1), line('NaN'), line(1.5), line('Infinity', true), line(2.5, true)].sort(bySeverity);
  assert.deepEqual(sorted.map((l) => l.value), ['Infinity', 2.5, 1.5, 0.1, 'NaN']);
});
