import assert from 'node:assert/strict';
import { test } from 'node:test';
import { match, withParams } from '../../src/app/match.ts';
import { screen, data } from '../../src/api/paths.ts';
import { routes } from '../../src/app/routes.ts';

test('every screen is found by its own address', () => {
  const addresses: [string, string, Record<string, string>][] = [
    [screen.home(), 'home', {}],
    [screen.experiments(), 'experiments', {}],
    [screen.experiment('12'), 'experiment', { experiment: '12' }],
    [screen.run('12', 'abc'), 'run', { experiment: '12', run: 'abc' }],
    [screen.models(), 'models', {}],
    [screen.model('main.ml.fare'), 'model', { model: 'main/ml/fare' }],
    [screen.model('fare'), 'model', { model: 'fare' }],
    [screen.endpoints(), 'endpoints', {}],
    [screen.endpoint('ml_fare'), 'endpoint', { endpoint: 'ml_fare' }],
    [screen.monitoring(), 'monitoring', {}],
    [screen.jobs(), 'jobs', {}],
  ];
  for (const [address, name, params] of addresses) assert.deepEqual(match(routes, address), { name, params }, address);
  assert.deepEqual(new Set(addresses.map(([, name]) => name)), new Set(routes.map(([, name]) => name)));
});

test('addresses of screens hold no dot, since paths with a dot are files', () => {
  for (const address of [screen.model('main.ml.fare'), screen.endpoint('a_b-c'), screen.run('1', '0af')]) assert.ok(!address.includes('.'), address);
});

test('what is no screen is not found', () => {
  for (const path of ['/nothing', '/experiments/1/runs', '/experiments/1/runs/2/3', '/jobs/1', '/experiments//runs/x']) assert.equal(match(routes, path), null, path);
});

test('a slash at the end changes nothing', () => {
  assert.equal(match(routes, '/models/')?.name, 'models');
  assert.equal(match(routes, '/experiments/1/')?.name, 'experiment');
});

test('names are decoded, and a broken escape is taken as it is', () => {
  assert.equal(match(routes, '/endpoints/a%20b')?.params['endpoint'], 'a b');
  assert.equal(match(routes, '/endpoints/a%b')?.params['endpoint'], 'a%b');
});

test('a query changes in part', () => {
  assert.equal(withParams('?sort=mae&open=1', { open: '' }), '?sort=mae');
  assert.equal(withParams('', { sort: '-mae' }), '?sort=-mae');
  assert.equal(withParams('?a=1', { a: '' }), '');
  assert.equal(withParams('?job=x', { job: 'a b&c' }), '?job=a+b%26c');
});

test('names with quotes and blanks stay in one parameter', () => {
  assert.equal(new URL(data.versions("o'hara & co"), 'http://x').searchParams.get('filter'), "name='o''hara & co'");
  assert.equal(data.endpoint('a/b'), '/api/2.0/serving-endpoints/a%2Fb');
});
