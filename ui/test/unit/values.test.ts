import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valuesOf } from '../../src/jobs/values.ts';

test('task values become lines to read, with links where they lead somewhere', () => {
  const lines = valuesOf({ run_id: 'abc', experiment_id: '1', mae: 1.40123456, passed: true, previous_version: 0, champion_mae: 'NaN', checks: { a: 1 }, alerts: [], curl: 'curl …' });
  assert.deepEqual(
    lines.map((l) => [l.name, l.text]),
    [['run id', 'abc'], ['experiment id', '1'], ['mae', '1.40123'], ['passed', 'yes'], ['alerts', 'none']],
  );
  assert.equal(lines[0]?.href, '/experiments/1/runs/abc');
});

test('no values are no lines', () => {
  assert.deepEqual(valuesOf(null), []);
  assert.deepEqual(valuesOf({}), []);
});
