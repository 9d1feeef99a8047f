import './home.css';
import type { ComponentChildren } from 'preact';
import { data, screen } from '../api/paths.ts';
import { useResource } from '../api/resource.ts';
import type { Overview } from '../api/types.ts';
import { Link } from '../app/router.tsx';
import { Badge, StateBadge, VerdictBadge } from '../kit/badge.tsx';
import { count, dateTime, duration, number } from '../kit/format.ts';
import { Icon, type IconName } from '../kit/icons.tsx';
import { Card, Empty, PageHead, Show, When } from '../kit/parts.tsx';
import { DriftList } from '../monitoring/drift.tsx';

function plural(n: number, one: string): string {
  return `${count(n)} ${one}${n === 1 ? '' : 's'}`;
}

function Step({ icon, name, href, value, children }: { icon: IconName; name: string; href: string; value: ComponentChildren; children: ComponentChildren }) {
  return (
    <li>
      <h2>
        <Icon name={icon} />
        <Link href={href}>{name}</Link>
      </h2>
      <div class="value">{value}</div>
      <div class="under">{children}</div>
    </li>
  );
}

/* The loop at a glance: each noun with the one thing to know about it now. */
function Loop({ of }: { of: Overview }) {
  const champion = of.champion[0];
  const ready = of.endpoints.filter((e) => e.ready).length;
  const requests = of.endpoints.reduce((sum, e) => sum + (e.requests ?? 0), 0);
  const last = of.latest_job_runs[0];
  const seen = of.latest_monitor;
  return (
    <ol class="loop" aria-label="The loop">
      <Step icon="experiments" name="Experiments" href={screen.experiments()} value={count(of.counts.runs)}>
        {of.counts.runs === 1 ? 'run' : 'runs'} in {plural(of.counts.experiments, 'experiment')}
      </Step>
      <Step icon="models" name="Models" href={screen.models()} value={champion ? `v${champion.version}` : count(of.counts.versions)}>
        {champion ? <>champion{champion.mae !== undefined && champion.mae !== null && <>, MAE {number(champion.mae)}</>}</> : 'versions, no champion yet'}
      </Step>
      <Step icon="endpoints" name="Endpoints" href={screen.endpoints()} value={of.counts.endpoints ? `${ready} of ${of.counts.endpoints}` : '0'}>
        ready{requests > 0 && <>, {plural(requests, 'request')}</>}
      </Step>
      <Step icon="monitoring" name="Monitoring" href={screen.monitoring()} value={seen ? <VerdictBadge verdict={seen.verdict} /> : '–'}>
        {seen ? (
          <>
            {count(seen.rows)} rows until {dateTime(seen.at_ms, true).slice(0, 10)}
          </>
        ) : (
          'nothing monitored yet'
        )}
      </Step>
      <Step icon="jobs" name="Jobs" href={screen.jobs()} value={count(of.counts.jobs)}>
        {last ? (
          <>
            last run <When ms={last.ended_ms || last.started_ms || last.created_ms} />
          </>
        ) : (
          'no run yet'
        )}
      </Step>
    </ol>
  );
}

function Champions({ of }: { of: Overview }) {
  return (
    <Card title="Serving">
      {of.endpoints.length === 0 ? (
        <Empty title="Nothing is served yet." job="ml_training_pipeline">
          {of.counts.jobs ? 'The training pipeline deploys the model that passes its gates.' : 'A bundle declares data, checks, training, endpoints and jobs.'}
        </Empty>
      ) : (
        <ul class="rows">
          {of.endpoints.map((e) => {
            const champion = of.champion.find((c) => String(c.version) === String(e.version)) ?? of.champion[0];
            return (
              <li key={e.name}>
                <div class="line">
                  <Link href={screen.endpoint(e.name)}>{e.name}</Link>
                  <Badge tone={e.ready ? 'good' : 'bad'}>{e.ready ? 'Ready' : 'Not ready'}</Badge>
                </div>
                <p class="muted">
                  {champion && (
                    <>
                      <Link href={screen.model(champion.model)}>{champion.model}</Link> version {e.version ?? champion.version}
                    </>
                  )}
                  {e.requests !== undefined && <>, {plural(e.requests, 'request')} since the server started</>}
                </p>
              </li>
            );
          })}
        </ul>
      )}
    </Card>
  );
}

function Runs({ of }: { of: Overview }) {
  return (
    <Card title="Latest job runs" aside={<Link href={screen.jobs()}>All jobs</Link>}>
      {of.latest_job_runs.length === 0 ? (
        <Empty title="No job has run yet." job="ml_training_pipeline" />
      ) : (
        <ul class="rows">
          {of.latest_job_runs.slice(0, 6).map((r) => (
            <li key={r.id}>
              <div class="line">
                <Link href={screen.jobs({ run: r.id })}>{r.job}</Link>
                <StateBadge state={r.state} />
              </div>
              {r.outcome && <p>{r.outcome}</p>}
              <p class="muted">
                <When ms={r.started_ms || r.created_ms} />
                {r.started_ms && r.ended_ms ? <>, took {duration(r.ended_ms - r.started_ms)}</> : null}
              </p>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Drift({ of }: { of: Overview }) {
  const seen = of.latest_monitor;
  if (!seen)
    return (
      <Card title="Drift">
        <Empty title="Nothing has been monitored yet." job="ml_monitoring">
          Monitoring compares a day's predictions with what was normal at training.
        </Empty>
      </Card>
    );
  const alerts = seen.lines.filter((l) => l.alert).length;
  return (
    <Card
      title={`Drift, ${seen.name}`}
      aside={<Link href={screen.monitoring({ monitor: seen.name, at: seen.at_ms })}>Details</Link>}
    >
      <p class="verdict">
        <VerdictBadge verdict={seen.verdict} />
        <span>
          {seen.verdict === 'not_enough_data'
            ? seen.reason
            : alerts
              ? `${alerts} of ${seen.lines.filter((l) => l.metric !== 'rows').length} measures over their threshold`
              : 'every measure within its threshold'}
          {seen.should_retrain && ', retraining is advised'}
        </span>
      </p>
      <DriftList lines={seen.lines} />
    </Card>
  );
}

export default function Home() {
  const overview = useResource<Overview>(data.overview()).value;
  return (
    <>
      <PageHead title="Home" note={overview.data && <>The home is {overview.data.home}</>} />
      <Show state={overview} what="the overview">
        {(of) => (
          <>
            <Loop of={of} />
            <div class="grid">
              <div class="half stack">
                <Champions of={of} />
                <Drift of={of} />
              </div>
              <div class="half stack">
                <Runs of={of} />
              </div>
            </div>
          </>
        )}
      </Show>
    </>
  );
}

