import './model.css';
import { data, screen } from '../api/paths.ts';
import { byVersion, maeOf, valueOf } from '../api/read.ts';
import { useResource } from '../api/resource.ts';
import type { Endpoint, ModelVersion, Overview, RegisteredModel, Run } from '../api/types.ts';
import { Link } from '../app/router.tsx';
import type { Params } from '../app/routes.ts';
import { Alias, Badge } from '../kit/badge.tsx';
import { DASH, exact, number } from '../kit/format.ts';
import { Card, Command, Empty, ErrorBox, Name, PageHead, Show, When } from '../kit/parts.tsx';
import { shellWord } from '../kit/shell.ts';
import { sortRows, Table, useSort, type Column } from '../kit/table.tsx';

/* The registry names only the run; which experiment it belongs to is asked for. */
function Source({ runId }: { runId: string }) {
  const { data: answer } = useResource<{ run: Run }>(data.run(runId)).value;
  const info = answer?.run.info;
  return info ? <Link href={screen.run(info.experiment_id, runId)}>{info.run_name}</Link> : <code>{runId.slice(0, 12)}…</code>;
}

function Passed({ of }: { of: ModelVersion }) {
  const passed = valueOf(of.tags, 'validation.passed');
  if (passed === undefined) return <Badge tone="quiet">Not validated</Badge>;
  return passed === 'true' ? <Badge tone="good">Passed</Badge> : <Badge tone="warn">Not passed</Badge>;
}

function Validation({ of }: { of: ModelVersion }) {
  return (
    <span class="with-reason">
      <Passed of={of} />
      <span>{valueOf(of.tags, 'validation.reason')}</span>
    </span>
  );
}

function columnsFor(servedBy: (version: string) => string[], staged: boolean): Column<ModelVersion>[] {
  const stage: Column<ModelVersion> = { id: 'stage', label: 'Stage', by: (v) => v.current_stage ?? '', cell: (v) => v.current_stage ?? 'None' };
  return [
    { id: 'version', label: 'Version', by: (v) => Number(v.version), cell: (v) => <strong>{v.version}</strong> },
    { id: 'aliases', label: 'Aliases', cell: (v) => (v.aliases?.length ? [...v.aliases].sort().map((a) => <Alias key={a}>{a}</Alias>) : DASH) },
    { id: 'mae', label: 'MAE', numeric: true, by: maeOf, cell: (v) => <span title={exact(maeOf(v))}>{number(maeOf(v))}</span> },
    { id: 'passed', label: 'Validation', wide: true, by: (v) => valueOf(v.tags, 'validation.passed') ?? '', cell: (v) => <Validation of={v} /> },
    {
      id: 'served',
      label: 'Served by',
      wide: true,
      cell: (v) => {
        const names = servedBy(v.version);
        return names.length ? names.map((n) => <Link key={n} href={screen.endpoint(n)}><Name>{n}</Name></Link>) : DASH;
      },
    },
    { id: 'run', label: 'Source run', cell: (v) => (v.run_id ? <Source runId={v.run_id} /> : DASH) },
    ...(staged ? [stage] : []),
    { id: 'created', label: 'Created', by: (v) => v.creation_timestamp, cell: (v) => <When ms={v.creation_timestamp} /> },
  ];
}

function Use({ name, of }: { name: string; of: ModelVersion[] }) {
  const home = useResource<Overview>(data.overview()).value.data?.home;
  const champion = of.find((v) => v.aliases?.includes('champion'));
  if (!champion || !home) return null;
  return (
    <Card title="Use it">
      <Command text={`tidemill models export ${shellWord(`${name}@champion`)} model.lgb --home ${shellWord(home)}`} />
    </Card>
  );
}

export default function ModelPage({ params }: { params: Params }) {
  const name = (params['model'] ?? '').replaceAll('/', '.');
  const model = useResource<{ registered_model: RegisteredModel }>(data.model(name)).value;
  const state = useResource<{ model_versions?: ModelVersion[] }>(data.versions(name)).value;
  const endpoints = useResource<{ endpoints?: Endpoint[] }>(data.endpoints()).value.data?.endpoints ?? [];
  const [sort, onSort] = useSort({ column: 'version', descending: true });
  const trail: [string, string][] = [['Models', screen.models()]];
  if (model.error && !model.data)
    return (
      <>
        <PageHead title={name} trail={trail} />
        <ErrorBox error={model.error} />
      </>
    );
  const servedBy = (version: string) =>
    endpoints.filter((e) => e.config.served_entities.some((s) => s.entity_name === name && String(s.entity_version) === version)).map((e) => e.name);
  const versions = (state.data?.model_versions ?? []).filter((v) => v.name === name).sort(byVersion);
  const staged = versions.some((v) => v.current_stage && v.current_stage !== 'None');
  const columns = columnsFor(servedBy, staged);
  return (
    <>
      <PageHead title={name} trail={trail} note={model.data?.registered_model.description} />
      <Card flush title="Versions">
        <Show state={state} what="versions">
          {() =>
            versions.length ? (
              <Table label="Versions" columns={columns} rows={sortRows(versions, columns, sort)} rowKey={(v) => v.version} sort={sort} onSort={onSort} />
            ) : (
              <Empty title="This model has no version." job="ml_training_pipeline" />
            )
          }
        </Show>
      </Card>
      <Use name={name} of={versions} />
    </>
  );
}
