/* What the page's tests share: where the servers are, what they know, and a page that may complain of nothing. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test as plain, expect, type Page } from '@playwright/test';
import { screen } from '../../src/api/paths.ts';
import type { Endpoint, JobRun, MonitorRecord, Overview, RegisteredModel, Run } from '../../src/api/types.ts';

export const url = process.env['TIDEMILL_URL'] ?? '';
export const emptyUrl = process.env['TIDEMILL_EMPTY_URL'] ?? '';

export async function get<T>(path: string): Promise<T> {
  const answer = await fetch(url + path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/* What the server says about itself, so that the page can be held to it. */
export interface Known {
  overview: Overview;
  experiment: { experiment_id: string; name: string };
  run: Run;
  children: Run[];
  model: RegisteredModel;
  endpoint: Endpoint;
  monitors: MonitorRecord[];
  jobRuns: JobRun[];
}

async function ask(): Promise<Known> {
  const { experiments } = await get<{ experiments: { experiment_id: string; name: string }[] }>('/api/2.0/mlflow/experiments/search?max_results=100');
  const { job_runs: jobRuns } = await get<{ job_runs: JobRun[] }>('/api/tidemill/job-runs');
  const trained = jobRuns.flatMap((r) => r.tasks).find((t) => t.key === 'train');
  const experiment = experiments.find((e) => e.experiment_id === trained?.values?.['experiment_id']);
  if (!experiment) throw new Error('the demo trained nothing');
  const { runs } = await get<{ runs: Run[] }>(`/api/tidemill/runs?experiment_id=${experiment.experiment_id}`);
  const run = runs[0];
  if (!run) throw new Error('the demo made no run');
  const { runs: children } = await get<{ runs: Run[] }>(`/api/tidemill/runs?parent_run_id=${run.info.run_id}`);
  const { registered_models: models } = await get<{ registered_models: RegisteredModel[] }>('/api/2.0/mlflow/registered-models/search?max_results=10');
  const { endpoints } = await get<{ endpoints: Endpoint[] }>('/api/2.0/serving-endpoints');
  const [model, endpoint] = [models[0], endpoints[0]];
  if (!model || !endpoint) throw new Error('the demo made no model or no endpoint');
  return {
    overview: await get<Overview>('/api/tidemill/overview'),
    experiment,
    run,
    children,
    model,
    endpoint,
    monitors: (await get<{ monitors: MonitorRecord[] }>('/api/tidemill/monitors')).monitors,
    jobRuns,
  };
}

export function addresses(of: Known): Record<string, string> {
  const training = of.jobRuns.find((r) => r.job.includes('training'));
  return {
    home: screen.home(),
    experiments: screen.experiments(),
    experiment: `${screen.experiment(of.experiment.experiment_id)}?open=${of.run.info.run_id}`,
    run: screen.run(of.experiment.experiment_id, of.run.info.run_id),
    models: screen.models(),
    model: screen.model(of.model.name),
    endpoints: screen.endpoints(),
    endpoint: screen.endpoint(of.endpoint.name),
    monitoring: screen.monitoring(),
    jobs: screen.jobs({ run: training?.id }),
  };
}

export const test = plain.extend<{ known: Known; complaints: string[] }>({
  known: async ({}, use) => use(await ask()),
  /* Whatever the browser complains of: errors, warnings, refusals by the policy, answers that failed. */
  complaints: [
    async ({ page }, use) => {
      const said: string[] = [];
      page.on('console', (m) => ['error', 'warning'].includes(m.type()) && said.push(`${m.type()}: ${m.text()}`));
      page.on('pageerror', (e) => said.push(`exception: ${e.message}`));
      await page.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`));
      });
      await use(said);
      expect(said, 'the browser complained').toEqual([]);
    },
    { auto: true },
  ],
});

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  help: string;
  nodes: { target: unknown[]; failureSummary?: string }[];
}

/* violations of the accessibility rules (WCAG A, AA and best practice; or those named), as lines to read. The rules
 * are evaluated by the browser's debugger, which the page's policy does not bind. */
export async function violations(page: Page, rules?: string[]): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeSource);
  const found = await page.evaluate(async (only) => {
    const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<{ violations: Violation[] }> } };
    return (await axe.run(only ? { runOnly: only } : {})).violations;
  }, rules);
  return found.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => `${n.target.join(' ')} (${n.failureSummary ?? ''})`).join('; ')}`);
}

/* settled: the screen shows data, and nothing is still loading. */
export async function settled(page: Page): Promise<void> {
  await expect(page.locator('main h1')).toBeVisible();
  await expect(page.locator('.loading')).toHaveCount(0);
}

export { expect };
