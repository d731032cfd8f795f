// What a view shows instead of its content: nothing yet, still loading, failed. Never a blank page, never a jump.
import type { ReactNode } from 'react';
import { type ApiError, type Failure, OfflineError } from '@/api/problem';
import type { Problem } from '@/api/types';
import { useMessages } from '@/i18n';
import { Button } from './Button';
import { Icon, type IconName } from './Icon';
import styles from './Notes.module.css';

export function EmptyState({
  icon,
  title,
  children,
  action,
}: {
  icon: IconName;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={styles.empty}>
      <Icon name={icon} size={28} />
      <h2>{title}</h2>
      {children && <div className={styles.text}>{children}</div>}
      {action}
    </div>
  );
}

/** A failure of a call, or a problem document of a job: what, why, and what to do next. */
export function ProblemNote({
  failure,
  problem,
  onRetry,
}: {
  failure?: Failure | null;
  problem?: Problem | null;
  onRetry?: () => void;
}) {
  const m = useMessages();
  if (!failure && !problem) return null;
  const offline = failure instanceof OfflineError;
  const shown = problem ?? (failure && !offline ? (failure as ApiError).problem : null);
  const next = offline ? m.problem.offlineNext : shown?.next_step;
  return (
    <div className={styles.problem} role="alert">
      <Icon name={offline ? 'offline' : 'alert'} />
      <div className={styles.body}>
        <strong>{offline ? m.problem.offline : shown?.title}</strong>
        {shown?.detail && shown.detail !== shown.title && <p>{shown.detail}</p>}
        {next && (
          <p className={styles.next}>
            {m.problem.next}: {next}
          </p>
        )}
      </div>
      {onRetry && (
        <Button icon="retry" onClick={onRetry}>
          {m.common.retry}
        </Button>
      )}
    </div>
  );
}

/** Grey bars in the shape of what will come. `lines` of text, or a block of a given height. */
export function Skeleton({
  lines = 1,
  height,
  width = '100%',
}: {
  lines?: number;
  height?: number | string;
  width?: number | string;
}) {
  const m = useMessages();
  const keys = Array.from({ length: lines }, (_, line) => `line${line}`);
  return (
    <div role="status" aria-label={m.common.loading} className={styles.skeletons}>
      {keys.map((key, line) => (
        <div
          key={key}
          className={styles.skeleton}
          style={{ height: height ?? 14, width: lines > 1 && line === lines - 1 ? '60%' : width }}
        />
      ))}
    </div>
  );
}
