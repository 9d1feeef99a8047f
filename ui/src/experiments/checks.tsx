/* What the checks suite found before training: how many rows went, and why. */
import { data } from '../api/paths.ts';
import { useResource } from '../api/resource.ts';
import type { Artifact, ChecksReport } from '../api/types.ts';
import { Badge } from '../kit/badge.tsx';
import { count, percent, words } from '../kit/format.ts';
import { Card, Show } from '../kit/parts.tsx';
import { Table, type Column } from '../kit/table.tsx';

type Expectation = NonNullable<ChecksReport['expectations']>[number];

const consequences: Record<string, string> = { drop: 'drops the rows', fail: 'stops the run', warn: 'warns' };

const columns: Column<Expectation>[] = [
  {
    id: 'name',
    label: 'Expectation',
    wide: true,
    cell: (e) => <span title={e.condition}>{words(e.name)}</span>,
  },
  { id: 'result', label: 'Result', cell: (e) => <Result of={e} /> },
  { id: 'unexpected', label: 'Rows against it', numeric: true, cell: (e) => count(e.unexpected) },
  { id: 'dropped', label: 'Dropped', numeric: true, cell: (e) => (e.dropped ? <strong>{count(e.dropped)}</strong> : '0') },
  { id: 'on_fail', label: 'Otherwise', cell: (e) => consequences[e.on_fail] ?? e.on_fail },
  { id: 'sample', label: 'For example', wide: true, cell: (e) => <code class="sample">{sample(e)}</code> },
];

function Result({ of }: { of: Expectation }) {
  if (of.passed && !of.unexpected) return <Badge tone="good">Holds</Badge>;
  if (of.on_fail === 'fail' && !of.passed) return <Badge tone="bad">Failed</Badge>;
  return <Badge tone="warn">{of.on_fail === 'drop' ? 'Dropped rows' : 'Warning'}</Badge>;
}

function sample(e: Expectation): string {
  if (!e.unexpected || !e.sample?.length) return '';
  return e.sample
    .slice(0, 3)
    .map((v) => (typeof v === 'string' ? v : JSON.stringify(v)))
    .join(', ');
}

export function Checks({ runId }: { runId: string }) {
  const listing = useResource<{ files?: Artifact[] }>(data.artifacts(runId)).value;
  const there = listing.data?.files?.some((f) => f.path === 'checks.json');
  const state = useResource<ChecksReport>(there ? data.artifact(runId, 'checks.json') : null).value;
  if (!there) return null;
  return (
    <Card flush title="Checks">
      <Show state={state} what="the checks report">
        {(report) => (
          <>
            <p class="checks-sum">
              <span>
                <b>{count(report.rows)}</b> rows read
              </span>
              <span>
                <b>{count(report.kept ?? report.rows)}</b> kept
              </span>
              <span>
                <b>{count(report.dropped ?? 0)}</b> dropped ({percent(report.dropped ?? 0, report.rows)})
              </span>
            </p>
            {!!report.expectations?.length && <Table label="Expectations" columns={columns} rows={report.expectations} rowKey={(e) => e.name} />}
          </>
        )}
      </Show>
    </Card>
  );
}
