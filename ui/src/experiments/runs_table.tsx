/* Runs side by side: roots, with their children to unfold below them. */
import './runs.css';
import { data, screen } from '../api/paths.ts';
import { metricOf, durationOf, tagOf, valueOf } from '../api/read.ts';
import { useResource } from '../api/resource.ts';
import type { Run } from '../api/types.ts';
import { Link, query, setParams } from '../app/router.tsx';
import { StateBadge } from '../kit/badge.tsx';
import { now } from '../kit/clock.ts';
import { count, DASH, duration, exact, number } from '../kit/format.ts';
import { Icon } from '../kit/icons.tsx';
import { When } from '../kit/parts.tsx';
import { Table, useSort, type Column } from '../kit/table.tsx';
import { bestOf, flatten, keysOf, sortValue, type RunRow } from './columns.ts';

const NONE: Run[] = [];

/* Of our own runs only training has children; of others nobody knows before asking. */
export function mayHaveChildren(run: Run): boolean {
  const task = tagOf(run, 'tidemill.task');
  return task === undefined || task === 'train';
}

function Name({ row, open, toggle, chosen }: { row: RunRow; open?: boolean; toggle?: (() => void) | undefined; chosen: boolean }) {
  const { run, depth } = row;
  const candidates = metricOf(run, 'candidates');
  return (
    <span class={depth ? 'run-name child' : 'run-name'}>
      {toggle && (
        <button type="button" class="fold" aria-expanded={!!open} aria-label={`Child runs of ${run.info.run_name}`} onClick={toggle}>
          <Icon name={open ? 'down' : 'chevron'} />
        </button>
      )}
      <Link href={screen.run(run.info.experiment_id, run.info.run_id)}>{run.info.run_name}</Link>
      {chosen && <span class="chip">chosen</span>}
      {toggle && candidates !== undefined && !open && <span class="muted">{count(candidates)} candidates</span>}
    </span>
  );
}

function MetricCell({ run, name, best }: { run: Run; name: string; best: string | undefined }) {
  const value = metricOf(run, name);
  if (value === undefined) return <span class="muted">{DASH}</span>;
  const text = number(value);
  return <span title={exact(value)}>{best === run.info.run_id ? <strong class="best">{text}<span class="hidden"> best</span></strong> : text}</span>;
}

interface Props {
  label: string;
  runs: Run[];
  unfold?: boolean; // whether children can be shown
  order: string; // the column to sort by at first, "-" before it for descending
  sortKey?: string;
  parent?: Run; // whose children these are
}

export function RunsTable({ label, runs, unfold, order, sortKey = 'sort', parent }: Props) {
  const open = unfold ? query.value.get('open') : null;
  const answer = useResource<{ runs?: Run[] }>(open ? data.children(open) : null).value;
  const children = answer.data?.runs ?? NONE;
  const [sort, onSort] = useSort({ column: order.replace(/^-/, ''), descending: order.startsWith('-') }, sortKey);
  const searched = parent ?? runs.find((r) => r.info.run_id === open);
  const best = searched && tagOf(searched, 'tidemill.bestCandidate');
  const chosen = best && `candidate-${best}`;
  const all = [...runs, ...children];
  const keys = keysOf(all);
  const columns: Column<RunRow>[] = [
    {
      id: 'name',
      label: 'Run',
      by: (r) => sortValue(r.run, 'name'),
      cell: (r) => {
        const id = r.run.info.run_id;
        const toggle = unfold && !r.depth && mayHaveChildren(r.run) ? () => setParams({ open: open === id ? '' : id }) : undefined;
        return <Name row={r} open={open === id} toggle={toggle} chosen={r.run.info.run_name === chosen} />;
      },
    },
    { id: 'status', label: 'Status', by: (r) => r.run.info.status, cell: (r) => <StateBadge state={r.run.info.status} /> },
    { id: 'started', label: 'Started', by: (r) => r.run.info.start_time, cell: (r) => <When ms={r.run.info.start_time} /> },
    ...(unfold
      ? [{ id: 'duration', label: 'Duration', numeric: true, by: (r: RunRow) => sortValue(r.run, 'duration'), cell: (r: RunRow) => duration(durationOf(r.run, now.value)) }]
      : []),
    ...keys.shown.map(({ kind, key }): Column<RunRow> => {
      const leader = kind === 'metrics' ? bestOf(parent ? runs : children, key) : undefined;
      return {
        id: `${kind}.${key}`,
        label: key,
        numeric: true,
        by: (r) => sortValue(r.run, `${kind}.${key}`),
        cell: (r) => (kind === 'metrics' ? <MetricCell run={r.run} name={key} best={leader} /> : <code>{valueOf(r.run.data.params, key) ?? DASH}</code>),
      };
    }),
  ];
  const rows = flatten(runs, new Map(open ? [[open, children]] : []), sort.column, sort.descending);
  return (
    <>
      <Table label={label} columns={columns} rows={rows} rowKey={(r) => r.run.info.run_id} rowClass={(r) => (r.depth ? 'child' : '')} sort={sort} onSort={onSort} />
      {open && answer.error && <p class="table-note" role="alert">Child runs: {answer.error.message}</p>}
      {open && answer.data && !children.length && <p class="table-note">The unfolded run has no child runs.</p>}
      {keys.left > 0 && <p class="table-note">{keys.left} more columns stand on the runs' own pages.</p>}
    </>
  );
}
