/* The screens: address, and the chunk that draws it. To add a noun, add its folder, its lines here and its link in shell.tsx. */
import type { ComponentType } from 'preact';

export type Params = Record<string, string>;
export type Screen = ComponentType<{ params: Params }>;

export const routes = [
  ['/', 'home'],
  ['/experiments', 'experiments'],
  ['/experiments/:experiment', 'experiment'],
  ['/experiments/:experiment/runs/:run', 'run'],
  ['/models', 'models'],
  ['/models/*model', 'model'],
  ['/endpoints', 'endpoints'],
  ['/endpoints/:endpoint', 'endpoint'],
  ['/monitoring', 'monitoring'],
  ['/jobs', 'jobs'],
] as const;

export type ScreenName = (typeof routes)[number][1];

export const loaders: Record<ScreenName, () => Promise<{ default: Screen }>> = {
  home: () => import('../home/home.tsx'),
  experiments: () => import('../experiments/experiments.tsx'),
  experiment: () => import('../experiments/experiment.tsx'),
  run: () => import('../experiments/run.tsx'),
  models: () => import('../models/models.tsx'),
  model: () => import('../models/model.tsx'),
  endpoints: () => import('../endpoints/endpoints.tsx'),
  endpoint: () => import('../endpoints/endpoint.tsx'),
  monitoring: () => import('../monitoring/monitoring.tsx'),
  jobs: () => import('../jobs/jobs.tsx'),
};
