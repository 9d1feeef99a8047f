/* What a run left behind: plots to look at, files to fetch. */
import { useSignal } from '@preact/signals';
import { data } from '../api/paths.ts';
import { useResource } from '../api/resource.ts';
import type { Artifact } from '../api/types.ts';
import { bytes, words } from '../kit/format.ts';
import { Icon } from '../kit/icons.tsx';
import { Card, Show } from '../kit/parts.tsx';

interface Listing {
  files?: Artifact[];
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/* Our own plots in their order, and how to read them. */
const READING: Record<string, string> = {
  predicted_vs_actual: 'Each point is a held-out row. On the dashed line the prediction is exact; below it the model says too little.',
  residuals: 'What is left when the prediction is taken from the actual value. A shape in it is something the model has not learned.',
  importance: 'How much the splits on a feature lowered the error in training. It says nothing about cause.',
};
const ORDER = Object.keys(READING);

function stem(path: string): string {
  return nameOf(path).replace(/\.svg$/, '');
}

function place(path: string): number {
  const at = ORDER.indexOf(stem(path));
  return at < 0 ? ORDER.length : at;
}

/* Plots are shown as pictures: nothing in them can run. */
export function Plots({ runId }: { runId: string }) {
  const { data: listing } = useResource<Listing>(data.artifacts(runId, 'plots')).value;
  const plots = (listing?.files ?? []).filter((f) => f.path.endsWith('.svg')).sort((a, b) => place(a.path) - place(b.path));
  if (!plots.length) return null;
  const told = plots.filter((f) => READING[stem(f.path)]);
  return (
    <Card title="Plots">
      <div class="plots">
        {plots.map((f) => {
          const href = data.artifact(runId, f.path);
          const name = words(stem(f.path));
          return (
            <a key={f.path} href={href} target="_blank" rel="noreferrer" aria-label={`${name}, opens in a new tab`}>
              <img src={href} alt={`Plot: ${name}`} width="720" height="440" loading="lazy" />
            </a>
          );
        })}
        {told.length > 0 && (
          <dl class="reading">
            {told.map((f) => (
              <div key={f.path}>
                <dt>{words(stem(f.path))}</dt>
                <dd>{READING[stem(f.path)]}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </Card>
  );
}

function Folder({ runId, file }: { runId: string; file: Artifact }) {
  const open = useSignal(false);
  return (
    <>
      <li>
        <Icon name="folder" />
        <button type="button" class="fold" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>
          {nameOf(file.path)}
          <Icon name={open.value ? 'down' : 'chevron'} />
        </button>
      </li>
      {open.value && (
        <li>
          <Files runId={runId} path={file.path} />
        </li>
      )}
    </>
  );
}

function Files({ runId, path }: { runId: string; path: string }) {
  const state = useResource<Listing>(data.artifacts(runId, path)).value;
  return (
    <Show state={state} what="artifacts">
      {({ files = [] }) =>
        files.length ? (
          <ul class="files">
            {files.map((f) =>
              f.is_dir ? (
                <Folder key={f.path} runId={runId} file={f} />
              ) : (
                <li key={f.path}>
                  <Icon name="file" />
                  <a href={data.artifact(runId, f.path)} download={nameOf(f.path)}>
                    {nameOf(f.path)}
                  </a>
                  <span class="size">{bytes(f.file_size)}</span>
                </li>
              ),
            )}
          </ul>
        ) : (
          <p class="muted">None</p>
        )
      }
    </Show>
  );
}

export function Artifacts({ runId }: { runId: string }) {
  return (
    <Card title="Artifacts">
      <Files runId={runId} path="" />
    </Card>
  );
}
