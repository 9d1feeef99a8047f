import './jobs.css';
import type { ComponentChildren } from 'preact';
import { data, screen } from '../api/paths.ts';
import { useResource } from '../api/resource.ts';
import type { Job, JobRun, Task } from '../api/types.ts';
import { Link, query, setParams } from '../app/router.tsx';
import { Badge, StateBadge } from '../kit/badge.tsx';
import { now } from '../kit/clock.ts';
import { DASH, duration } from '../kit/format.ts';
import { Icon } from '../kit/icons.tsx';
import { Card, Empty, PageHead, Show, When } from '../kit/parts.tsx';
import { sortRows, Table, useSort, type Column } from '../kit/table.tsx';
import { valuesOf } from './values.ts';

const columns: Column<Job>[] = [
  { id: 'name', label: 'Job', wide: true, by: (j) => j.name, cell: (j) => <Link href={screen.jobs({ job: j.name })}>{j.name}</Link> },
  { id: 'bundle', label: 'Bundle', by: (j) => `${j.bundle} ${j.target}`, cell: (j) => <>{j.bundle} <span class="muted">{j.target}</span></> },
  {
    id: 'schedule',
    label: 'Schedule',
    by: (j) => j.cron ?? '',
    cell: (j) => (j.cron ? <><code>{j.cron}</code> <span class="muted">{j.timezone}</span></> : <span class="muted">by hand</span>),
  },
  {
    id: 'next',
    label: 'Next start',
    by: (j) => j.next_fire_ms || null,
    cell: (j) => (j.paused ? <Badge tone="warn">Paused</Badge> : <When ms={j.next_fire_ms} />),
  },
  { id: 'last', label: 'Last run', by: (j) => j.last_state ?? '', cell: (j) => (j.last_state ? <StateBadge state={j.last_state} /> : DASH) },
];

function Jobs() {
  const state = useResource<{ jobs?: Job[] }>(data.jobs()).value;
  const [sort, onSort] = useSort({ column: 'name', descending: false }, 'jobs');
  return (
    <Card flush title="Jobs">
      <Show state={state} what="jobs">
        {({ jobs = [] }) =>
          jobs.length ? (
            <Table label="Jobs" columns={columns} rows={sortRows(jobs, columns, sort)} rowKey={(j) => `${j.bundle}/${j.target}/${j.name}`} sort={sort} onSort={onSort} />
          ) : (
            <Empty title="No job is known yet.">
              A bundle declares jobs and their schedules.
            </Empty>
          )
        }
      </Show>
    </Card>
  );
}

function took(from: number | undefined, to: number | undefined, running: boolean): string {
  if (!from) return DASH;
  return duration(Math.max((to || (running ? now.value : NaN)) - from, 0));
}

function TaskItem({ of }: { of: Task }) {
  return (
    <li>
      <div class="line">
        <strong>{of.key}</strong>
        <StateBadge state={of.state} />
        <span class="muted">
          {took(of.started_ms, of.ended_ms, of.state === 'RUNNING')}
          {of.attempt > 1 && `, attempt ${of.attempt}`}
        </span>
      </div>
      {of.message && <p class={of.state === 'FAILED' ? 'failed' : ''}>{of.message}</p>}
      <dl>
        {valuesOf(of.values).map((v) => (
          <div key={v.name} class={v.text.length > 26 ? 'long' : ''}>
            <dt>{v.name}</dt>
            <dd>{v.href ? <Link href={v.href}>{v.text}</Link> : v.text}</dd>
          </div>
        ))}
      </dl>
    </li>
  );
}

function Details({ of }: { of: JobRun }) {
  const steps: [string, ComponentChildren][] = [
    ['for the time', <When ms={of.at_ms} full />],
    ['asked for', <When ms={of.created_ms} full />],
  ];
  return (
    <div class="details">
      <p class="muted">
        Run {of.id}, {steps.map(([name, value], i) => <span key={name}>{i > 0 && ', '}{name} {value}</span>)}
        {of.exit_code ? `, exit code ${of.exit_code}` : ''}
      </p>
      <ol class="tasks">
        {of.tasks.map((t) => (
          <TaskItem key={t.key} of={t} />
        ))}
      </ol>
    </div>
  );
}

function RunItem({ of, open }: { of: JobRun; open: boolean }) {
  const running = of.state === 'RUNNING';
  return (
    <li class={open ? 'open' : ''}>
      <button type="button" aria-expanded={open} onClick={() => setParams({ run: open ? '' : String(of.id) })}>
        <Icon name={open ? 'down' : 'chevron'} />
        <span class="job">{of.job}</span>
        <StateBadge state={of.state} />
        <span class="outcome">{of.outcome}</span>
        <span class="muted when">
          <When ms={of.started_ms || of.created_ms} />
        </span>
        <span class="muted took">{took(of.started_ms, of.ended_ms, running)}</span>
        <span class="muted trigger">
          {of.trigger}
          {of.attempt > 1 && `, attempt ${of.attempt}`}
        </span>
      </button>
      {open && <Details of={of} />}
    </li>
  );
}

const SHOWN = 25;

function Runs() {
  const job = query.value.get('job') ?? '';
  const chosen = query.value.get('run');
  const shown = Math.max(Number(query.value.get('shown')) || SHOWN, SHOWN);
  const state = useResource<{ job_runs?: JobRun[] }>(data.jobRuns(job)).value;
  return (
    <Card
      flush
      title={job ? `Runs of ${job}` : 'Runs'}
      aside={job && <Link href={screen.jobs()}>Runs of all jobs</Link>}
    >
      <Show state={state} what="job runs">
        {({ job_runs: runs = [] }) => {
          const listed = runs.filter((r, i) => i < shown || String(r.id) === chosen);
          return runs.length ? (
            <>
              <ul class="job-runs">
                {listed.map((r) => (
                  <RunItem key={r.id} of={r} open={String(r.id) === chosen} />
                ))}
              </ul>
              {listed.length < runs.length && (
                <p class="more">
                  <button type="button" class="plain" onClick={() => setParams({ shown: String(shown + SHOWN) })}>
                    Show {Math.min(SHOWN, runs.length - listed.length)} more of {runs.length}
                  </button>
                </p>
              )}
            </>
          ) : (
            <Empty title={job ? `${job} has not run yet.` : 'No job has run yet.'} job={job || 'ml_training_pipeline'} />
          );
        }}
      </Show>
    </Card>
  );
}

export default function JobsPage() {
  return (
    <>
      <PageHead title="Jobs" note="A job is a graph of tasks. Every run is written down before it starts, and runs once." />
      <Jobs />
      <Runs />
    </>
  );
}
