/* Addresses of the server's data, and of the page's own screens. */
type Query = Record<string, string | number | undefined>;

function withQuery(path: string, query: Query = {}): string {
  const q = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== '') q.set(key, String(value));
  const text = q.toString();
  return text ? `${path}?${text}` : path;
}

const mlflow = '/api/2.0/mlflow';
const own = '/api/tidemill';
const MAX = 1000; // rows that any answer may have

export const data = {
  overview: () => `${own}/overview`,
  experiments: () => withQuery(`${mlflow}/experiments/search`, { max_results: MAX }),
  experiment: (id: string) => withQuery(`${mlflow}/experiments/get`, { experiment_id: id }),
  runs: (experimentId: string) => withQuery(`${own}/runs`, { experiment_id: experimentId, max: MAX }),
  children: (runId: string) => withQuery(`${own}/runs`, { parent_run_id: runId, max: MAX }),
  run: (id: string) => withQuery(`${mlflow}/runs/get`, { run_id: id }),
  artifacts: (runId: string, path = '') => withQuery(`${mlflow}/artifacts/list`, { run_id: runId, path }),
  artifact: (runId: string, path: string) => withQuery('/get-artifact', { run_id: runId, path }),
  models: () => withQuery(`${mlflow}/registered-models/search`, { max_results: MAX }),
  model: (name: string) => withQuery(`${mlflow}/registered-models/get`, { name }),
  versions: (name: string) =>
    withQuery(`${mlflow}/model-versions/search`, { filter: `name='${name.replaceAll("'", "''")}'`, max_results: MAX }),
  endpoints: () => '/api/2.0/serving-endpoints',
  endpoint: (name: string) => `/api/2.0/serving-endpoints/${encodeURIComponent(name)}`,
  signature: (name: string) => `${own}/endpoints/${encodeURIComponent(name)}/signature`,
  invocations: (name: string) => `/serving-endpoints/${encodeURIComponent(name)}/invocations`,
  monitors: () => withQuery(`${own}/monitors`, { max: 200 }),
  jobs: () => `${own}/jobs`,
  jobRuns: (job?: string) => withQuery(`${own}/job-runs`, { job, max: 200 }),
};

export const screen = {
  home: () => '/',
  experiments: () => '/experiments',
  experiment: (id: string) => `/experiments/${encodeURIComponent(id)}`,
  run: (experimentId: string, runId: string) => `/experiments/${encodeURIComponent(experimentId)}/runs/${encodeURIComponent(runId)}`,
  models: () => '/models',
  /* catalog.schema.model is three levels of the address: paths with a dot are files. */
  model: (name: string) => `/models/${name.split('.').map(encodeURIComponent).join('/')}`,
  endpoints: () => '/endpoints',
  endpoint: (name: string) => `/endpoints/${encodeURIComponent(name)}`,
  monitoring: (query: Query = {}) => withQuery('/monitoring', query),
  jobs: (query: Query = {}) => withQuery('/jobs', query),
};
