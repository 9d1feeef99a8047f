/* States as a word, an icon and a colour: never the colour alone. */
import { words } from './format.ts';
import { Icon, type IconName } from './icons.tsx';

export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'quiet';

const icons: Record<Tone, IconName> = { good: 'check', warn: 'bang', bad: 'cross', info: 'play', quiet: 'dots' };

export function Badge({ tone, children, icon }: { tone: Tone; children: string; icon?: IconName }) {
  return (
    <span class={`badge ${tone}`}>
      <Icon name={icon ?? icons[tone]} />
      {children}
    </span>
  );
}

const tones: Record<string, Tone> = {
  FINISHED: 'good',
  SUCCEEDED: 'good',
  READY: 'good',
  RUNNING: 'info',
  QUEUED: 'quiet',
  SCHEDULED: 'quiet',
  PENDING: 'quiet',
  SKIPPED: 'quiet',
  FAILED: 'bad',
  KILLED: 'warn',
  CANCELLED: 'warn',
};

/* StateBadge: the state of a run, a job run or a task. */
export function StateBadge({ state }: { state: string }) {
  return <Badge tone={tones[state] ?? 'quiet'}>{words(state)}</Badge>;
}

/* Verdict: pass, fail, and the third answer. */
export function VerdictBadge({ verdict }: { verdict: string }) {
  if (verdict === 'ok') return <Badge tone="good">OK</Badge>;
  if (verdict === 'alert') return <Badge tone="bad" icon="bang">Alert</Badge>;
  return <Badge tone="warn" icon="dots">Not enough data</Badge>;
}

/* Alias: champion and challenger stand out, the others are plain. */
export function Alias({ children }: { children: string }) {
  const name = children.split(' ')[0];
  const kind = name === 'champion' || name === 'challenger' ? name : 'plain';
  return <span class={`chip ${kind}`}>{children}</span>;
}
