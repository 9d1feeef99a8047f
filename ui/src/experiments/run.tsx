import { data, screen } from '../api/paths.ts';
import { durationOf, metricOf, tagOf } from '../api/read.ts';
import { useResource } from '../api/resource.ts';
import type { Experiment, Run } from '../api/types.ts';
import { Link } from '../app/router.tsx';
import type { Params } from '../app/routes.ts';
import { StateBadge } from '../kit/badge.tsx';
import { now } from '../kit/clock.ts';
import { count, DASH, duration, exact, number, percent, toNumber } from '../kit/format.ts';
import { Card, Facts, Figure, Id, Name, PageHead, Show, When } from '../kit/parts.tsx';
import { Artifacts, Plots } from './artifacts.tsx';
import { Checks } from './checks.tsx';
import { RunsTable } from './runs_table.tsx';

const PARENT = 'mlflow.parentRunId';
const ERROR = 'tidemill.error';

function Figures({ run }: { run: Run }) {
  const [mae, mean] = [toNumber(metricOf(run, 'mae')), toNumber(metricOf(run, 'mae_of_mean'))];
  const shown: [string, string, string?][] = [
    ['mae', 'MAE', mean > mae ? `${percent(mean - mae, mean)} below always saying the mean (${number(mean)})` : undefined],
    ['rmse', 'RMSE'],
    ['r2', 'R²'],
    ['cv_mae', 'MAE, cross-validated'],
    ['mean_prediction', 'Mean prediction'],
    ['rows', 'Rows'],
  ];
  const there = shown.filter(([key]) => metricOf(run, key) !== undefined);
  if (!there.length) return null;
  return (
    <Card>
      <dl class="figures">
        {there.map(([key, label, note]) => (
          <Figure key={key} label={label} value={number(metricOf(run, key))} title={exact(metricOf(run, key))} note={note} />
        ))}
      </dl>
    </Card>
  );
}

function Pairs({ title, rows }: { title: string; rows: [string, string, string?][] }) {
  return (
    <Card flush title={title}>
      {rows.length ? (
        <div class="table pairs">
          <table aria-label={title}>
            <thead class="hidden">
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Value</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(([key, value, whole]) => (
                <tr key={key}>
                  <td>{key}</td>
                  <td title={whole}>
                    <code>{value}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <p class="empty">None</p>
      )}
    </Card>
  );
}

function Children({ run }: { run: Run }) {
  const state = useResource<{ runs?: Run[] }>(data.children(run.info.run_id)).value;
  const runs = state.data?.runs ?? [];
  if (state.data && !runs.length) return null;
  const chosen = tagOf(run, 'tidemill.bestCandidate');
  return (
    <Card flush title="Candidates" aside={runs.length > 0 && <span class="muted">{count(runs.length)} tried{chosen && `, candidate-${chosen} chosen`}</span>}>
      <Show state={state} what="candidates">
        {() => <RunsTable label="Candidates" runs={runs} order="metrics.cv_mae" sortKey="candidates" parent={run} />}
      </Show>
    </Card>
  );
}

function Overview({ run, experiment }: { run: Run; experiment: string }) {
  const parent = tagOf(run, PARENT);
  const jobRun = tagOf(run, 'tidemill.jobRun');
  const table = tagOf(run, 'tidemill.featureTable');
  const facts: [string, preact.ComponentChildren][] = [
    ['Started', <When ms={run.info.start_time} full />],
    ['Duration', duration(durationOf(run, now.value))],
    ['Experiment', <Link href={screen.experiment(run.info.experiment_id)}><Name>{experiment}</Name></Link>],
    ['Run id', <Id value={run.info.run_id} what="run id" />],
  ];
  if (parent) facts.push(['Parent run', <Link href={screen.run(run.info.experiment_id, parent)}>{parent.slice(0, 12)}…</Link>]);
  if (jobRun) facts.push(['Job run', <Link href={screen.jobs({ run: jobRun })}>{jobRun}</Link>]);
  if (table) facts.push(['Feature table', <><Name>{table}</Name>, version{'\u00a0'}{tagOf(run, 'tidemill.featureVersion') ?? DASH}</>]);
  return (
    <Card>
      <Facts of={facts} />
    </Card>
  );
}

function Body({ run, experiment }: { run: Run; experiment: string }) {
  const failure = tagOf(run, ERROR);
  const id = run.info.run_id;
  return (
    <>
      {failure && (
        <div class="notice bad">
          <div>
            <strong>The run failed</strong>
            <p>{failure}</p>
          </div>
        </div>
      )}
      <Figures run={run} />
      <Overview run={run} experiment={experiment} />
      <Checks runId={id} />
      <Plots runId={id} />
      {!tagOf(run, PARENT) && <Children run={run} />}
      <div class="grid">
        <div class="third">
          <Pairs title="Params" rows={(run.data.params ?? []).map((p) => [p.key, p.value])} />
        </div>
        <div class="third">
          <Pairs title="Metrics" rows={(run.data.metrics ?? []).map((m) => [m.key, number(m.value, 6), exact(m.value)])} />
        </div>
        <div class="third stack">
          <Artifacts runId={id} />
          <Pairs title="Tags" rows={(run.data.tags ?? []).filter((t) => t.key !== ERROR).map((t) => [t.key, t.value])} />
        </div>
      </div>
    </>
  );
}

export default function RunPage({ params }: { params: Params }) {
  const [experimentId, runId] = [params['experiment'] ?? '', params['run'] ?? ''];
  const state = useResource<{ run: Run }>(data.run(runId)).value;
  const experiment = useResource<{ experiment: Experiment }>(data.experiment(experimentId)).value;
  const name = experiment.data?.experiment.name ?? `Experiment ${experimentId}`;
  const run = state.data?.run;
  const trail: [string, string][] = [
    ['Experiments', screen.experiments()],
    [name, screen.experiment(experimentId)],
  ];
  return (
    <>
      <PageHead title={run?.info.run_name ?? `Run ${runId.slice(0, 12)}`} trail={trail} badge={run && <StateBadge state={run.info.status} />} />
      <Show state={state} what="the run">
        {(answer) => <Body run={answer.run} experiment={name} />}
      </Show>
    </>
  );
}
