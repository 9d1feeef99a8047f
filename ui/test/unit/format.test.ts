import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, compare, count, dateTime, duration, exact, fixed, number, percent, relative, toNumber, words } from '../../src/kit/format.ts';

test('numbers that JSON cannot hold are read from text', () => {
  assert.equal(toNumber('Infinity'), Infinity);
  assert.equal(toNumber('-Infinity'), -Infinity);
  assert.equal(toNumber('inf'), Infinity);
  assert.ok(Number.isNaN(toNumber('NaN')));
  assert.ok(Number.isNaN(toNumber('')));
  assert.ok(Number.isNaN(toNumber(null)));
  assert.ok(Number.isNaN(toNumber(undefined)));
  assert.equal(toNumber('1.5'), 1.5);
});

test('a number has four significant digits', () => {
  assert.equal(number(1.40123456), '1.401');
  assert.equal(number(12.3456), '12.35');
  assert.equal(number(0.89112), '0.8911');
  assert.equal(number(0.00123456), '0.001235');
  assert.equal(number(999.96), '1000.0');
  assert.equal(number(1.40123456, 6), '1.40123');
});

test('whole numbers stay whole and are grouped', () => {
  assert.equal(number(0), '0');
  assert.equal(number(9961), '9,961');
  assert.equal(number(-12), '−12');
  assert.equal(count(1234567), '1,234,567');
  assert.equal(count('42'), '42');
});

test('very large and very small numbers are powers', () => {
  assert.equal(number(1.5e9 + 0.5), '1.500e9');
  assert.equal(number(0.00001234), '1.234e-5');
  assert.equal(number(1234.5), '1,235');
});

test('what is missing is a dash, what is infinite says so', () => {
  assert.equal(number(null), '–');
  assert.equal(number(undefined), '–');
  assert.equal(number('NaN'), 'NaN');
  assert.equal(number('Infinity'), '∞');
  assert.equal(number(-Infinity), '−∞');
  assert.equal(count('NaN'), '–');
  assert.equal(exact(null), '–');
  assert.equal(exact(1.40123456789), '1.40123456789');
});

test('columns that are compared have the same decimals', () => {
  assert.equal(fixed(2.914), '2.91');
  assert.equal(fixed(0.0004), '0.00');
  assert.equal(fixed('Infinity'), '∞');
  assert.equal(fixed(null), '–');
});

test('percentages do not divide by nothing', () => {
  assert.equal(percent(39, 10000), '0.4 %');
  assert.equal(percent(1, 10000), '0.01 %');
  assert.equal(percent(0, 10), '0 %');
  assert.equal(percent(1, 0), '–');
  assert.equal(percent(10, 10), '100 %');
});

test('durations change their unit at the right place', () => {
  assert.equal(duration(0), '< 1 ms');
  assert.equal(duration(0.25), '0.25 ms');
  assert.equal(duration(1.84), '1.8 ms');
  assert.equal(duration(843), '843 ms');
  assert.equal(duration(1000), '1.0 s');
  assert.equal(duration(59_940), '59.9 s');
  assert.equal(duration(59_960), '1 min 0 s');
  assert.equal(duration(125_000), '2 min 5 s');
  assert.equal(duration(3_599_700), '1 h 0 min');
  assert.equal(duration(90_000_000), '1 d 1 h');
  assert.equal(duration(undefined), '–');
  assert.equal(duration(-5), '–');
});

test('sizes change their unit at the right place', () => {
  assert.equal(bytes(0), '0 B');
  assert.equal(bytes(1023), '1023 B');
  assert.equal(bytes(1024), '1.0 KiB');
  assert.equal(bytes(1024 * 1024 - 1), '1.0 MiB');
  assert.equal(bytes(undefined), '–');
});

test('times are told from now, in both directions', () => {
  const now = 1_700_000_000_000;
  assert.equal(relative(now - 2000, now), 'now');
  assert.equal(relative(now - 59_000, now), '59 s ago');
  assert.equal(relative(now - 180_000, now), '3 min ago');
  assert.equal(relative(now + 5 * 3_600_000, now), 'in 5 h');
  assert.equal(relative(now - 3 * 86_400_000, now), '3 days ago');
});

test('a date is told as UTC where that is asked for', () => {
  assert.equal(dateTime(Date.UTC(2026, 2, 1, 6, 5, 9), true), '2026-03-01 06:05:09');
  assert.equal(dateTime(NaN), '–');
});

test('names of enumerations become words', () => {
  assert.equal(words('NOT_UPDATING'), 'Not updating');
  assert.equal(words('fare_amount'), 'Fare amount');
  assert.equal(words(''), '');
});

test('sorting knows numbers, text and what is missing', () => {
  assert.deepEqual([3, NaN, 1, 2].sort((a, b) => compare(a, b, false)), [1, 2, 3, NaN]);
  assert.deepEqual([3, NaN, 1, 2].sort((a, b) => compare(a, b, true)), [3, 2, 1, NaN]);
  assert.deepEqual(['candidate-10', 'candidate-9'].sort((a, b) => compare(a, b, false)), ['candidate-9', 'candidate-10']);
  assert.equal(compare(null, 'x', true), 1);
  assert.equal(compare(null, '', true), 0);
});
