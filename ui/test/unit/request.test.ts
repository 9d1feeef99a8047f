import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { bodyOf, curlOf, fieldOf, pythonOf, recordOf, startOf } from '../../src/endpoints/request.ts';
import { commandsFor, shellQuote } from '../../src/kit/shell.ts';

const inputs = [
  { name: 'trip_distance', type: 'double', required: true },
  { name: 'pickup_hour', type: 'long', required: true },
  { name: 'paid', type: 'boolean', required: false },
  { name: 'note', type: 'string', required: false },
];

test('values go as their types', () => {
  const body = bodyOf(inputs, { trip_distance: '3.5', pickup_hour: '17', paid: 'true', note: 'a "b"' });
  assert.deepEqual(JSON.parse(body), { dataframe_records: [{ trip_distance: 3.5, pickup_hour: 17, paid: true, note: 'a "b"' }] });
});

test('digits go as they were typed', () => {
  assert.ok(bodyOf(inputs, { pickup_hour: '9007199254740993' }).includes('"pickup_hour": 9007199254740993'));
  assert.ok(bodyOf(inputs, { trip_distance: '1e-7' }).includes('1e-7'));
});

test('what is no number goes as text, for the server to refuse', () => {
  assert.deepEqual(JSON.parse(recordOf(inputs, { trip_distance: 'far', pickup_hour: '0x10' })), { trip_distance: 'far', pickup_hour: '0x10' });
  assert.deepEqual(JSON.parse(recordOf(inputs, { trip_distance: '01' })), { trip_distance: '01' });
});

test('an empty field is left out', () => {
  assert.deepEqual(JSON.parse(recordOf(inputs, { trip_distance: ' ', pickup_hour: '1' })), { pickup_hour: 1 });
});

test('an error finds its field', () => {
  assert.equal(fieldOf('dataframe_records[0].trip_distance: want double, got string', inputs), 'trip_distance');
  assert.equal(fieldOf('dataframe_records[0].pickup_hour: want long, got 3.5', inputs), 'pickup_hour');
  assert.equal(fieldOf('dataframe_records[0].pickup_hours: no such column', inputs), undefined);
  assert.equal(fieldOf('endpoint x: not ready', inputs), undefined);
  const near = [...inputs, { name: 'trip', type: 'double', required: true }];
  assert.equal(fieldOf('dataframe_records[0].trip_distance: missing', near), 'trip_distance');
});

test('the form starts with the example', () => {
  assert.deepEqual(startOf(inputs, { trip_distance: 3.5, paid: false, note: 'x' }), { trip_distance: '3.5', pickup_hour: '', paid: 'false', note: 'x' });
  assert.deepEqual(startOf(inputs.slice(0, 1), null), { trip_distance: '' });
});

test('a shell reads the body back as it was', () => {
  const body = bodyOf(inputs, { note: `it's "quoted" $HOME \`x\` \\` });
  assert.equal(execFileSync('sh', ['-c', `printf %s ${shellQuote(body)}`], { encoding: 'utf8' }), body);
  assert.ok(curlOf('http://h/x', body).startsWith('curl -s http://h/x'));
});

test('a home with blanks stays one word of the command', () => {
  const words = execFileSync('sh', ['-c', commandsFor("/tmp/it's a home").apply.replace('tidemill', "printf '%s\\n'")], { encoding: 'utf8' }).split('\n');
  assert.equal(words[words.indexOf('--home') + 1], "/tmp/it's a home");
  assert.ok(!commandsFor(undefined).apply.includes('--home'));
});

test('the Python snippet is Python', () => {
  const text = pythonOf('http://h/x', inputs, { trip_distance: '3.5', paid: 'true', note: 'x: true' });
  assert.ok(text.includes('"paid": True'));
  assert.ok(text.includes('"note": "x: true"'));
});
