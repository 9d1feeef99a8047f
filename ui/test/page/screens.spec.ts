import { addresses, expect, get, settled, test, url, violations } from './base.ts';
import { screen } from '../../src/api/paths.ts';
import { maeOf } from '../../src/api/read.ts';
import { count, exact, fixed, number } from '../../src/kit/format.ts';
import type { ChecksReport, ModelVersion } from '../../src/api/types.ts';

test('home tells the loop: champion, endpoint, drift and the latest job runs', async ({ page, known }) => {
  await page.goto(`${url}/`);
  await settled(page);
  const loop = page.getByRole('list', { name: 'The loop' });
  const champion = known.overview.champion[0];
  await expect(loop).toContainText(`v${champion?.version}`);
  await expect(loop).toContainText(`MAE ${number(champion?.mae)}`);
  await expect(loop).toContainText('1 of 1');
  await expect(loop).toContainText('Alert');
  await expect(page.getByRole('link', { name: known.endpoint.name })).toBeVisible();
  await expect(page.locator('.drift-list li')).toHaveCount(7);
  await expect(page.getByText(known.jobRuns[0]?.outcome ?? '').first()).toBeVisible();
});

test('an experiment unfolds its candidates, sorted as the address says', async ({ page, known }) => {
  await page.goto(url + addresses(known)['experiment']);
  await settled(page);
  const table = page.getByRole('region', { name: 'Runs' });
  await expect(table.getByRole('row')).toHaveCount(1 + 1 + known.children.length);
  await table.getByRole('button', { name: 'cv_mae' }).click();
  await expect(page).toHaveURL(/sort=metrics.cv_mae/);
  await expect(table.getByRole('columnheader', { name: 'cv_mae' })).toHaveAttribute('aria-sort', 'ascending');
  const cells = await table.locator('tr.child').evaluateAll((rows) => rows.map((r) => [...r.querySelectorAll('td')].map((td) => td.textContent ?? '')));
  const names = cells.map((c) => c[0]?.replace('chosen', ''));
  const byMae = [...known.children].sort((a, b) => Number(a.data.metrics?.find((m) => m.key === 'cv_mae')?.value) - Number(b.data.metrics?.find((m) => m.key === 'cv_mae')?.value));
  expect(names).toEqual(byMae.map((r) => r.info.run_name));
  await page.reload();
  await settled(page);
  await expect(table.getByRole('columnheader', { name: 'cv_mae' })).toHaveAttribute('aria-sort', 'ascending');
  await page.getByRole('button', { name: /Child runs/ }).click();
  await expect(table.getByRole('row')).toHaveCount(2);
});

test('of a thousand runs only those in sight are drawn', async ({ page, known }) => {
  // The real run a thousand times over: nothing at this depth makes so many.
  const runs = Array.from({ length: 1000 }, (_, i) => ({ ...known.run, info: { ...known.run.info, run_id: String(i).padStart(32, '0'), run_name: `run-${i}`, start_time: known.run.info.start_time - i } }));
  await page.route('**/api/tidemill/runs?experiment_id=*', (route) => route.fulfill({ json: { runs } }));
  await page.goto(url + screen.experiment(known.experiment.experiment_id));
  await settled(page);
  const table = page.getByRole('region', { name: 'Runs' });
  await expect(table.getByRole('table')).toHaveAttribute('aria-rowcount', '1001');
  await expect(table.getByRole('row', { name: /run-0 / })).toHaveAttribute('aria-rowindex', '2');
  expect(await table.locator('tbody tr').count()).toBeLessThan(60);
  const height = await table.evaluate((box) => box.scrollHeight);
  await table.focus();
  await page.keyboard.press('End');
  const last = table.getByRole('row', { name: /run-999 / });
  await expect(last).toBeVisible();
  await expect(last).toHaveAttribute('aria-rowindex', '1001');
  expect(await table.locator('tbody tr').count()).toBeLessThan(60);
  expect(Math.abs((await table.evaluate((box) => box.scrollHeight)) - height), 'drawn rows are as high as those left out').toBeLessThan(5);
  expect(await violations(page)).toEqual([]);
});

