import assert from 'node:assert/strict';
import { test } from 'node:test';
import { windowRows } from '../../src/kit/window.ts';

const ROW = 41;

test('only what is in sight is drawn, with a few rows around', () => {
  const span = windowRows(100 * ROW, 600, ROW, 1000, 8);
  assert.equal(span.first, 92);
  assert.equal(span.end, 100 + Math.ceil(600 / ROW) + 8);
});

test('heights always add up to the whole table', () => {
  for (const count of [1, 2, 59, 60, 61, 1000]) {
    for (let top = -100; top < count * ROW + 500; top += 97) {
      const s = windowRows(top, 600, ROW, count);
      assert.equal(s.before + (s.end - s.first) * ROW + s.after, count * ROW);
      assert.ok(s.first >= 0 && s.end <= count && s.end > s.first, `${count} rows at ${top}`);
    }
  }
});

test('each row in sight is among the drawn ones', () => {
  for (let top = 0; top < 1000 * ROW - 600; top += 313) {
    const s = windowRows(top, 600, ROW, 1000);
    assert.ok(s.first * ROW <= top && s.end * ROW >= top + 600);
  }
});

test('no rows, no view and no height draw nothing wrong', () => {
  assert.deepEqual(windowRows(0, 600, ROW, 0), { first: 0, end: 0, before: 0, after: 0 });
  assert.deepEqual(windowRows(50, 600, 0, 10), { first: 0, end: 0, before: 0, after: 0 });
  assert.equal(windowRows(0, 0, ROW, 1000, 4).end, 4);
});
