// A thin bar. The number it stands for is said by the text beside it; the label is for screen readers.
import styles from './ProgressBar.module.css';

export type ProgressTone = 'accent' | 'ok' | 'warn' | 'bad' | 'neutral';

export function ProgressBar({
  permille,
  label,
  tone = 'accent',
}: {
  permille: number | null;
  label: string;
  tone?: ProgressTone;
}) {
  return (
    <div
      className={`${styles.track} ${permille === null ? styles.unknown : ''}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={permille === null ? undefined : Math.floor(permille / 10)}
    >
      <div className={`${styles.bar} ${styles[tone]}`} style={{ transform: `scaleX(${(permille ?? 300) / 1000})` }} />
    </div>
  );
}
