// A state as the API names it: icon, word and tone together, so that no state is told by colour alone.

import type { Messages } from '@/i18n';
import { useMessages } from '@/i18n';
import styles from './Badge.module.css';
import { Icon, type IconName } from './Icon';

export type Tone = 'neutral' | 'accent' | 'ok' | 'warn' | 'bad';
export type StateName = keyof Messages['state'];

const looks: Record<StateName, { icon: IconName; tone: Tone }> = {
  analysing: { icon: 'search', tone: 'neutral' },
  probing: { icon: 'half', tone: 'neutral' },
  quoted: { icon: 'info', tone: 'warn' },
  funding: { icon: 'lock', tone: 'neutral' },
  rendering: { icon: 'play', tone: 'accent' },
  running: { icon: 'play', tone: 'accent' },
  settling: { icon: 'wallet', tone: 'accent' },
  done: { icon: 'check', tone: 'ok' },
  cancelled: { icon: 'dash', tone: 'neutral' },
  failed: { icon: 'close', tone: 'bad' },
  paused: { icon: 'pause', tone: 'warn' },
  waiting: { icon: 'circle', tone: 'neutral' },
  given: { icon: 'send', tone: 'neutral' },
  delivered: { icon: 'half', tone: 'accent' },
  auditing: { icon: 'eye', tone: 'accent' },
  verified: { icon: 'check', tone: 'ok' },
  open: { icon: 'clock', tone: 'neutral' },
  passed: { icon: 'check', tone: 'ok' },
  inconclusive: { icon: 'dash', tone: 'warn' },
};

export function isStateName(value: string): value is StateName {
  return value in looks;
}

/** `<StateBadge state={job.state} />`; a state this studio does not know yet is shown as the node wrote it. */
export function StateBadge({ state }: { state: string }) {
  const m = useMessages();
  const look = isStateName(state) ? looks[state] : { icon: 'circle' as const, tone: 'neutral' as const };
  return (
    <Badge icon={look.icon} tone={look.tone}>
      {isStateName(state) ? m.state[state] : state}
    </Badge>
  );
}

export function Badge({ icon, tone = 'neutral', children }: { icon?: IconName; tone?: Tone; children: string }) {
  return (
    <span className={`${styles.badge} ${styles[tone]}`}>
      {icon && <Icon name={icon} size={12} />}
      {children}
    </span>
  );
}
