/* The frame around every screen: navigation in the order of the loop, and the screen itself. */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { data } from '../api/paths.ts';
import { useResource } from '../api/resource.ts';
import type { Overview } from '../api/types.ts';
import { Icon, Mark, type IconName } from '../kit/icons.tsx';
import { Loading, PageHead } from '../kit/parts.tsx';
import { match } from './match.ts';
import { Link, path } from './router.tsx';
import { loaders, routes, type Screen, type ScreenName } from './routes.ts';
import { nextTheme, theme } from './theme.ts';

const nouns: [string, string, IconName][] = [
  ['Home', '/', 'home'],
  ['Experiments', '/experiments', 'experiments'],
  ['Models', '/models', 'models'],
  ['Endpoints', '/endpoints', 'endpoints'],
  ['Monitoring', '/monitoring', 'monitoring'],
  ['Jobs', '/jobs', 'jobs'],
];

const loaded = signal<Partial<Record<ScreenName, Screen>>>({});
const broken = signal<ScreenName | null>(null);

async function load(name: ScreenName): Promise<void> {
  if (loaded.value[name]) return;
  try {
    const chunk = await loaders[name]();
    broken.value = null;
    loaded.value = { ...loaded.value, [name]: chunk.default };
  } catch {
    broken.value = name;
  }
}

function ThemeButton() {
  const icons = { auto: 'auto', light: 'light', dark: 'dark' } as const;
  return (
    <button type="button" class="theme" onClick={nextTheme} aria-label={`Theme: ${theme.value}. Change`} title={`Theme: ${theme.value}`}>
      <Icon name={icons[theme.value]} />
      <span class="name">{theme.value === 'auto' ? 'System' : theme.value === 'light' ? 'Light' : 'Dark'}</span>
    </button>
  );
}

function Navigation() {
  const overview = useResource<Overview>(data.overview());
  const { data: seen, error } = overview.value;
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    // on a narrow screen the list scrolls: where we are stays in sight
    list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [path.value]);
  return (
    <header class="side">
      <Link href="/" class="brand" aria-label="Tidemill, home">
        <Mark />
        <span>Tidemill</span>
      </Link>
      <nav aria-label="Main">
        <ul ref={list}>
          {nouns.map(([name, href, icon]) => {
            const here = href === '/' ? path.value === '/' : path.value === href || path.value.startsWith(`${href}/`);
            return (
              <li key={href}>
                <Link href={href} aria-current={here ? (path.value === href ? 'page' : 'true') : undefined}>
                  <Icon name={icon} />
                  {name}
                </Link>
              </li>
            );
          })}
        </ul>
      </nav>
      <div class="foot">
        <span class={error ? 'dot bad' : 'dot'} aria-hidden="true" />
        <span class="server" title={seen?.home}>
          {error ? 'No connection' : seen ? `Version ${seen.version}` : 'Connecting…'}
        </span>
        <ThemeButton />
      </div>
    </header>
  );
}

function Nowhere() {
  return (
    <>
      <PageHead title="Nothing here" />
      <p>
        There is no page at <code>{path.value}</code>. <Link href="/">Go home</Link>
      </p>
    </>
  );
}

function Broken() {
  return (
    <div class="notice bad" role="alert">
      <div>
        <strong>This part of the page could not be loaded</strong>
        <p>The server may have been replaced by another version meanwhile.</p>
      </div>
      <button type="button" onClick={() => location.reload()}>
        Reload
      </button>
    </div>
  );
}

/* useFocus: a new screen's heading takes the focus, so that keyboard and screen reader follow. */
function useFocus(ready: boolean) {
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    if (!ready) return;
    if (!first.current) main.current?.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
    first.current = false;
  }, [path.value, ready]);
  return main;
}

export function Shell() {
  const found = match(routes, path.value);
  const name = found?.name;
  useEffect(() => {
    if (name) void load(name);
  }, [name]);
  const Content = name && loaded.value[name];
  const main = useFocus(!name || !!Content);
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), main.current?.focus())}>
        Skip to content
      </a>
      <div class="frame">
        <Navigation />
        <main id="main" ref={main} tabIndex={-1}>
          {!found ? (
            <Nowhere />
          ) : Content ? (
            <Content key={path.value} params={found.params} />
          ) : broken.value === name ? (
            <Broken />
          ) : (
            <Loading what="the page" />
          )}
        </main>
      </div>
    </>
  );
}
