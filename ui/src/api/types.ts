/* What the server answers. Numbers that JSON cannot hold (NaN, infinities) come as text. */
export type Num = number | string | null;

export interface KeyValue {
  key: string;
  value: string;
}

export interface Metric {
  key: string;
  value: Num;
  timestamp: number;
  step: number;
}

export interface Experiment {
  experiment_id: string;
  name: string;
  lifecycle_stage: string;
  creation_time: number;
  last_update_time: number;
}

export interface Run {
  info: {
    run_id: string;
    run_name: string;
    experiment_id: string;
    status: string;
    start_time: number;
    end_time?: number;
    user_id?: string;
    artifact_uri?: string;
  };
  data: { metrics?: Metric[]; params?: KeyValue[]; tags?: KeyValue[] };
}

export interface Artifact {
  path: string;
  is_dir: boolean;
  file_size?: number;
}

export interface RegisteredModel {
  name: string;
  creation_timestamp: number;
  last_updated_timestamp: number;
  description?: string;
  latest_versions?: ModelVersion[];
  aliases?: { alias: string; version: string }[];
}

export interface ModelVersion {
  name: string;
  version: string;
  creation_timestamp: number;
  last_updated_timestamp: number;
  current_stage?: string;
  status?: string;
  source?: string;
  run_id?: string;
  aliases?: string[];
  tags?: KeyValue[];
}

export interface ServedEntity {
  name: string;
  entity_name: string;
  entity_version: string;
  workload_size?: string;
  scale_to_zero_enabled?: boolean;
  state?: { deployment: string; deployment_state_message?: string };
}

export interface Endpoint {
  name: string;
  creation_timestamp: number;
  last_updated_timestamp: number;
  state: { ready: string; config_update: string };
  config: {
    served_entities: ServedEntity[];
    traffic_config?: { routes: { served_model_name: string; traffic_percentage: number }[] };
    config_version: number;
  };
}

export interface SignatureInput {
  name: string;
  type: string;
  required: boolean;
}

export interface Signature {
  inputs: SignatureInput[];
  example?: Record<string, unknown> | null;
  model?: { name: string; version: string | number };
  url?: string;
}

export type Verdict = 'ok' | 'alert' | 'not_enough_data';

export interface MonitorLine {
  metric: string;
  kind: string;
  column: string;
  value: Num;
  window_mean: Num;
  baseline_mean: Num;
  baseline_std: Num;
  threshold: Num;
  alert: boolean;
}

export interface MonitorRecord {
  name: string;
  registered_model: string;
  at_ms: number;
  verdict: Verdict;
  should_retrain: boolean;
  rows: number;
  window_start_ms: number;
  window_end_ms: number;
  reason: string;
  lines: MonitorLine[];
}

export interface Job {
  bundle: string;
  target: string;
  name: string;
  cron?: string;
  timezone?: string;
  paused: boolean;
  next_fire_ms?: number;
  last_state?: string;
  last_run?: number;
}

export interface Task {
  key: string;
  state: string;
  message?: string;
  attempt: number;
  started_ms?: number;
  ended_ms?: number;
  exit_code?: number;
  values?: Record<string, unknown> | null;
}

export interface JobRun {
  id: number;
  job: string;
  trigger: string;
  state: string;
  outcome: string;
  attempt: number;
  at_ms?: number;
  created_ms: number;
  started_ms?: number;
  ended_ms?: number;
  exit_code?: number;
  tasks: Task[];
}

export interface Overview {
  version: string;
  home: string;
  counts: { experiments: number; runs: number; models: number; versions: number; endpoints: number; jobs: number };
  endpoints: { name: string; ready: boolean; version?: string | number; requests?: number }[];
  champion: { model: string; version: string | number; mae?: Num }[];
  latest_monitor?: MonitorRecord | null;
  latest_job_runs: JobRun[];
}

/* The artifact checks.json of a training run. */
export interface ChecksReport {
  suite?: string;
  passed?: boolean;
  rows: number;
  kept?: number;
  dropped?: number;
  expectations?: {
    name: string;
    expectation: string;
    column?: string;
    condition?: string;
    on_fail: string;
    passed: boolean;
    unexpected: number;
    dropped: number;
    sample?: unknown[];
  }[];
}
