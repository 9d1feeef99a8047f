import type { Endpoint } from '../api/types.ts';
import { Badge } from '../kit/badge.tsx';

export function EndpointBadge({ of }: { of: Endpoint }) {
  return (
    <>
      {of.state.ready === 'READY' ? <Badge tone="good">Ready</Badge> : <Badge tone="bad">Not ready</Badge>}
      {of.state.config_update === 'UPDATE_FAILED' && <Badge tone="warn">Update failed</Badge>}
    </>
  );
}

/* shares: the traffic of each served entity in percent. Without routes everything goes to the only one. */
export function shareOf(endpoint: Endpoint, servedName: string): number {
  const routes = endpoint.config.traffic_config?.routes;
  if (!routes?.length) return endpoint.config.served_entities.length === 1 ? 100 : 0;
  return routes.filter((r) => r.served_model_name === servedName).reduce((sum, r) => sum + r.traffic_percentage, 0);
}
