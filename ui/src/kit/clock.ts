/* The time that "3 min ago" is told by; it moves only while someone looks. */
import { signal } from '@preact/signals';

const TICK_MS = 5000;
export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, TICK_MS);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) now.value = Date.now();
});
