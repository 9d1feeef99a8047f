/* "Try it": a form made from the model's signature. It sends what anyone else would send. */
import { signal, useSignal, type Signal } from '@preact/signals';
import { useId, useMemo, useRef } from 'preact/hooks';
import { ApiError, postJson } from '../api/client.ts';
import { data } from '../api/paths.ts';
import type { Signature, SignatureInput } from '../api/types.ts';
import { duration, exact, number } from '../kit/format.ts';
import { Card, Copy, Tabs } from '../kit/parts.tsx';
import { bodyOf, curlOf, fieldOf, pythonOf, startOf } from './request.ts';

interface Outcome {
  predictions?: unknown[];
  ms?: number;
  error?: string;
  field?: string | undefined;
}

const typeNames: Record<string, string> = { long: 'whole number', integer: 'whole number', double: 'number', float: 'number', boolean: 'true or false', string: 'text', datetime: 'date and time' };

function Field({ of, typed, error }: { of: SignatureInput; typed: Signal<Record<string, string>>; error: string | undefined }) {
  const id = useId();
  const value = typed.value[of.name] ?? '';
  const change = (e: Event) => (typed.value = { ...typed.value, [of.name]: (e.target as HTMLInputElement).value });
  const shared = {
    id,
    name: of.name,
    value,
    'aria-invalid': !!error,
    'aria-describedby': error ? `${id}-hint ${id}-error` : `${id}-hint`,
    'aria-required': of.required,
  };
  return (
    <div class={error ? 'field wrong' : 'field'}>
      <label for={id}>{of.name}</label>
      {of.type === 'boolean' ? (
        <select {...shared} onChange={change}>
          {!of.required && <option value="">(none)</option>}
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      ) : (
        <input {...shared} type="text" inputMode={of.type === 'string' ? 'text' : 'decimal'} autocomplete="off" spellcheck={false} onInput={change} />
      )}
      <span class="hint" id={`${id}-hint`}>
        {typeNames[of.type] ?? of.type}
        {!of.required && ', optional'}
      </span>
      {error && (
        <span class="error" id={`${id}-error`}>
          {error}
        </span>
      )}
    </div>
  );
}

function shown(value: unknown): string {
  return typeof value === 'number' ? number(value, 6) : JSON.stringify(value);
}

function Answer({ of }: { of: Outcome | null }) {
  return (
    <div class="answer" role="status">
      {of?.predictions ? (
        <>
          <span class="label">Prediction</span>
          {of.predictions.map((p, i) => (
            <output key={i} title={typeof p === 'number' ? exact(p) : undefined} data-value={JSON.stringify(p)}>
              {shown(p)}
            </output>
          ))}
          <span class="label">answered in {duration(of.ms)}</span>
        </>
      ) : of?.error ? (
        <span class="failed">{of.field ? `Not predicted: see ${of.field}.` : of.error}</span>
      ) : (
        <span class="label">Send the row to see the prediction.</span>
      )}
    </div>
  );
}

async function ask(name: string, body: string, inputs: readonly SignatureInput[]): Promise<Outcome> {
  const start = performance.now();
  try {
    const text = await postJson(data.invocations(name), body);
    const ms = performance.now() - start;
    const answer = JSON.parse(text) as { predictions?: unknown[] };
    return { predictions: answer.predictions ?? [], ms };
  } catch (e) {
    const error = e instanceof ApiError ? e.message : 'The server sent an answer that is no JSON.';
    return { error, field: fieldOf(error, inputs) };
  }
}

function UseIt({ name, inputs, typed }: { name: string; inputs: SignatureInput[]; typed: Signal<Record<string, string>> }) {
  const tab = useSignal('curl');
  const url = location.origin + data.invocations(name);
  const text = tab.value === 'curl' ? curlOf(url, bodyOf(inputs, typed.value)) : pythonOf(url, inputs, typed.value);
  return (
    <Card title="Use it">
      <Tabs
        label="Language"
        tabs={[
          ['curl', 'curl'],
          ['python', 'Python'],
        ]}
        chosen={tab.value}
        choose={(t) => (tab.value = t)}
      >
        <div class="code">
          <pre tabIndex={0} aria-label={`The same request for ${tab.value}`}>
            <code>{text}</code>
          </pre>
          <Copy text={text} what="the snippet" />
        </div>
      </Tabs>
    </Card>
  );
}

export function TryIt({ name, signature }: { name: string; signature: Signature }) {
  const { inputs } = signature;
  const typed = useMemo(() => signal(startOf(inputs, signature.example)), [name]);
  const outcome = useSignal<Outcome | null>(null);
  const busy = useSignal(false);
  const form = useRef<HTMLFormElement>(null);
  const submit = async (e: Event) => {
    e.preventDefault();
    if (busy.value) return;
    busy.value = true;
    outcome.value = await ask(name, bodyOf(inputs, typed.value), inputs);
    busy.value = false;
    if (outcome.value.field) requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };
  const reset = () => {
    typed.value = startOf(inputs, signature.example);
    outcome.value = null;
  };
  return (
    <>
      <Card title="Try it" aside={signature.model && <span class="muted">signature of version {signature.model.version}</span>}>
        <form ref={form} onSubmit={(e) => void submit(e)} noValidate>
          <div class="fields">
            {inputs.map((i) => (
              <Field key={i.name} of={i} typed={typed} error={outcome.value?.field === i.name ? outcome.value.error : undefined} />
            ))}
          </div>
          <div class="send">
            <button type="submit" class="primary" aria-disabled={busy.value}>
              Predict
            </button>
            <button type="button" class="plain" onClick={reset}>
              Example
            </button>
            <Answer of={outcome.value} />
          </div>
        </form>
      </Card>
      <UseIt name={name} inputs={inputs} typed={typed} />
    </>
  );
}
