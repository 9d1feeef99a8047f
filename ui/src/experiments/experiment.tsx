import { data, screen } from '../api/paths.ts';
import { useResource } from '../api/resource.ts';
import type { Experiment, Run } from '../api/types.ts';
import type { Params } from '../app/routes.ts';
import { count } from '../kit/format.ts';
import { Card, Empty, ErrorBox, PageHead, Show } from '../kit/parts.tsx';
import { mayHaveChildren, RunsTable } from './runs_table.tsx';

export default function ExperimentPage({ params }: { params: Params }) {
  const id = params['experiment'] ?? '';
  const experiment = useResource<{ experiment: Experiment }>(data.experiment(id)).value;
  const runs = useResource<{ runs?: Run[] }>(data.runs(id)).value;
  const name = experiment.data?.experiment.name ?? `Experiment ${id}`;
  if (experiment.error && !experiment.data)
    return (
      <>
        <PageHead title={name} trail={[['Experiments', screen.experiments()]]} />
        <ErrorBox error={experiment.error} />
      </>
    );
  return (
    <>
      <PageHead title={name} trail={[['Experiments', screen.experiments()]]} note={runs.data?.runs?.some(mayHaveChildren) ? 'Unfold a run to see the candidates that its search tried.' : undefined} />
      <Card flush title="Runs" aside={runs.data && <span class="muted">{count(runs.data.runs?.length ?? 0)}</span>}>
        <Show state={runs} what="runs">
          {({ runs: list = [] }) =>
            list.length ? (
              <RunsTable label="Runs" runs={list} unfold order="-started" />
            ) : (
              <Empty title="This experiment has no runs." job="ml_training_pipeline" />
            )
          }
        </Show>
      </Card>
    </>
  );
}
