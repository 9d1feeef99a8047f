/* Reading what the server's lists hold. */
import { toNumber } from '../kit/format.ts';
import type { KeyValue, ModelVersion, Num, Run } from './types.ts';

export function valueOf(list: readonly KeyValue[] | undefined, key: string): string | undefined {
  return list?.find((kv) => kv.key === key)?.value;
}

export function metricOf(run: Run, key: string): Num | undefined {
  return run.data.metrics?.find((m) => m.key === key)?.value;
}

export function tagOf(run: Run, key: string): string | undefined {
  return valueOf(run.data.tags, key);
}

export function durationOf(run: Run, now: number): number | undefined {
  const end = run.info.end_time || (run.info.status === 'RUNNING' ? now : undefined);
  return end === undefined ? undefined : Math.max(end - run.info.start_time, 0);
}

/* The mean absolute error that validation measured, where it did. */
export function maeOf(version: ModelVersion): number {
  return toNumber(valueOf(version.tags, 'validation.mae'));
}

/* Where several lists tell the versions of a model, the newest first. */
export function byVersion(a: ModelVersion, b: ModelVersion): number {
  return Number(b.version) - Number(a.version);
}
