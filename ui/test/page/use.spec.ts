/* What a person does with the page: predict, make mistakes, go by keyboard, look at an empty home, lose the server. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { addresses, emptyUrl, expect, get, settled, test, url, violations } from './base.ts';
import { screen } from '../../src/api/paths.ts';
import type { Signature } from '../../src/api/types.ts';

const root = resolve(import.meta.dirname, '../../..');

test('"try it" predicts what a direct request predicts', async ({ page, known }) => {
  const signature = await get<Signature>(`/api/tidemill/endpoints/${known.endpoint.name}/signature`);
  const row = { ...signature.example, trip_distance: 3.5 };
  const answer = await fetch(`${url}/serving-endpoints/${known.endpoint.name}/invocations`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ dataframe_records: [row] }),
  });
  const { predictions } = (await answer.json()) as { predictions: number[] };
  await page.goto(url + screen.endpoint(known.endpoint.name));
  await settled(page);
  for (const { name } of signature.inputs) await expect(page.getByLabel(name, { exact: true })).toHaveValue(String(signature.example?.[name]));
  await page.getByLabel('trip_distance').fill('3.5');
  await page.getByRole('button', { name: 'Predict' }).click();
  await expect(page.locator('output')).toHaveAttribute('data-value', String(predictions[0]));
  await expect(page.locator('.answer')).toContainText(/answered in [\d.]+ m?s/);
  expect(await violations(page)).toEqual([]);
});

test('what the server refuses is said at the field', async ({ page, known, complaints }) => {
  await page.goto(url + screen.endpoint(known.endpoint.name));
  await settled(page);
  const field = page.getByLabel('pickup_hour');
  for (const wrong of ['three', '3.5', '']) {
    await field.fill(wrong);
    await field.press('Enter');
    await expect(field).toHaveAttribute('aria-invalid', 'true');
    await expect(field).toBeFocused();
    await expect(page.locator('.field.wrong')).toContainText('dataframe_records[0].pickup_hour');
    expect(await violations(page)).toEqual([]);
  }
  await field.fill('17');
  await field.press('Enter');
  await expect(page.locator('output')).toBeVisible();
  await expect(field).toHaveAttribute('aria-invalid', 'false');
  // The browser itself notes each refused request; nothing else may be there.
  expect(complaints.filter((c) => !/status of 400/.test(c))).toEqual([]);
  complaints.length = 0;
});

test('the snippets work as they are', async ({ page, known }) => {
  await page.goto(url + screen.endpoint(known.endpoint.name));
  await settled(page);
  await page.getByRole('button', { name: 'Predict' }).click();
  const shown = await page.locator('output').getAttribute('data-value');
  const curl = await page.locator('.code code').innerText();
  expect(JSON.parse(execFileSync('sh', ['-c', curl], { encoding: 'utf8' }))).toEqual({ predictions: [Number(shown)] });
  await page.getByRole('tab', { name: 'curl' }).press('ArrowRight');
  await expect(page.getByRole('tab', { name: 'Python' })).toBeFocused();
  const python = await page.locator('.code code').innerText();
  expect(JSON.parse(execFileSync('python3', ['-c', python], { encoding: 'utf8' }))).toEqual([Number(shown)]);
});

test('copying gives the whole text', async ({ page, known, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(url + screen.endpoint(known.endpoint.name));
  await settled(page);
  await page.getByRole('button', { name: 'Copy the snippet' }).click();
  const text = await page.locator('.code code').innerText();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(text);
});

test('the keyboard reaches everything, and the focus follows the screen', async ({ page }) => {
  await page.goto(`${url}/`);
  await settled(page);
  await page.keyboard.press('Tab');
  await expect(page.getByText('Skip to content')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('main')).toBeFocused();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Home' }).focus();
  for (const name of ['Experiments', 'Models', 'Endpoints', 'Monitoring', 'Jobs']) {
    await page.keyboard.press('Tab');
    await expect(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name })).toBeFocused();
  }
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`${url}/jobs`);
  await expect(page.getByRole('heading', { level: 1, name: 'Jobs' })).toBeFocused();
  await expect(page).toHaveTitle('Jobs · Tidemill');
  await page.goBack();
  await expect(page.getByRole('heading', { level: 1, name: 'Home' })).toBeFocused();
  await expect(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Home' })).toHaveAttribute('aria-current', 'page');
});

test('the theme can be chosen, and is remembered', async ({ page }) => {
  await page.goto(`${url}/`);
  await settled(page);
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await page.getByRole('button', { name: /Theme: auto/ }).click();
  const light = await background();
  await page.getByRole('button', { name: /Theme: light/ }).click();
  expect(await background()).not.toBe(light);
  await page.reload();
  await expect(page.getByRole('button', { name: /Theme: dark/ })).toBeVisible();
  expect(await background()).not.toBe(light);
});

test('an empty home says the next command everywhere, and it works', async ({ page }) => {
  for (const path of ['/', '/models', '/endpoints', '/monitoring', '/jobs']) {
    await page.goto(emptyUrl + path);
    await settled(page);
    await expect(page.locator('.command').first(), path).toContainText('tidemill');
    expect(await violations(page), path).toEqual([]);
  }
  const command = await page.locator('.command code').first().innerText();
  const path = `${resolve(root, 'build')}:${process.env['PATH'] ?? ''}`;
  execFileSync('sh', ['-c', command], { cwd: root, env: { ...process.env, PATH: path }, stdio: 'pipe' });
  await expect(page.getByRole('region', { name: 'Jobs' }).getByRole('row')).toHaveCount(4);
});

test('what does not exist is said in words', async ({ page, complaints }) => {
  await page.goto(`${url}/nothing/here`);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Nothing here');
  for (const path of ['/experiments/999', '/models/no/such/model', '/endpoints/nobody', '/experiments/1/runs/00000000000000000000000000000000']) {
    await page.goto(url + path);
    await expect(page.getByRole('alert'), path).toContainText('Not found');
    expect(await violations(page), path).toEqual([]);
  }
  expect(complaints.filter((c) => !/status of 404/.test(c))).toEqual([]);
  complaints.length = 0;
});

test('a lost connection is said, and what was seen stays', async ({ page, known, context, complaints }) => {
  await page.goto(url + addresses(known)['models']);
  await settled(page);
  await context.setOffline(true);
  await expect(page.getByText('What you see is not fresh')).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole('link', { name: known.model.name })).toBeVisible();
  await expect(page.getByText('No connection')).toBeVisible();
  await context.setOffline(false);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByText('What you see is not fresh')).toHaveCount(0);
  expect(complaints.filter((c) => !/ERR_INTERNET_DISCONNECTED/.test(c))).toEqual([]);
  complaints.length = 0;
});

test('the policy of the page is strict, and artifacts are kept in a sandbox', async ({ page, known }) => {
  const answer = await page.goto(`${url}/`);
  const policy = answer?.headers()['content-security-policy'] ?? '';
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toContain('unsafe');
  const plot = await fetch(`${url}/get-artifact?run_id=${known.run.info.run_id}&path=plots/residuals.svg`);
  expect(plot.headers.get('content-security-policy')).toContain('sandbox');
  expect(plot.headers.get('x-content-type-options')).toBe('nosniff');
});
