import { data, screen } from '../api/paths.ts';
import { useResource } from '../api/resource.ts';
import type { Endpoint } from '../api/types.ts';
import { Link } from '../app/router.tsx';
import { Card, Empty, PageHead, Show, When } from '../kit/parts.tsx';
import { sortRows, Table, useSort, type Column } from '../kit/table.tsx';
import { EndpointBadge, shareOf } from './state.tsx';

const columns: Column<Endpoint>[] = [
  { id: 'name', label: 'Name', by: (e) => e.name, cell: (e) => <Link href={screen.endpoint(e.name)}>{e.name}</Link> },
  { id: 'state', label: 'State', by: (e) => e.state.ready, cell: (e) => <EndpointBadge of={e} /> },
  {
    id: 'serves',
    label: 'Serves',
    wide: true,
    cell: (e) =>
      e.config.served_entities.map((s) => (
        <span key={s.name}>
          <Link href={screen.model(s.entity_name)}>{s.entity_name}</Link> version {s.entity_version}
          <span class="muted"> {shareOf(e, s.name)} %</span>
        </span>
      )),
  },
  { id: 'config', label: 'Configuration', numeric: true, by: (e) => e.config.config_version, cell: (e) => e.config.config_version },
  { id: 'updated', label: 'Last change', by: (e) => e.last_updated_timestamp, cell: (e) => <When ms={e.last_updated_timestamp} /> },
];

export default function Endpoints() {
  const state = useResource<{ endpoints?: Endpoint[] }>(data.endpoints()).value;
  const [sort, onSort] = useSort({ column: 'name', descending: false });
  return (
    <>
      <PageHead title="Endpoints" note="An endpoint is a stable name; the versions behind it change without losing a request." />
      <Card flush>
        <Show state={state} what="endpoints">
          {({ endpoints = [] }) =>
            endpoints.length ? (
              <Table label="Endpoints" columns={columns} rows={sortRows(endpoints, columns, sort)} rowKey={(e) => e.name} sort={sort} onSort={onSort} />
            ) : (
              <Empty title="There is no endpoint yet." job="ml_training_pipeline">
                Deployment makes one for the first model that passes its gates.
              </Empty>
            )
          }
        </Show>
      </Card>
    </>
  );
}
