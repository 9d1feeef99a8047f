/* Light, dark, or as the system says. Remembered by this browser. */
import { signal } from '@preact/signals';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];
const KEY = 'tidemill.theme';

function remembered(): Theme {
  try {
    const text = localStorage.getItem(KEY);
    return themes.find((t) => t === text) ?? 'auto';
  } catch {
    return 'auto';
  }
}

export const theme = signal<Theme>(remembered());

export function applyTheme(): void {
  if (theme.value === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme.value;
}

export function nextTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'auto';
  applyTheme();
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // a browser that keeps nothing still changes now
  }
}
