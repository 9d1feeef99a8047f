/* The address is the state: what is shown follows from it alone, and every link is a real link. */
import { batch, computed, signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { withParams } from './match.ts';

export const path = signal(location.pathname);
export const search = signal(location.search);
export const query = computed(() => new URLSearchParams(search.value));

function follow(): void {
  batch(() => {
    path.value = location.pathname;
    search.value = location.search;
  });
}
addEventListener('popstate', follow);

export function navigate(href: string): void {
  if (href === location.pathname + location.search) return;
  history.pushState(null, '', href);
  const moved = path.value !== location.pathname;
  follow();
  if (moved) scrollTo(0, 0);
}

/* setParams changes the query in place: sorting or unfolding is no new page in the history. */
export function setParams(changes: Record<string, string>): void {
  history.replaceState(null, '', location.pathname + withParams(location.search, changes));
  follow();
}

interface LinkProps {
  href: string;
  children?: ComponentChildren;
  class?: string;
  'aria-label'?: string;
  'aria-current'?: 'page' | 'true' | undefined;
}

export function Link({ href, children, ...rest }: LinkProps) {
  const onClick = (e: MouseEvent) => {
    if (e.defaultPrevented || e.button || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    navigate(href);
  };
  return (
    <a {...rest} href={href} onClick={onClick}>
      {children}
    </a>
  );
}
