import './monitoring.css';
import { data, screen } from '../api/paths.ts';
import { useResource } from '../api/resource.ts';
import type { MonitorLine, MonitorRecord } from '../api/types.ts';
import { Link, query } from '../app/router.tsx';
import { Badge, VerdictBadge } from '../kit/badge.tsx';
import { count, dateTime, exact, fixed, number, toNumber } from '../kit/format.ts';
import { Icon } from '../kit/icons.tsx';
import { Card, Empty, Facts, Name, PageHead, Show, When } from '../kit/parts.tsx';
import { sortRows, Table, useSort, type Column } from '../kit/table.tsx';
import { Bar, drifts } from './drift.tsx';
import { scaleMax } from './scale.ts';

function columnsOf(lines: MonitorLine[]): Column<MonitorLine>[] {
  const max = scaleMax(lines);
  const limit = lines.find((l) => l.threshold !== null)?.threshold;
  return [
    {
      id: 'column',
      label: 'Column',
      by: (l) => l.column,
      cell: (l) => (
        <>
          <code>{l.column}</code> <span class="muted">{l.kind === 'prediction' || l.kind === l.column ? '' : l.kind}</span>
        </>
      ),
    },
    {
      id: 'baseline',
      label: 'At training, mean ± std',
      numeric: true,
      by: (l) => toNumber(l.baseline_mean),
      cell: (l) => (
        <span title={`${exact(l.baseline_mean)} ± ${exact(l.baseline_std)}`}>
          {number(l.baseline_mean)} <span class="muted">± {number(l.baseline_std)}</span>
        </span>
      ),
    },
    {
      id: 'window',
      label: 'In the window, mean',
      numeric: true,
      by: (l) => toNumber(l.window_mean),
      cell: (l) => <span title={exact(l.window_mean)}>{number(l.window_mean)}</span>,
    },
    {
      id: 'z',
      label: limit === undefined ? 'z' : `z, threshold ${number(limit)}`,
      wide: true,
      by: (l) => toNumber(l.value),
      cell: (l) => (
        <span class="z-cell">
          <Bar line={l} max={max} />
          <span class={l.alert ? 'z alert' : 'z'} title={exact(l.value)}>
            {fixed(l.value)}
          </span>
        </span>
      ),
    },
    { id: 'alert', label: 'Alert', by: (l) => Number(l.alert), cell: (l) => (l.alert ? <Badge tone="bad" icon="bang">Drift</Badge> : <span class="muted">none</span>) },
  ];
}

function Drift({ of }: { of: MonitorRecord }) {
  const lines = drifts(of.lines);
  const columns = columnsOf(lines);
  const [sort, onSort] = useSort({ column: '', descending: false });
  if (!lines.length) return null;
  return (
    <Card flush title="Drift per column">
      <Table label="Drift per column" columns={columns} rows={sortRows(lines, columns, sort)} rowKey={(l) => `${l.kind} ${l.column}`} rowClass={(l) => (l.alert ? 'alerting' : '')} sort={sort} onSort={onSort} />
    </Card>
  );
}

/* History: one mark a verdict, oldest left. */
function History({ of, chosen }: { of: MonitorRecord[]; chosen: MonitorRecord }) {
  return (
    <Card title="Verdicts over time">
      <ol class="history">
        {[...of].reverse().map((r) => {
          const alerts = r.lines.filter((l) => l.alert).length;
          return (
            <li key={r.at_ms}>
              <Link
                href={screen.monitoring({ monitor: r.name, at: r.at_ms })}
                class={r.verdict}
                aria-current={r === chosen ? 'true' : undefined}
              >
                <Icon name={r.verdict === 'ok' ? 'check' : r.verdict === 'alert' ? 'bang' : 'dots'} />
                <span class="day">{dateTime(r.at_ms, true).slice(0, 10)}</span>
                <span class="muted">
                  {r.verdict === 'ok' ? 'OK' : r.verdict === 'alert' ? `${alerts} alert${alerts === 1 ? '' : 's'}` : 'not enough data'}
                </span>
              </Link>
            </li>
          );
        })}
      </ol>
    </Card>
  );
}

function sentence(of: MonitorRecord): string {
  if (of.reason) return of.reason;
  return of.verdict === 'ok' ? 'Every measure is within its threshold.' : '';
}

function Verdict({ of }: { of: MonitorRecord }) {
  const mae = of.lines.find((l) => l.metric === 'mae');
  return (
    <Card>
      <div class="verdict-line">
        <VerdictBadge verdict={of.verdict} />
        {of.should_retrain && <Badge tone="warn">Retraining advised</Badge>}
        <p>{sentence(of)}</p>
      </div>
      <Facts
        of={[
          ['Window, UTC', `${dateTime(of.window_start_ms, true).slice(0, 16)} to ${dateTime(of.window_end_ms, true).slice(0, 16)}`],
          ['Rows in the window', count(of.rows)],
          [
            'MAE in the window',
            mae ? (
              <span class={mae.alert ? 'z alert' : ''} title={exact(mae.value)}>
                {number(mae.value)} <span class="muted">threshold {number(mae.threshold)}</span>
              </span>
            ) : (
              'no actual values'
            ),
          ],
          ['Model', <Link href={screen.model(of.registered_model)}><Name>{of.registered_model}</Name></Link>],
        ]}
      />
    </Card>
  );
}

function Monitor({ records }: { records: MonitorRecord[] }) {
  const at = Number(query.value.get('at'));
  const chosen = records.find((r) => r.at_ms === at) ?? records[0];
  if (!chosen) return null;
  return (
    <>
      <Verdict of={chosen} />
      <History of={records} chosen={chosen} />
      <Drift of={chosen} />
    </>
  );
}

function byName(records: readonly MonitorRecord[]): [string, MonitorRecord[]][] {
  const groups = new Map<string, MonitorRecord[]>();
  for (const r of records) groups.set(r.name, [...(groups.get(r.name) ?? []), r]);
  for (const list of groups.values()) list.sort((a, b) => b.at_ms - a.at_ms);
  return [...groups];
}

function Chooser({ names, chosen }: { names: string[]; chosen: string }) {
  if (names.length < 2) return null;
  return (
    <nav aria-label="Monitors" class="chooser">
      {names.map((name) => (
        <Link key={name} href={screen.monitoring({ monitor: name })} aria-current={name === chosen ? 'true' : undefined}>
          {name}
        </Link>
      ))}
    </nav>
  );
}

export default function Monitoring() {
  const state = useResource<{ monitors?: MonitorRecord[] }>(data.monitors()).value;
  const groups = byName(state.data?.monitors ?? []);
  const group = groups.find(([name]) => name === query.value.get('monitor')) ?? groups[0];
  const newest = group?.[1][0];
  return (
    <>
      <PageHead
        title="Monitoring"
        note={
          newest ? (
            <>
              Monitor <code>{newest.name}</code>, last run for <When ms={newest.at_ms} full />
            </>
          ) : undefined
        }
      />
      <Show state={state} what="monitors">
        {() =>
          group ? (
            <>
              <Chooser names={groups.map(([name]) => name)} chosen={group[0]} />
              <Monitor records={group[1]} />
            </>
          ) : (
            <Card>
              <Empty title="Nothing has been monitored yet." job="ml_monitoring">
                A monitor compares a window of predictions with the baseline that training wrote.
              </Empty>
            </Card>
          )
        }
      </Show>
    </>
  );
}
