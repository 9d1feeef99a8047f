/* Drift as bars against the threshold. Each bar's number stands beside it. */
import './drift.css';
import type { MonitorLine } from '../api/types.ts';
import { exact, fixed, number } from '../kit/format.ts';
import { Icon } from '../kit/icons.tsx';
import { bySeverity, scaleMax, share } from './scale.ts';

const WIDTH = 200;

export function Bar({ line, max }: { line: MonitorLine; max: number }) {
  const limit = share(line.threshold, max) * WIDTH;
  return (
    <svg class={line.alert ? 'bar alert' : 'bar'} viewBox={`0 0 ${WIDTH} 16`} preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" x="0" y="5" width={WIDTH} height="6" rx="3" />
      <rect class="fill" x="0" y="5" width={Math.max(share(line.value, max) * WIDTH, 1)} height="6" rx="3" />
      {limit > 0 && <rect class="limit" x={limit - 0.75} y="1" width="1.5" height="14" />}
    </svg>
  );
}

export function drifts(lines: readonly MonitorLine[]): MonitorLine[] {
  return lines.filter((l) => l.metric === 'drift_z').sort(bySeverity);
}

/* DriftList: the short form, for Home. */
export function DriftList({ lines }: { lines: readonly MonitorLine[] }) {
  const shown = drifts(lines);
  const max = scaleMax(shown);
  if (!shown.length) return null;
  const limit = shown.find((l) => l.threshold !== null)?.threshold;
  return (
    <>
      <ul class="drift-list">
        {shown.map((l) => (
          <li key={`${l.kind} ${l.column}`}>
            <span class="name">{l.column}</span>
            <Bar line={l} max={max} />
            <span class={l.alert ? 'z alert' : 'z'} title={exact(l.value)}>
              {l.alert && <Icon name="bang" />}
              {fixed(l.value)}
              {l.alert && <span class="hidden"> over the threshold</span>}
            </span>
          </li>
        ))}
      </ul>
      <p class="legend">
        z: distance of the window's mean from the training mean, in standard deviations{limit !== undefined && <>; the mark is the threshold, {number(limit)}</>}.
      </p>
    </>
  );
}
