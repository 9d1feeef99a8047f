/* What a task handed on, as lines to read. */
import { screen } from '../api/paths.ts';
import { number } from '../kit/format.ts';

const LEFT_OUT = new Set(['curl', 'message']); // long, and said elsewhere

function text(value: unknown): string | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : number(value, 6);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.length ? `${value.length}` : 'none';
  return undefined; // a report has its own place
}

export interface ValueLine {
  name: string;
  text: string;
  href?: string | undefined;
}

/* hrefOf: where a value leads. */
function hrefOf(name: string, value: string, all: Readonly<Record<string, unknown>>): string | undefined {
  if (name === 'experiment_id') return screen.experiment(value);
  if (name === 'model_name') return screen.model(value);
  if (name === 'run_id' && typeof all['experiment_id'] === 'string') return screen.run(all['experiment_id'], value);
  return undefined;
}

export function valuesOf(values: Readonly<Record<string, unknown>> | null | undefined): ValueLine[] {
  const lines: ValueLine[] = [];
  for (const [name, value] of Object.entries(values ?? {})) {
    const noVersion = value === 0 && /_version$/.test(name) && !/^(feature|table)_/.test(name);
    const shown = LEFT_OUT.has(name) || noVersion ? undefined : text(value);
    if (shown !== undefined && shown !== 'NaN') lines.push({ name: name.replaceAll('_', ' '), text: shown, href: hrefOf(name, shown, values ?? {}) });
  }
  return lines;
}
