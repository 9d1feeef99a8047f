import { data, screen } from '../api/paths.ts';
import { useResource } from '../api/resource.ts';
import type { Experiment } from '../api/types.ts';
import { Link } from '../app/router.tsx';
import { Card, Empty, PageHead, Show, When } from '../kit/parts.tsx';
import { sortRows, Table, useSort, type Column } from '../kit/table.tsx';

const columns: Column<Experiment>[] = [
  { id: 'name', label: 'Name', wide: true, by: (e) => e.name, cell: (e) => <Link href={screen.experiment(e.experiment_id)}>{e.name}</Link> },
  { id: 'id', label: 'Id', numeric: true, by: (e) => Number(e.experiment_id), cell: (e) => e.experiment_id },
  { id: 'created', label: 'Created', by: (e) => e.creation_time, cell: (e) => <When ms={e.creation_time} /> },
  { id: 'updated', label: 'Last change', by: (e) => e.last_update_time, cell: (e) => <When ms={e.last_update_time} /> },
];

export default function Experiments() {
  const state = useResource<{ experiments?: Experiment[] }>(data.experiments()).value;
  const [sort, onSort] = useSort({ column: 'created', descending: true });
  return (
    <>
      <PageHead title="Experiments" note="An experiment holds the runs that try to answer one question." />
      <Card flush>
        <Show state={state} what="experiments">
          {({ experiments = [] }) =>
            experiments.length ? (
              <Table label="Experiments" columns={columns} rows={sortRows(experiments, columns, sort)} rowKey={(e) => e.experiment_id} sort={sort} onSort={onSort} />
            ) : (
              <Empty title="There is no experiment yet." job="ml_training_pipeline">
                The first training run makes one.
              </Empty>
            )
          }
        </Show>
      </Card>
    </>
  );
}
