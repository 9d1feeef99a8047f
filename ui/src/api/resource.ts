/* A resource is what an address answers, kept fresh while someone looks at it.
 *
 * Shown again, the last answer is there at once and refreshed behind. Nothing is asked while the
 * page is hidden. An answer equal to the last one changes no signal, so nothing is drawn. */
import { signal, type ReadonlySignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError, requestText } from './client.ts';

export interface State<T> {
  data?: T;
  error?: ApiError;
}

interface Entry {
  url: string;
  state: Signal<State<unknown>>;
  text: string | undefined;
  watchers: number;
  timer: number | undefined;
  pending: boolean;
}

const POLL_MS = 4000;
const KEPT_MAX = 60;
const kept = new Map<string, Entry>();

function entryOf(url: string): Entry {
  let entry = kept.get(url);
  if (!entry) {
    entry = { url, state: signal({}), text: undefined, watchers: 0, timer: undefined, pending: false };
    kept.set(url, entry);
    for (const [key, old] of kept) {
      if (kept.size <= KEPT_MAX) break;
      if (!old.watchers && old !== entry) kept.delete(key);
    }
  }
  return entry;
}

async function refresh(entry: Entry): Promise<void> {
  if (entry.pending) return;
  entry.pending = true;
  try {
    const text = await requestText(entry.url);
    if (text !== entry.text || entry.state.value.error) entry.state.value = { data: JSON.parse(text) as unknown };
    entry.text = text;
  } catch (e) {
    const error = e instanceof ApiError ? e : new ApiError('The server sent an answer that is no JSON.', 0, 'BAD_ANSWER');
    const old = entry.state.value;
    if (old.error?.message !== error.message) entry.state.value = { ...old, error };
  } finally {
    entry.pending = false;
  }
}

function schedule(entry: Entry): void {
  clearTimeout(entry.timer);
  if (!entry.watchers || document.hidden) return;
  entry.timer = window.setTimeout(() => void refresh(entry).then(() => schedule(entry)), POLL_MS);
}

document.addEventListener('visibilitychange', () => {
  for (const entry of kept.values()) {
    if (entry.watchers && !document.hidden) void refresh(entry).then(() => schedule(entry));
    else clearTimeout(entry.timer);
  }
});

const nothing: Signal<State<unknown>> = signal({});

/* useResource watches the address; null watches nothing. */
export function useResource<T>(url: string | null): ReadonlySignal<State<T>> {
  useEffect(() => {
    if (url === null) return undefined;
    const entry = entryOf(url);
    entry.watchers++;
    void refresh(entry).then(() => schedule(entry));
    return () => {
      entry.watchers--;
      if (!entry.watchers) clearTimeout(entry.timer);
    };
  }, [url]);
  return (url === null ? nothing : entryOf(url).state) as ReadonlySignal<State<T>>;
}

/* retry asks again now, for all that failed. */
export function retry(): void {
  for (const entry of kept.values()) if (entry.watchers && entry.state.value.error) void refresh(entry);
}