test('a run shows metrics, checks, plots, candidates and artifacts', async ({ page, known }) => {
  await page.goto(url + addresses(known)['run']);
  await settled(page);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(known.run.info.run_name);
  for (const m of known.run.data.metrics ?? []) await expect(page.getByTitle(exact(m.value)).first()).toBeVisible();
  for (const p of known.run.data.params ?? []) await expect(page.getByRole('row', { name: `${p.key} ${p.value}`, exact: true })).toBeVisible();
  const report = await get<ChecksReport>(`/get-artifact?run_id=${known.run.info.run_id}&path=checks.json`);
  await expect(page.locator('.checks-sum')).toContainText(`${count(report.rows)} rows read`);
  await expect(page.locator('.checks-sum')).toContainText(`${count(report.dropped)} dropped`);
  await expect(page.getByRole('region', { name: 'Expectations' }).getByRole('row')).toHaveCount(1 + (report.expectations?.length ?? 0));
  await expect(page.getByRole('region', { name: 'Candidates' }).getByRole('row')).toHaveCount(1 + known.children.length);
  const plots = page.locator('.plots img');
  await expect(plots).toHaveCount(3);
  for (const plot of await plots.all()) {
    await plot.scrollIntoViewIfNeeded();
    await expect.poll(() => plot.evaluate((img: HTMLImageElement) => img.complete && img.naturalWidth)).toBe(720);
  }
  await page.getByRole('button', { name: 'evaluation' }).click();
  await expect(page.getByRole('link', { name: 'heldout.json' })).toBeVisible();
});

test('a model shows its versions with aliases, validation and source run', async ({ page, known }) => {
  const { model_versions: versions } = await get<{ model_versions: ModelVersion[] }>('/api/2.0/mlflow/model-versions/search?max_results=100');
  await page.goto(`${url}/models`);
  await page.getByRole('link', { name: known.model.name }).click();
  await settled(page);
  const table = page.getByRole('region', { name: 'Versions' });
  await expect(table.getByRole('row')).toHaveCount(1 + versions.length);
  const champion = versions.find((v) => v.aliases?.includes('champion'));
  const row = table.getByRole('row').filter({ hasText: 'champion' }).last();
  await expect(row).toContainText(number(champion && maeOf(champion)));
  await expect(row).toContainText('Passed');
  await row.getByRole('link', { name: known.run.info.run_name }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(known.run.info.run_name);
});

test('monitoring tells the calm day from the shifted day', async ({ page, known }) => {
  await page.goto(`${url}/monitoring`);
  await settled(page);
  const days = page.locator('.history a');
  await expect(days).toHaveCount(known.monitors.length);
  for (const record of known.monitors) {
    await page.goto(`${url}/monitoring?monitor=${record.name}&at=${record.at_ms}`);
    await settled(page);
    const words = { ok: 'OK', alert: 'Alert', not_enough_data: 'Not enough data' };
    await expect(page.locator('.verdict-line')).toContainText(words[record.verdict]);
    await expect(page.getByText('Retraining advised')).toHaveCount(record.should_retrain ? 1 : 0);
    const table = page.getByRole('region', { name: 'Drift per column' });
    for (const line of record.lines.filter((l) => l.metric === 'drift_z')) {
      const row = table.getByRole('row').filter({ has: page.getByText(line.column, { exact: true }) });
      await expect(row).toContainText(number(line.baseline_mean));
      await expect(row).toContainText(number(line.window_mean));
      await expect(row).toContainText(fixed(line.value));
      await expect(row.getByText('Drift')).toHaveCount(line.alert ? 1 : 0);
    }
  }
  expect(known.monitors.map((m) => m.verdict)).toEqual(expect.arrayContaining(['alert', 'ok']));
  await days.filter({ hasText: 'OK' }).first().click();
  await expect(page.locator('.verdict-line')).toContainText('OK');
});

test('jobs show schedules, runs and what each task handed on', async ({ page, known }) => {
  await page.goto(`${url}/jobs`);
  await settled(page);
  await expect(page.getByRole('region', { name: 'Jobs' }).getByRole('row')).toHaveCount(4);
  await expect(page.getByText('0 0 0/6 * * ?')).toBeVisible();
  await expect(page.getByText('America/New_York')).toBeVisible();
  const runs = page.locator('.job-runs > li');
  await expect(runs).toHaveCount(known.jobRuns.length);
  await runs.filter({ hasText: 'ml_training_pipeline' }).getByRole('button').first().click();
  await expect(page.locator('.tasks > li')).toHaveCount(3);
  await expect(page.locator('.tasks')).toContainText('promoted');
  await page.reload();
  await expect(page.locator('.tasks > li')).toHaveCount(3);
  await page.locator('.tasks').getByRole('link', { name: known.run.info.run_id }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(known.run.info.run_name);
});

test('every address can be opened directly, and holds no accessibility violation in light and dark', async ({ page, known }) => {
  for (const [name, address] of Object.entries(addresses(known))) {
    await page.goto(url + address);
    await settled(page);
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await violations(page), `${name} in light`).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await violations(page, ['color-contrast', 'link-in-text-block']), `${name} in dark`).toEqual([]); // only colours change
  }
});

test('on a telephone nothing is wider than the screen', async ({ page, known }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  for (const [name, address] of Object.entries(addresses(known))) {
    await page.goto(url + address);
    await settled(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), name).toBeLessThanOrEqual(0);
  }
});
