/* The small parts that every screen is made of. */
import { useSignal } from '@preact/signals';
import { Fragment, type ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { data } from '../api/paths.ts';
import { retry, useResource, type State } from '../api/resource.ts';
import type { Overview } from '../api/types.ts';
import type { ApiError } from '../api/client.ts';
import { Link } from '../app/router.tsx';
import { now } from './clock.ts';
import { DASH, dateTime, relative } from './format.ts';
import { Icon } from './icons.tsx';
import { commandsFor } from './shell.ts';

type Children = { children?: ComponentChildren };

export function Card({ title, aside, children, flush }: Children & { title?: string; aside?: ComponentChildren; flush?: boolean }) {
  return (
    <section class={flush ? 'card flush' : 'card'}>
      {title && (
        <header>
          <h2>{title}</h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

/* PageHead: where we are, and the heading that takes the focus when the screen changes. */
export function PageHead({ title, trail, badge, note }: { title: string; trail?: [string, string][]; badge?: ComponentChildren; note?: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · Tidemill`;
  }, [title]);
  return (
    <header class="page-head">
      {trail && (
        <nav aria-label="Breadcrumb">
          <ol>
            {trail.map(([label, href]) => (
              <li key={href}>
                <Link href={href}>{label}</Link>
              </li>
            ))}
          </ol>
        </nav>
      )}
      <div class="title">
        <h1 tabIndex={-1}>{title}</h1>
        {badge}
      </div>
      {note && <p class="note">{note}</p>}
    </header>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <div class="loading" role="status">
      <span class="hidden">Loading {what}…</span>
      <span class="bone wide" aria-hidden="true" />
      <span class="bone" aria-hidden="true" />
      <span class="bone short" aria-hidden="true" />
    </div>
  );
}

export function ErrorBox({ error, stale }: { error: ApiError; stale?: boolean }) {
  const title = stale ? 'What you see is not fresh' : error.status === 404 ? 'Not found' : 'This could not be loaded';
  return (
    <div class={stale ? 'notice warn' : 'notice bad'} role="alert">
      <div>
        <strong>{title}</strong>
        <p>{error.message}</p>
      </div>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

/* Show draws what a resource holds: loading, failed, there, or there but old. */
export function Show<T>({ state, what, children }: { state: State<T>; what: string; children: (data: T) => ComponentChildren }) {
  if (state.data === undefined) return state.error ? <ErrorBox error={state.error} /> : <Loading what={what} />;
  return (
    <>
      {state.error && <ErrorBox error={state.error} stale />}
      {children(state.data)}
    </>
  );
}

/* Empty says what is missing and which command makes it: where no job is known yet, that is apply. */
export function Empty({ title, job, children }: Children & { title: string; job?: string }) {
  const { data: seen } = useResource<Overview>(data.overview()).value;
  const commands = commandsFor(seen?.home);
  return (
    <div class="empty">
      <p class="what">{title}</p>
      {children && <p>{children}</p>}
      {seen && <Command text={job && seen.counts.jobs ? commands.run(job) : commands.apply} />}
    </div>
  );
}

export function Command({ text }: { text: string }) {
  return (
    <div class="command">
      <code>{text}</code>
      <Copy text={text} what="command" />
    </div>
  );
}

export function Copy({ text, what }: { text: string; what: string }) {
  const said = useSignal('');
  const timer = useRef(0);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      said.value = 'Copied';
    } catch {
      said.value = 'Not allowed';
    }
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => (said.value = ''), 1500);
  };
  return (
    <button type="button" class="copy" onClick={() => void copy()} aria-label={`Copy ${what}`} title={`Copy ${what}`}>
      <Icon name={said.value === 'Copied' ? 'check' : 'copy'} />
      <span role="status" class={said.value ? 'said' : 'hidden'}>
        {said.value}
      </span>
    </button>
  );
}

/* Id: a long identifier, its beginning shown, the whole of it to copy. */
export function Id({ value, what, length = 12 }: { value: string; what: string; length?: number }) {
  return (
    <span class="id">
      <code title={value}>{value.length > length ? `${value.slice(0, length)}…` : value}</code>
      <Copy text={value} what={what} />
    </span>
  );
}

/* When: a time as "3 min ago", exact on hover; `full` the other way round. */
export function When({ ms, full }: { ms: number | undefined | null; full?: boolean }) {
  if (!ms) return <>{DASH}</>;
  const ago = relative(ms, now.value);
  const at = dateTime(ms);
  return (
    <time dateTime={new Date(ms).toISOString()} title={full ? `${ago} (${dateTime(ms, true)} UTC)` : `${at} (${dateTime(ms, true)} UTC)`}>
      {full ? at : ago}
    </time>
  );
}

/* Name: a long name that may break after its dots, slashes and underscores. */
export function Name({ children }: { children: string }) {
  return (
    <>
      {children.split(/(?<=[._/])/).map((part, i) => (
        <Fragment key={i}>
          {i > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </>
  );
}

export function Facts({ of }: { of: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/* Tabs: arrows move, as in every tab list. */
export function Tabs({ label, tabs, chosen, choose, children }: Children & { label: string; tabs: [string, string][]; chosen: string; choose: (id: string) => void }) {
  const id = useId();
  const onKeyDown = (e: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step) return;
    e.preventDefault();
    const at = tabs.findIndex(([tab]) => tab === chosen);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    choose(next[0]);
    document.getElementById(`${id}-${next[0]}`)?.focus();
  };
  return (
    <div class="tabs">
      <div role="tablist" aria-label={label} onKeyDown={onKeyDown}>
        {tabs.map(([tab, name]) => (
          <button
            key={tab}
            type="button"
            role="tab"
            id={`${id}-${tab}`}
            aria-selected={tab === chosen}
            aria-controls={`${id}-panel`}
            tabIndex={tab === chosen ? 0 : -1}
            onClick={() => choose(tab)}
          >
            {name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${chosen}`}>
        {children}
      </div>
    </div>
  );
}

/* Figure: one number that matters, large. */
export function Figure({ label, value, note, title }: { label: string; value: ComponentChildren; note?: ComponentChildren; title?: string }) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>
        <span class="value" title={title}>
          {value}
        </span>
        {note && <span class="note">{note}</span>}
      </dd>
    </div>
  );
}
