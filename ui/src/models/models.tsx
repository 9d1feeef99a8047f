import { data, screen } from '../api/paths.ts';
import { useResource } from '../api/resource.ts';
import type { RegisteredModel } from '../api/types.ts';
import { Link } from '../app/router.tsx';
import { Alias } from '../kit/badge.tsx';
import { DASH } from '../kit/format.ts';
import { Card, Empty, PageHead, Show, When } from '../kit/parts.tsx';
import { sortRows, Table, useSort, type Column } from '../kit/table.tsx';

function newest(m: RegisteredModel): number {
  return Math.max(0, ...(m.latest_versions ?? []).map((v) => Number(v.version)));
}

const columns: Column<RegisteredModel>[] = [
  { id: 'name', label: 'Name', wide: true, by: (m) => m.name, cell: (m) => <Link href={screen.model(m.name)}>{m.name}</Link> },
  {
    id: 'aliases',
    label: 'Aliases',
    cell: (m) =>
      m.aliases?.length
        ? [...m.aliases]
            .sort((a, b) => a.alias.localeCompare(b.alias))
            .map((a) => <Alias key={a.alias}>{`${a.alias} v${a.version}`}</Alias>)
        : DASH,
  },
  { id: 'version', label: 'Newest version', numeric: true, by: newest, cell: (m) => newest(m) || DASH },
  { id: 'updated', label: 'Last change', by: (m) => m.last_updated_timestamp, cell: (m) => <When ms={m.last_updated_timestamp} /> },
];

export default function Models() {
  const state = useResource<{ registered_models?: RegisteredModel[] }>(data.models()).value;
  const [sort, onSort] = useSort({ column: 'name', descending: false });
  return (
    <>
      <PageHead title="Models" note="A registered model is a name with versions; aliases say which version plays which part." />
      <Card flush>
        <Show state={state} what="models">
          {({ registered_models: models = [] }) =>
            models.length ? (
              <Table label="Registered models" columns={columns} rows={sortRows(models, columns, sort)} rowKey={(m) => m.name} sort={sort} onSort={onSort} />
            ) : (
              <Empty title="No model is registered yet." job="ml_training_pipeline">
                Validation registers a version of every model that training logs.
              </Empty>
            )
          }
        </Show>
      </Card>
    </>
  );
}
