/* The body of a request made from what was typed, and the field that an error of the server is about. */
import type { SignatureInput } from '../api/types.ts';
import { shellQuote } from '../kit/shell.ts';

const INTEGER = /^-?(0|[1-9]\d*)$/;
const DECIMAL = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/* tokenOf: one JSON value. What is no value of the type goes as text, so that the server, which
 * knows best, says what is wrong with it. Digits are kept as typed: no number is rounded here. */
function tokenOf(type: string, text: string): string {
  const t = text.trim();
  if (type === 'boolean' && (t === 'true' || t === 'false')) return t;
  if ((type === 'long' || type === 'integer') && (INTEGER.test(t) || DECIMAL.test(t))) return t;
  if ((type === 'double' || type === 'float') && DECIMAL.test(t)) return t;
  return JSON.stringify(text);
}

/* recordOf: {"name": value, …} in the signature's order; a field left empty is left out. */
export function recordOf(inputs: readonly SignatureInput[], typed: Readonly<Record<string, string>>): string {
  const parts: string[] = [];
  for (const input of inputs) {
    const text = typed[input.name] ?? '';
    if (text.trim() === '' && input.type !== 'string') continue;
    if (text === '' && !input.required) continue;
    parts.push(`${JSON.stringify(input.name)}: ${tokenOf(input.type, text)}`);
  }
  return `{${parts.join(', ')}}`;
}

export function bodyOf(inputs: readonly SignatureInput[], typed: Readonly<Record<string, string>>): string {
  return `{"dataframe_records": [${recordOf(inputs, typed)}]}`;
}

/* fieldOf finds "dataframe_records[0].trip_distance" in a message; names may hold dots and blanks. */
export function fieldOf(message: string, inputs: readonly SignatureInput[]): string | undefined {
  const at = /dataframe_records\[0\]\.?/.exec(message);
  if (!at) return undefined;
  const rest = message.slice(at.index + at[0].length).replace(/^\[?["']?/, '');
  const found = inputs.filter((i) => rest.startsWith(i.name) && !/^[\w]/.test(rest.slice(i.name.length)));
  return found.sort((a, b) => b.name.length - a.name.length)[0]?.name;
}

/* startOf: what the form shows at first. */
export function startOf(inputs: readonly SignatureInput[], example: Readonly<Record<string, unknown>> | null | undefined): Record<string, string> {
  const typed: Record<string, string> = {};
  for (const { name } of inputs) {
    const value = example?.[name];
    typed[name] = value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  }
  return typed;
}

export function curlOf(url: string, body: string): string {
  return `curl -s ${url} \\\n  -H 'Content-Type: application/json' \\\n  -d ${shellQuote(body)}`;
}

/* pythonOf needs nothing but Python itself. */
export function pythonOf(url: string, inputs: readonly SignatureInput[], typed: Readonly<Record<string, string>>): string {
  const record = recordOf(inputs, typed).replace(/: (true|false)(?=[,}])/g, (_, b: string) => (b === 'true' ? ': True' : ': False'));
  return [
    'import json, urllib.request',
    '',
    `body = {"dataframe_records": [${record}]}`,
    'request = urllib.request.Request(',
    `    ${JSON.stringify(url)},`,
    '    json.dumps(body).encode(),',
    '    {"Content-Type": "application/json"},',
    ')',
    'with urllib.request.urlopen(request) as answer:',
    '    print(json.load(answer)["predictions"])',
  ].join('\n');
}
