import './endpoint.css';
import { data, screen } from '../api/paths.ts';
import { useResource } from '../api/resource.ts';
import type { Endpoint, Overview, ServedEntity, Signature } from '../api/types.ts';
import { Link } from '../app/router.tsx';
import type { Params } from '../app/routes.ts';
import { Badge } from '../kit/badge.tsx';
import { count, words } from '../kit/format.ts';
import { Card, Facts, PageHead, Show, When } from '../kit/parts.tsx';
import { Table, type Column } from '../kit/table.tsx';
import { EndpointBadge, shareOf } from './state.tsx';
import { TryIt } from './try_it.tsx';

function Share({ percent }: { percent: number }) {
  return (
    <span class="share">
      <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="8" rx="3" />
        <rect class="fill" width={percent} height="8" rx="3" />
      </svg>
      {percent} %
    </span>
  );
}

function columnsOf(endpoint: Endpoint): Column<ServedEntity>[] {
  return [
    { id: 'name', label: 'Served entity', cell: (s) => <code>{s.name}</code> },
    { id: 'model', label: 'Model', wide: true, cell: (s) => <Link href={screen.model(s.entity_name)}>{s.entity_name}</Link> },
    { id: 'version', label: 'Version', numeric: true, cell: (s) => <strong>{s.entity_version}</strong> },
    { id: 'traffic', label: 'Traffic', cell: (s) => <Share percent={shareOf(endpoint, s.name)} /> },
    {
      id: 'state',
      label: 'Deployment',
      cell: (s) => {
        const state = s.state?.deployment ?? '';
        const good = state === 'DEPLOYMENT_READY';
        return <Badge tone={good ? 'good' : 'bad'}>{words(state.replace('DEPLOYMENT_', '') || 'unknown')}</Badge>;
      },
    },
    { id: 'size', label: 'Workload', cell: (s) => s.workload_size ?? '–' },
  ];
}

function Messages({ of }: { of: Endpoint }) {
  const said = of.config.served_entities.map((s) => s.state?.deployment_state_message).filter((m) => !!m);
  if (!said.length && of.state.config_update !== 'UPDATE_FAILED') return null;
  return (
    <div class="notice warn" role="alert">
      <div>
        <strong>{of.state.ready === 'READY' ? 'The last update failed, the old configuration stays' : 'The endpoint is not ready'}</strong>
        {said.map((m) => (
          <p key={m}>{m}</p>
        ))}
      </div>
    </div>
  );
}

export default function EndpointPage({ params }: { params: Params }) {
  const name = params['endpoint'] ?? '';
  const state = useResource<Endpoint>(data.endpoint(name)).value;
  const signature = useResource<Signature>(state.data ? data.signature(name) : null).value;
  const requests = useResource<Overview>(data.overview()).value.data?.endpoints.find((e) => e.name === name)?.requests;
  return (
    <>
      <PageHead title={name} trail={[['Endpoints', screen.endpoints()]]} badge={state.data && <EndpointBadge of={state.data} />} />
      <Show state={state} what="the endpoint">
        {(endpoint) => (
          <>
            <Messages of={endpoint} />
            <Card>
              <Facts
                of={[
                  ['Configuration', `version ${endpoint.config.config_version}`],
                  ['Last change', <When ms={endpoint.last_updated_timestamp} full />],
                  ['Created', <When ms={endpoint.creation_timestamp} full />],
                  ['Requests since start', requests === undefined ? '–' : count(requests)],
                ]}
              />
            </Card>
            <Card flush title="Served entities">
              <Table label="Served entities" columns={columnsOf(endpoint)} rows={endpoint.config.served_entities} rowKey={(s) => s.name} />
            </Card>
            <Show state={signature} what="the signature">
              {(s) => <TryIt key={`${s.model?.name} ${s.model?.version}`} name={name} signature={s} />}
            </Show>
          </>
        )}
      </Show>
    </>
  );
}
